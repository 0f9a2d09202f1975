//! Settings of requests that are done once.

use std::time::Duration;

use anyhow::{Result, bail};
use guildhall_domain::directory::{AnswerKeeping, KeptLimit};
use serde::{Deserialize, Serialize};

use super::values;

/// A year, in seconds.
const LONGEST_RETENTION: u64 = 31_536_000;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Idempotency {
    /// In seconds.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) retention: u64,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) answers_per_caller: u32,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) bytes_per_caller: u64,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) answers_per_administrator: u32,
    #[serde(deserialize_with = "values::whole")]
    pub(crate) bytes_per_administrator: u64,
}

impl Idempotency {
    /// How answers are kept.
    pub(crate) fn keeping(&self) -> AnswerKeeping {
        let limit = |answers: u32, bytes| KeptLimit { answers: answers.into(), bytes };
        AnswerKeeping {
            retention: Duration::from_secs(self.retention),
            per_caller: limit(self.answers_per_caller, self.bytes_per_caller),
            per_administrator: limit(self.answers_per_administrator, self.bytes_per_administrator),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(1..=LONGEST_RETENTION).contains(&self.retention) {
            bail!("idempotency.retention: must be from 1 to {LONGEST_RETENTION}");
        }
        for (value, key) in [
            (self.answers_per_caller.into(), "answers_per_caller"),
            (self.bytes_per_caller, "bytes_per_caller"),
            (self.answers_per_administrator.into(), "answers_per_administrator"),
            (self.bytes_per_administrator, "bytes_per_administrator"),
        ] {
            if value == 0 {
                bail!("idempotency.{key}: must be at least 1");
            }
        }
        Ok(())
    }
}
