//! Hashes of passwords that another program made.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use guildhall_domain::password::PasswordHash;

use crate::notes::Notes;
use crate::source::RecordKind;

/// A hash that the service can verify passwords by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPassword {
    /// The hash.
    pub hash: PasswordHash,
    /// What is weak about it, such as its algorithm. It is counted, so it must not name the user.
    pub warning: Option<String>,
}

/// Says whether the service can verify passwords by a hash, and if it cannot, why. The text is in the PHC string format, or in that of
/// LDAP, such as `{SSHA512}…`. The reason is counted and shown, so it must not tell the hash.
pub type AcceptPassword<'a> = &'a (dyn Fn(&str) -> Result<AcceptedPassword, String> + Sync);

/// Base64 with or without padding; it is written without, as in PHC strings.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The first hash that is accepted. `found` are hashes, or why there is none where one should be.
pub(crate) fn first_accepted(
    accept: AcceptPassword<'_>,
    found: impl IntoIterator<Item = Result<String, String>>,
    notes: &mut Notes,
) -> Option<PasswordHash> {
    let mut refusal = None;
    for text in found {
        match text.and_then(|text| accept(&text)) {
            Ok(accepted) => {
                if let Some(warning) = accepted.warning {
                    notes
                        .add(RecordKind::Users, format!("users whose password hash is accepted, but weak ({warning})"));
                }
                return Some(accepted.hash);
            }
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    if let Some(reason) = refusal {
        notes.add(RecordKind::Users, format!("users who are imported without a password ({reason})"));
    }
    None
}

/// A PBKDF2 hash in the PHC string format.
pub(crate) fn pbkdf2(digest: impl fmt::Display, iterations: u32, salt: &[u8], hash: &[u8]) -> String {
    let (length, salt, hash) = (hash.len(), BASE64.encode(salt), BASE64.encode(hash));
    format!("$pbkdf2-{digest}$i={iterations},l={length}${salt}${hash}")
}

#[cfg(test)]
mod tests {
    use guildhall_domain::password::PasswordHash;

    use super::{AcceptedPassword, first_accepted};
    use crate::notes::Notes;

    fn accept(text: &str) -> Result<AcceptedPassword, String> {
        match text {
            "good" => Ok(AcceptedPassword { hash: PasswordHash(text.to_owned()), warning: None }),
            "weak" => {
                Ok(AcceptedPassword { hash: PasswordHash(text.to_owned()), warning: Some("salted SHA-1".to_owned()) })
            }
            _ => Err(format!("a {text} algorithm")),
        }
    }

    #[test]
    fn refused_and_weak_hashes_are_counted() {
        let mut notes = Notes::default();
        let mut judge = |texts: &[&str]| {
            first_accepted(&accept, texts.iter().map(|text| Ok((*text).to_owned())), &mut notes).map(|hash| hash.0)
        };
        assert_eq!(judge(&["bad"]), None);
        assert_eq!(judge(&["bad", "worse"]), None);
        assert_eq!(judge(&["bad", "good"]), Some("good".to_owned()));
        assert_eq!(judge(&["weak"]), Some("weak".to_owned()));
        assert_eq!(judge(&[]), None);
        assert_eq!(
            notes.lines(),
            [
                "users who are imported without a password (a bad algorithm): 2",
                "users whose password hash is accepted, but weak (salted SHA-1): 1"
            ]
        );
    }
}
