//! PBKDF2 in the PHC string format: `$pbkdf2-sha256$i=27500,l=64$salt$output`. The length `l` may be left out.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};

use super::{LONGEST_SALT, decoded, encoded, lower_than, number, within};
use crate::passwords::foreign::{RefusedHash, Weakness};

/// The fewest iterations: NIST SP 800-132, section 5.2.
const MIN_ITERATIONS: u32 = 1_000;
/// The most iterations, which take one to two seconds. Keycloak's defaults are 210,000 for SHA-512 and 600,000 for SHA-256.
const MAX_ITERATIONS: u32 = 2_000_000;
/// NIST SP 800-63B (revision 3), section 5.1.1.2.
const RECOMMENDED_ITERATIONS: u32 = 10_000;
/// The fewest bytes of output: 128 bits cannot be found by chance.
const MIN_OUTPUT: usize = 16;
/// The most bytes of output. Each block of the hash function takes all the iterations.
const MAX_OUTPUT: usize = 64;

const NAME: &str = "PBKDF2";
const ITERATIONS: &str = "number of iterations";

/// A hash by PBKDF2 with HMAC.
pub(in crate::passwords) struct Pbkdf2Hash {
    identifier: &'static str,
    algorithm: pbkdf2::Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let malformed = RefusedHash::Malformed(NAME);
        let parts: Vec<_> = text.split('$').collect();
        let ["", identifier, params, salt, output] = *parts else { return Err(malformed) };
        let (identifier, algorithm) = match identifier {
            "pbkdf2-sha256" => ("pbkdf2-sha256", PBKDF2_HMAC_SHA256),
            "pbkdf2-sha512" => ("pbkdf2-sha512", PBKDF2_HMAC_SHA512),
            _ => return Err(malformed),
        };
        let (iterations, length) = match params.split_once(',') {
            Some((iterations, length)) => (iterations, Some(length.strip_prefix("l=").ok_or(malformed)?)),
            None => (params, None),
        };
        let iterations = iterations.strip_prefix("i=").and_then(number).ok_or(malformed)?;
        let salt = decoded(salt).filter(|salt| (1..=LONGEST_SALT).contains(&salt.len())).ok_or(malformed)?;
        let output =
            decoded(output).filter(|output| (MIN_OUTPUT..=MAX_OUTPUT).contains(&output.len())).ok_or(malformed)?;
        if length.is_some_and(|length| length != output.len().to_string()) {
            return Err(malformed);
        }
        let iterations = within(ITERATIONS, iterations, MIN_ITERATIONS..=MAX_ITERATIONS)?;
        let iterations = NonZeroU32::new(iterations).ok_or(malformed)?;
        Ok(Self { identifier, algorithm, iterations, salt, output })
    }

    pub(super) fn text(&self) -> String {
        let Self { identifier, iterations, salt, output, .. } = self;
        format!("${identifier}$i={iterations},l={}${}${}", output.len(), encoded(salt), encoded(output))
    }

    pub(super) fn weakness(&self) -> Option<Weakness> {
        lower_than(ITERATIONS, self.iterations.get(), RECOMMENDED_ITERATIONS)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.algorithm, self.iterations, &self.salt, password, &self.output).is_ok()
    }
}
