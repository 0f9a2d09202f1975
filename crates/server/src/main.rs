//! The program: configuration, wiring, command line, start and stop.

mod application;
mod cli;
mod open_files;
mod settings;
mod signing;
mod system;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
