//! From when until when a token is valid.

use super::error::VerificationError;

/// How many seconds an issuer's clock may differ from ours.
const LEEWAY: i64 = 10;

/// From when until when a token is valid, in seconds since 1970 (RFC 7519, sections 4.1.4 and 4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

impl Validity {
    /// Checks that the token is valid at `now`, with some leeway.
    pub(crate) fn check(self, now: i64) -> Result<(), VerificationError> {
        if self.expires <= now.saturating_sub(LEEWAY) {
            return Err(VerificationError::Expired);
        }
        if self.not_before > now.saturating_add(LEEWAY) {
            return Err(VerificationError::NotYetValid);
        }
        Ok(())
    }
}
