//! bcrypt: `$2b$`, the cost in two digits, `$`, 22 characters of salt and 31 of output.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{c_string, lower_than, number, within};
use crate::passwords::foreign::{RefusedHash, Weakness};

/// The lowest cost that bcrypt has.
const MIN_COST: u32 = 4;
/// The highest cost that is verified, which takes about a second. Each step doubles the time.
const MAX_COST: u32 = 14;
/// OWASP, Password Storage Cheat Sheet.
const RECOMMENDED_COST: u32 = 10;
/// How many bytes of a password count, with the null character that ends it.
const PASSWORD_BYTES: usize = 72;
/// The characters of the salt and of the output.
const SALT_LENGTH: usize = 22;
const OUTPUT_LENGTH: usize = 31;

const NAME: &str = "bcrypt";
const COST: &str = "cost";
/// The last character of a salt or output encodes more bits than there are. Implementations disregard them, and so some write any.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A hash by bcrypt.
pub(in crate::passwords) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    output: [u8; 23],
    text: String,
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let malformed = RefusedHash::Malformed(NAME);
        let mut parts = text.split('$').skip(2);
        let (Some(cost), Some(encoded), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        if cost.len() != 2 || encoded.len() != SALT_LENGTH + OUTPUT_LENGTH {
            return Err(malformed);
        }
        let cost = number(cost.strip_prefix('0').unwrap_or(cost)).ok_or(malformed)?;
        let (salt, output) = encoded.split_at_checked(SALT_LENGTH).ok_or(malformed)?;
        Ok(Self {
            salt: BASE64.decode(salt).ok().and_then(|salt| salt.try_into().ok()).ok_or(malformed)?,
            output: BASE64.decode(output).ok().and_then(|output| output.try_into().ok()).ok_or(malformed)?,
            cost: within(COST, cost, MIN_COST..=MAX_COST)?,
            text: text.to_owned(),
        })
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    pub(super) fn weakness(&self) -> Option<Weakness> {
        lower_than(COST, self.cost, RECOMMENDED_COST)
    }

    /// What a password has beyond 72 bytes is disregarded, as by every implementation that makes such hashes.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let (password, is_whole) = c_string(password, usize::MAX);
        let key: Vec<u8> = password.iter().copied().chain([0]).take(PASSWORD_BYTES).collect();
        let output = bcrypt::bcrypt(self.cost, self.salt, &key);
        let (compared, _) = output.split_at(self.output.len());
        verify_slices_are_equal(compared, &self.output).is_ok() && is_whole
    }
}
