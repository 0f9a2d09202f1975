//! When a token is good.

use crate::jwt::error::Refusal;

/// How far another clock may be from ours, in seconds.
pub(crate) const LEEWAY: i64 = 10;

/// When a token is good, in seconds since 1970 (RFC 7519, sections 4.1.4 and 4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

impl Validity {
    /// Whether now is the time, or near enough.
    pub(crate) fn check(self, now: i64) -> Result<(), Refusal> {
        if self.expires <= now.saturating_sub(LEEWAY) {
            return Err(Refusal::Expired);
        }
        if self.not_before > now.saturating_add(LEEWAY) {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}
