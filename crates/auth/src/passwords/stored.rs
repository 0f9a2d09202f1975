//! Password hashes as they are stored: the formats and how each is verified.

mod argon2id;
mod bcrypt_hash;
mod pbkdf2_hash;
mod salted_sha2;
mod sha_crypt_hash;

use std::ops::RangeInclusive;

use argon2::Block;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

#[cfg(test)]
pub(super) use self::argon2id::MEMORY_KIB;
pub(super) use self::argon2id::{Argon2Hash, Failed, SALT_BYTES};
use self::bcrypt_hash::BcryptHash;
use self::pbkdf2_hash::Pbkdf2Hash;
use self::salted_sha2::SaltedSha2;
use self::sha_crypt_hash::ShaCryptHash;
use super::foreign::{RefusedHash, Weakness};

/// The most bytes of a hash. The longest that are accepted have fewer than half as many.
const LONGEST: usize = 512;
/// The most bytes of a salt. Programs generate 8 to 32.
const LONGEST_SALT: usize = 64;
/// Base64 with and without padding, because programs differ in that.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A hash that can be verified: it is complete and within all bounds.
pub(super) enum StoredHash {
    Argon2(Box<Argon2Hash>),
    Bcrypt(BcryptHash),
    Pbkdf2(Pbkdf2Hash),
    ShaCrypt(ShaCryptHash),
    SaltedSha2(SaltedSha2),
}

impl StoredHash {
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        if text.len() > LONGEST {
            return Err(RefusedHash::Unsupported);
        }
        let Some((scheme, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else {
            return Self::by_identifier(text);
        };
        match scheme.to_ascii_uppercase().as_str() {
            "ARGON2" if rest.starts_with("$argon2") => Self::by_identifier(rest),
            "CRYPT" if !rest.starts_with('$') => Err(RefusedHash::TooWeak("crypt with DES")),
            "CRYPT" if ["$1$", "$2", "$5$", "$6$"].iter().any(|prefix| rest.starts_with(prefix)) => {
                Self::by_identifier(rest)
            }
            "SSHA256" => SaltedSha2::sha256(rest).map(Self::SaltedSha2),
            "SSHA512" => SaltedSha2::sha512(rest).map(Self::SaltedSha2),
            "SSHA" => Err(RefusedHash::TooWeak("salted SHA-1")),
            "SMD5" => Err(RefusedHash::TooWeak("salted MD5")),
            "MD5" | "SHA" | "SHA256" | "SHA384" | "SHA512" => {
                Err(RefusedHash::TooWeak("a fast function without a salt"))
            }
            _ => Err(RefusedHash::Unsupported),
        }
    }

    /// Parses a hash that begins with the identifier of its format.
    fn by_identifier(text: &str) -> Result<Self, RefusedHash> {
        let identifier = text.strip_prefix('$').and_then(|text| text.split_once('$')).map(|(identifier, _)| identifier);
        match identifier {
            Some("argon2id" | "argon2i" | "argon2d") => Argon2Hash::parse(text).map(Box::new).map(Self::Argon2),
            Some("2a" | "2b" | "2y") => BcryptHash::parse(text).map(Self::Bcrypt),
            Some("pbkdf2-sha256" | "pbkdf2-sha512") => Pbkdf2Hash::parse(text).map(Self::Pbkdf2),
            Some("5" | "6") => ShaCryptHash::parse(text).map(Self::ShaCrypt),
            Some("1" | "apr1") => Err(RefusedHash::TooWeak("crypt with MD5")),
            _ => Err(RefusedHash::Unsupported),
        }
    }

    /// The text that is stored. Parsing it results in the same hash.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Argon2(hash) => hash.text(),
            Self::Bcrypt(hash) => hash.text(),
            Self::Pbkdf2(hash) => hash.text(),
            Self::ShaCrypt(hash) => hash.text(),
            Self::SaltedSha2(hash) => hash.text(),
        }
    }

    pub(super) fn weakness(&self) -> Option<Weakness> {
        match self {
            Self::Argon2(hash) => hash.weakness(),
            Self::Bcrypt(hash) => hash.weakness(),
            Self::Pbkdf2(hash) => hash.weakness(),
            Self::ShaCrypt(hash) => hash.weakness(),
            Self::SaltedSha2(_) => Some(Weakness::SingleRound),
        }
    }

    /// Whether this is a hash of `password`. Argon2 uses `memory`. Fails only if memory runs out.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool, Failed> {
        match self {
            Self::Argon2(hash) => hash.matches(password, memory),
            Self::Bcrypt(hash) => Ok(hash.matches(password)),
            Self::Pbkdf2(hash) => Ok(hash.matches(password)),
            Self::ShaCrypt(hash) => Ok(hash.matches(password)),
            Self::SaltedSha2(hash) => Ok(hash.matches(password)),
        }
    }

    /// Whether a hash that is made now would be no stronger.
    pub(super) fn is_current(&self) -> bool {
        matches!(self, Self::Argon2(hash) if hash.is_current())
    }
}

/// The number that `text` is in decimal digits, as programs write it: without a sign and without leading zeros.
fn number(text: &str) -> Option<u32> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
    text.parse().ok().filter(|_| is_decimal)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

fn encoded(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn within(parameter: &'static str, value: u32, bounds: RangeInclusive<u32>) -> Result<u32, RefusedHash> {
    let (least, most) = bounds.into_inner();
    let refused = RefusedHash::OutOfBounds { parameter, value, least, most };
    if (least..=most).contains(&value) { Ok(value) } else { Err(refused) }
}

fn lower_than(parameter: &'static str, value: u32, recommended: u32) -> Option<Weakness> {
    (value < recommended).then_some(Weakness::LowCost { parameter, value, recommended })
}

/// The part of a password that crypt(3) reads: up to the first null character, and at most `longest` bytes. `false`: that is not
/// the whole password, which then matches no hash, as in `OpenLDAP` and libxcrypt. The part is hashed all the same, so that it takes as
/// long as another password.
fn c_string(password: &[u8], longest: usize) -> (&[u8], bool) {
    let end = password.iter().position(|byte| *byte == 0).unwrap_or(password.len()).min(longest);
    (password.get(..end).unwrap_or_default(), end == password.len())
}
