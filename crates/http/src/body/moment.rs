//! Moments as JSON (contract 1.4).

use guildhall_domain::time::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A moment in UTC, with exactly three decimals.
#[derive(ToSchema)]
#[schema(
    value_type = String,
    format = DateTime,
    pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
    examples("2024-09-03T09:51:20.113Z")
)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
