//! SHA-256.

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 digest of `bytes` (FIPS 180-4, section 6.2).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).unwrap_or_default()
}
