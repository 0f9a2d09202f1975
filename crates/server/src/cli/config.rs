//! Commands that look at the settings.

use std::io::{self, Write};

use anyhow::{Result, bail};
use clap::Subcommand;
use guildhall_auth::check_external_issuers;
use serde_json::Value;

use super::printing::{Output, write_aligned};
use crate::issuers::issuers;
use crate::settings::{Loaded, Settings, Shown};
use crate::signing::KeySource;
use crate::tls::TlsFiles;
use crate::unix_socket;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings, and the files that they name, and change nothing. Fails if the service would not start with them.
    Check,
    /// Print every setting in effect and where it comes from. Secrets are masked.
    Show {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}

impl ConfigCommand {
    pub(super) fn run(self, loaded: &Loaded) -> Result<()> {
        match self {
            Self::Check => check(&loaded.settings),
            Self::Show { output } => {
                let shown = loaded.shown()?;
                match output {
                    Output::Table => table(&shown),
                    Output::Json => Ok(writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&shown)?)?),
                }
            }
        }
    }
}

fn check(settings: &Settings) -> Result<()> {
    check_all(settings)?;
    Ok(writeln!(io::stdout(), "the settings are good")?)
}

/// Checks the settings and the files that they name. The error names all that is wrong, not only the first of it.
pub(super) fn check_all(settings: &Settings) -> Result<()> {
    let mut faults = Vec::new();
    let mut note = |outcome: Result<()>| {
        if let Err(error) = outcome {
            faults.push(format!("{error:#}"));
        }
    };
    note(KeySource::of(settings).and_then(|source| source.check()));
    note(issuers(settings).and_then(|issuers| Ok(check_external_issuers(&settings.auth.issuer, &issuers)?)));
    let mut warnings = Vec::new();
    if let Some(files) = TlsFiles::of(&settings.server) {
        note(files.check().map(|warning| warnings.extend(warning)));
    }
    if let Some(path) = &settings.server.unix_socket {
        let checked = unix_socket::check(path);
        note(checked.map_err(|error| error.context(format!("server.unix_socket: {}", path.display()))));
    }
    for warning in warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    match faults.as_slice() {
        [] => Ok(()),
        [fault] => bail!("{fault}"),
        faults => bail!("{} mistakes:\n{}", faults.len(), faults.join("\n")),
    }
}

fn table(shown: &[Shown]) -> Result<()> {
    let value = |value: &Value| match value {
        Value::Null => "(not set)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let texts =
                elements.iter().map(|element| element.as_str().map_or_else(|| element.to_string(), str::to_owned));
            texts.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let row = |shown: &Shown| vec![shown.key.clone(), value(&shown.value), shown.source.clone()];
    write_aligned(&mut io::stdout().lock(), &shown.iter().map(row).collect::<Vec<_>>())
}
