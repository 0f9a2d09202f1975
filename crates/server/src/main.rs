//! The program: configuration, wiring, command line, start and stop.

mod application;
mod cli;
mod output;
mod settings;
mod signing;
mod system;
mod telemetry;

use std::io;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The exit status says it too.
            let _ = output::write_in_time(io::stderr(), format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}
