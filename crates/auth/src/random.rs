//! Random bytes and random text from the operating system.

use aws_lc_rs::rand;

/// Letters and digits, without those that look like another one (`I`, `l`, `1`, `O`, `0`).
const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// How many random bytes are drawn at a time.
const DRAWN_BYTES: usize = 64;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Fills `bytes` with random bytes.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    rand::fill(bytes).map_err(|_| NoRandomness)
}

/// `length` letters and digits, each of the alphabet with the same probability.
pub(crate) fn random_text(length: usize) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; DRAWN_BYTES];
        fill(&mut bytes)?;
        let drawn = bytes.into_iter().filter_map(letter);
        text.extend(drawn.take(length - text.len()));
    }
    Ok(text)
}

/// The letter for a random byte. The bytes above the largest multiple of the alphabet's length have none: with them, the first
/// letters of the alphabet would be more likely than the others.
fn letter(byte: u8) -> Option<char> {
    let byte_values = usize::from(u8::MAX) + 1;
    let byte = usize::from(byte);
    if byte >= byte_values - byte_values % ALPHABET.len() {
        return None;
    }
    ALPHABET.get(byte % ALPHABET.len()).copied().map(char::from)
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, letter};

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        for wanted in ALPHABET {
            let drawn = (0..=u8::MAX).filter(|byte| letter(*byte) == Some(char::from(*wanted))).count();
            assert_eq!(drawn, 4, "{}", char::from(*wanted));
        }
    }
}
