//! The name that a client gives to a request, so that it is done once however often it is sent.

/// An idempotency key: 1 to [`LONGEST`](Self::LONGEST) visible ASCII characters. It names a request of one caller, and is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The most characters of a key.
    pub const LONGEST: usize = 255;

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = IdempotencyKeyError;

    fn try_from(text: String) -> Result<Self, IdempotencyKeyError> {
        let is_valid = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid { Ok(Self(text)) } else { Err(IdempotencyKeyError) }
    }
}

/// A text is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} visible ASCII characters, in double quotes or not", IdempotencyKey::LONGEST)]
pub struct IdempotencyKeyError;

#[cfg(test)]
mod tests {
    use super::{IdempotencyKey, IdempotencyKeyError};

    #[test]
    fn keys_are_visible_ascii_of_bounded_length() {
        let longest = "x".repeat(IdempotencyKey::LONGEST);
        for text in ["a", "!", "~", "8e03978e-40d5-43e8-bc93-6894a57f9324", "a\"b", longest.as_str()] {
            assert_eq!(IdempotencyKey::try_from(text.to_owned()).as_ref().map(IdempotencyKey::as_str), Ok(text));
        }
        let long = format!("{longest}x");
        for text in ["", " ", "a b", "a\t", "a\u{0}", "a\u{7f}", "é", "a\n", long.as_str()] {
            assert_eq!(IdempotencyKey::try_from(text.to_owned()), Err(IdempotencyKeyError), "{text:?}");
        }
    }
}
