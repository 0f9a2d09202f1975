//! The log of all changes at the command line.

use std::io::{self, BufWriter, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use guildhall_domain::directory::{Directory, EventPage, Verification};
use guildhall_domain::event::EventHash;
use guildhall_domain::ports::{EventOrder, EventQuery};

use crate::system::operator;

/// How many events are read at once.
const AT_ONCE: u32 = 1000;
/// How long after one look whether there are events the next is taken.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print the last events, one JSON a line.
    Tail {
        /// How many.
        #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
        lines: u32,
        /// Go on with those that come.
        #[arg(short, long)]
        follow: bool,
    },
    /// Print all events in their order, one JSON a line.
    Export {
        /// Only those after this sequence.
        #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
        after: u64,
    },
    /// Compute the hashes of all events again, and name the first event that was changed, removed or inserted; exit with 1 if there is one.
    Verify {
        /// Begin with this event, whose hash and those of all before are taken for right.
        #[arg(long, value_name = "SEQUENCE")]
        from: Option<u64>,
        /// The hash that the last event must have, as `GET /api/security/events/head` answered. Without it, nobody can tell whether the last events were
        /// removed.
        #[arg(long, value_name = "HASH", value_parser = hash)]
        head: Option<EventHash>,
    },
}

fn hash(text: &str) -> Result<EventHash, String> {
    EventHash::parse(text).ok_or_else(|| "64 hexadecimal digits are expected".to_owned())
}

impl EventsCommand {
    pub(crate) fn run(self, directory: &Directory) -> Result<()> {
        match self {
            Self::Tail { lines, follow } => tail(directory, lines, follow),
            Self::Export { after } => print_after(directory, after).map(drop),
            Self::Verify { from, head } => verify(directory, from, head),
        }
    }
}

fn page(directory: &Directory, query: &EventQuery) -> Result<EventPage> {
    Ok(directory.events(&operator(), query)?)
}

fn tail(directory: &Directory, lines: u32, follow: bool) -> Result<()> {
    let last = EventQuery { order: EventOrder::Descending, limit: lines.max(1), ..EventQuery::default() };
    let mut found = page(directory, &last)?;
    let mut after = found.head.sequence;
    found.events.truncate(lines as usize);
    let mut out = BufWriter::new(io::stdout());
    for event in found.events.iter().rev() {
        writeln!(out, "{}", event.json())?;
    }
    out.flush()?;
    if follow {
        loop {
            thread::sleep(PAUSE);
            after = print_after(directory, after)?;
        }
    }
    Ok(())
}

/// Prints the events after `after`, and says which is the last of them.
fn print_after(directory: &Directory, mut after: u64) -> Result<u64> {
    let mut out = BufWriter::new(io::stdout());
    loop {
        let page = page(directory, &EventQuery::following(after, AT_ONCE))?;
        let Some(last) = page.events.last() else { break };
        after = last.sequence;
        for event in &page.events {
            writeln!(out, "{}", event.json())?;
        }
    }
    out.flush()?;
    Ok(after)
}

fn verify(directory: &Directory, from: Option<u64>, wanted: Option<EventHash>) -> Result<()> {
    let Verification { count, head } = directory.verify_events(&operator(), from)?;
    if let Some(wanted) = wanted
        && wanted != head.hash
    {
        bail!(
            "the last event is {}, and its hash is {}: events after it were removed, or it is not the one that was meant",
            head.sequence,
            head.hash
        );
    }
    Ok(writeln!(io::stdout(), "{count} events fit, up to {}, whose hash is {}", head.sequence, head.hash)?)
}
