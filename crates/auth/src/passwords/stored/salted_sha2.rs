//! One round of SHA-2 over the password and a salt, as LDAP servers store it: `{SSHA512}`, and the digest and the salt in Base64.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, Context, SHA256, SHA512};

use super::{LONGEST_SALT, decoded, encoded};
use crate::passwords::foreign::RefusedHash;

/// A salted digest.
pub(in crate::passwords) struct SaltedSha2 {
    scheme: &'static str,
    algorithm: &'static digest::Algorithm,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl SaltedSha2 {
    pub(super) fn sha256(text: &str) -> Result<Self, RefusedHash> {
        Self::parse("SSHA256", &SHA256, text).ok_or(RefusedHash::Malformed("salted SHA-256"))
    }

    pub(super) fn sha512(text: &str) -> Result<Self, RefusedHash> {
        Self::parse("SSHA512", &SHA512, text).ok_or(RefusedHash::Malformed("salted SHA-512"))
    }

    fn parse(scheme: &'static str, algorithm: &'static digest::Algorithm, text: &str) -> Option<Self> {
        let mut digest = decoded(text)?;
        if digest.len() <= algorithm.output_len() || digest.len() > algorithm.output_len() + LONGEST_SALT {
            return None;
        }
        let salt = digest.split_off(algorithm.output_len());
        Some(Self { scheme, algorithm, digest, salt })
    }

    pub(super) fn text(&self) -> String {
        format!("{{{}}}{}", self.scheme, encoded(&[self.digest.as_slice(), &self.salt].concat()))
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut context = Context::new(self.algorithm);
        context.update(password);
        context.update(&self.salt);
        verify_slices_are_equal(context.finish().as_ref(), &self.digest).is_ok()
    }
}
