//! Seals what clients keep for this service.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;

/// A key that seals, derived from a private key or secret. The cipher is AES-256-GCM-SIV, with a random nonce before the sealed bytes.
#[derive(Clone, Debug)]
pub(crate) struct SealKey(hmac::Key);

impl SealKey {
    pub(crate) fn derived_from(secret: &[u8]) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"guildhall seals");
        Self(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }

    fn cipher(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, hmac::sign(&self.0, b"AES-256-GCM-SIV").as_ref()).ok()
    }

    /// `None`: there is no randomness.
    pub(crate) fn seal(&self, plain: &[u8], binding: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::from(binding), &mut sealed).ok()?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut sealed);
        Some(bytes)
    }

    pub(crate) fn open(&self, sealed: &[u8], binding: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = sealed.to_vec();
        Some(self.cipher()?.open_in_place(nonce, Aad::from(binding), &mut bytes).ok()?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::SealKey;

    #[test]
    fn only_what_was_sealed_with_the_key_for_the_binding_is_opened() {
        let key = SealKey::derived_from(b"secret");
        let sealed = key.seal(b"plain text", b"binding").expect("sealed");
        assert_eq!(key.open(&sealed, b"binding").as_deref(), Some(&b"plain text"[..]));
        assert_eq!(key.clone().open(&sealed, b"Binding"), None);
        assert_eq!(SealKey::derived_from(b"other").open(&sealed, b"binding"), None);
        assert!(!sealed.windows(5).any(|part| part == b"plain"));
        assert_ne!(key.seal(b"plain text", b"binding").expect("sealed"), sealed);
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(key.open(&flipped, b"binding"), None, "{at}");
            assert_eq!(key.open(&sealed[..at], b"binding"), None, "{at}");
        }
        assert_eq!(key.open(&[&sealed[..], &[0]].concat(), b"binding"), None);
    }
}
