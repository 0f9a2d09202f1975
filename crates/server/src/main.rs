//! The program: configuration, wiring, command line, start and stop.

mod application;
mod cli;
mod healthcheck;
mod issuers;
mod listening;
mod log_upkeep;
mod management_port;
mod metrics;
mod open_files;
mod output;
mod reload;
mod settings;
mod signals;
mod signing;
mod sockets;
mod system;
mod telemetry;
mod tls;
mod unix_socket;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;

/// It gives memory back to the system page by page. The C library's keeps what a flood of connections took, because a few of the
/// buffers stay in use. It serves the C libraries too (`unprefixed_malloc_on_supported_platforms`), whose pages and rows come and go on
/// many threads.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            // The exit status says it too.
            let _ = output::write_in_time(io::stderr(), format!("error: {error:#}\n"));
            cli::outcome::status(&error)
        }
    }
}
