//! The runs of a patch.

use super::{PatchEffect, PatchOptions, PatchReport};
use crate::directory::unit_of_work::{Finish, Turn};

/// A run of a patch, which may find that another one is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) struct Attempt {
    /// Which other changes may run beside it.
    pub(in crate::directory) turn: Turn,
    /// Who must stay so that there is an active System Administrator.
    pub(in crate::directory) staying: Staying,
}

/// Who of those who are to leave stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) enum Staying {
    /// Nobody.
    Nobody,
    /// The first by id who alone is enough.
    One,
    /// Everybody.
    All,
}

/// How an attempt went.
pub(in crate::directory) enum Attempted<Id> {
    Done(PatchReport<Id>),
    Again(Attempt),
}

impl Attempt {
    /// The same as the only change of its kind.
    pub(in crate::directory) fn alone(self) -> Self {
        Self { turn: Turn::Alone, ..self }
    }

    /// The attempt after one that would have taken the last System Administrator.
    pub(in crate::directory) fn keeping_more(self) -> Self {
        let staying = if self.staying == Staying::Nobody { Staying::One } else { Staying::All };
        Self { staying, ..self }
    }
}

impl PatchOptions {
    /// How a unit of work ends that has made the patch.
    pub(in crate::directory) fn finish<Id>(self, report: PatchReport<Id>) -> Finish<Attempted<Id>> {
        match self.effect {
            PatchEffect::Lasting => Finish::Commit(Attempted::Done(report)),
            PatchEffect::DryRun => Finish::Rollback(Attempted::Done(report)),
        }
    }
}
