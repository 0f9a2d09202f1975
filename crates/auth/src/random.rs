//! Random text.

use aws_lc_rs::rand;

/// No letter or digit that is taken for another one.
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// The characters of a generated password, for more than 128 bits.
const LENGTH: usize = 24;
/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// A password of 24 letters and digits, of every kind that the policy asks for (contract 7).
pub fn generate_password() -> Result<String, NoRandomness> {
    loop {
        let password = random_text(LENGTH)?;
        if is_mixed(&password) {
            return Ok(password);
        }
    }
}

/// `length` letters and digits, each as likely as any other.
pub(crate) fn random_text(length: usize) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        let drawn = bytes.into_iter().filter_map(letter);
        text.extend(drawn.take(length - text.len()));
    }
    Ok(text)
}

/// The letter that a random byte stands for. The last few bytes stand for none, or some letters would come more often.
fn letter(byte: u8) -> Option<char> {
    let even = usize::from(u8::MAX) + 1;
    let byte = usize::from(byte);
    if byte >= even - even % ALPHABET.len() {
        return None;
    }
    ALPHABET.get(byte % ALPHABET.len()).copied().map(char::from)
}

fn is_mixed(text: &str) -> bool {
    text.contains(char::is_lowercase) && text.contains(char::is_uppercase) && text.contains(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALPHABET, generate_password, is_mixed, letter};

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        for wanted in ALPHABET {
            let drawn = (0..=u8::MAX).filter(|byte| letter(*byte) == Some(char::from(*wanted))).count();
            assert_eq!(drawn, 4, "{}", char::from(*wanted));
        }
    }

    #[test]
    fn generated_passwords_keep_to_the_policy_and_differ() {
        let passwords: BTreeSet<_> = (0..200).map(|_| generate_password().unwrap()).collect();
        assert_eq!(passwords.len(), 200);
        for password in passwords {
            assert!(password.len() == 24 && is_mixed(&password), "{password}");
        }
    }
}
