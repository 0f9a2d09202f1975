//! Settings of the log of all changes.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use super::values;

/// A hundred years.
const LONGEST_RETENTION: u32 = 36_525;

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Events {
    /// 0 is for ever.
    #[serde(deserialize_with = "values::whole")]
    pub(crate) retention_days: u32,
}

impl Events {
    pub(super) fn check(self) -> Result<()> {
        if self.retention_days > LONGEST_RETENTION {
            bail!("events.retention_days: must be at most {LONGEST_RETENTION}");
        }
        Ok(())
    }
}
