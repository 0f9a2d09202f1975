//! The keys that sign access tokens.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use guildhall_auth::{KeyFile, SigningKey};

use crate::settings::Settings;
use crate::signing::{self, KeySource};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a file with a new key. A file that exists is left alone.
    Generate {
        /// The file; `-` is standard output. Not given: where the settings say that the key is.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Put a new key in front of the file's. It signs from then on, and the ones of before still verify; a service that runs
    /// takes notice by itself.
    Rotate,
}

impl KeysCommand {
    /// Runs a command that needs settings.
    pub(crate) fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Generate { file: Some(file) } => generate(&file),
            Self::Generate { file: None } => tell_generated(&KeySource::of(settings)?.generate()?),
            Self::Rotate => rotate(settings),
        }
    }
}

/// Creates a key file, or writes a key to standard output.
pub(super) fn generate(file: &Path) -> Result<()> {
    if file == Path::new("-") {
        return Ok(write!(io::stdout(), "{}", SigningKey::generate_pem()?)?);
    }
    tell_generated(&signing::generate(file)?)
}

fn tell_generated(file: &KeyFile) -> Result<()> {
    Ok(writeln!(io::stdout(), "created the signing key {} in {}", file.key_set().signing_id(), file.path().display())?)
}

fn rotate(settings: &Settings) -> Result<()> {
    let rotated = KeySource::of(settings)?.rotate()?;
    writeln!(io::stdout(), "{} signs from now on", rotated.signing)?;
    for key in &rotated.retired {
        writeln!(io::stdout(), "{key} still verifies")?;
    }
    Ok(())
}
