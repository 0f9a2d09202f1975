//! SHA-256-crypt and SHA-512-crypt: `$6$`, `rounds=` and `$` if they are not 5,000, the salt, `$` and the output.

use sha_crypt::{PasswordVerifier as _, ShaCrypt};

use super::{c_string, lower_than, number, within};
use crate::passwords::foreign::{RefusedHash, Weakness};

/// The fewest rounds, by specification.
const MIN_ROUNDS: u32 = 1_000;
/// The most rounds, which take less than a second for a usual password and a few for the longest. Other programs set 656,000 at
/// most without being told to.
const MAX_ROUNDS: u32 = 1_000_000;
/// The rounds of a hash that says none.
const DEFAULT_ROUNDS: u32 = 5_000;
const LONGEST_SALT: usize = 16;
/// The most bytes of a password that libxcrypt hashes. Each round reads the password up to three times.
const LONGEST_PASSWORD: usize = 511;

const NAME: &str = "SHA-crypt";
const ROUNDS: &str = "number of rounds";

/// A hash by SHA-256-crypt or SHA-512-crypt.
pub(in crate::passwords) struct ShaCryptHash {
    rounds: u32,
    text: String,
}

impl ShaCryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let malformed = RefusedHash::Malformed(NAME);
        let parts: Vec<_> = text.split('$').collect();
        let (identifier, rounds, salt, output) = match *parts {
            ["", identifier, salt, output] => (identifier, DEFAULT_ROUNDS, salt, output),
            ["", identifier, rounds, salt, output] => {
                (identifier, rounds.strip_prefix("rounds=").and_then(number).ok_or(malformed)?, salt, output)
            }
            _ => return Err(malformed),
        };
        // The last character encodes more bits than there are, which are 0.
        let (length, last) = match identifier {
            "5" => (43, "./0123456789ABCD"),
            "6" => (86, "./01"),
            _ => return Err(malformed),
        };
        let is_output = output.len() == length && is_encoded(output) && output.ends_with(|end| last.contains(end));
        if !is_output || salt.is_empty() || salt.len() > LONGEST_SALT || !is_encoded(salt) {
            return Err(malformed);
        }
        Ok(Self { rounds: within(ROUNDS, rounds, MIN_ROUNDS..=MAX_ROUNDS)?, text: text.to_owned() })
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    pub(super) fn weakness(&self) -> Option<Weakness> {
        lower_than(ROUNDS, self.rounds, DEFAULT_ROUNDS)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let (password, is_whole) = c_string(password, LONGEST_PASSWORD);
        ShaCrypt::default().verify_password(password, self.text.as_str()).is_ok() && is_whole
    }
}

fn is_encoded(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}
