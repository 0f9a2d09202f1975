//! What shells and readers of manuals get from the description of the command line.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;

pub(super) fn print_completions(shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "guildhall", &mut text);
    Ok(io::Write::write_all(&mut io::stdout(), &text)?)
}

/// Writes a page for each command to a folder, which is made if it is not there.
pub(super) fn write_manual(folder: &Path) -> Result<()> {
    let in_folder = || folder.display().to_string();
    fs::create_dir_all(folder).with_context(in_folder)?;
    clap_mangen::generate_to(Cli::command(), folder).with_context(in_folder)
}
