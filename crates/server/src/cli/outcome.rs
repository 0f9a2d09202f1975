//! How a command ends.

use std::process::ExitCode;

use anyhow::Result;

/// What the exit status of a command says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done, or the answer is yes.
    Done,
    /// The answer is no.
    No,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::No => Self::FAILURE,
        }
    }
}

/// What a command names is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no {what} '{name}'")]
pub(crate) struct Unknown {
    what: &'static str,
    name: String,
}

/// The exit status of a command that names what is not there.
const UNKNOWN: u8 = 3;

pub(crate) fn unknown_user(name: &str) -> anyhow::Error {
    Unknown { what: "user", name: name.to_owned() }.into()
}

pub(crate) fn unknown_group(name: &str) -> anyhow::Error {
    Unknown { what: "group", name: name.to_owned() }.into()
}

/// The exit status after an error.
pub(crate) fn status(error: &anyhow::Error) -> ExitCode {
    if error.downcast_ref::<Unknown>().is_some() { ExitCode::from(UNKNOWN) } else { ExitCode::FAILURE }
}

/// A command that was done.
pub(crate) fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Done)
}
