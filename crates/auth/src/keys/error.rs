//! Why a key is refused.

use super::limits::MIN_HS256_SECRET_BYTES;

/// Why a text is no key, or why no key could be generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The secret is shorter than the hash of HS256 (RFC 7518, section 3.2).
    #[error("a secret for HS256 must have {MIN_HS256_SECRET_BYTES} or more bytes, and this one has {0}")]
    SecretTooShort(usize),
    /// The text has no PEM block.
    #[error("there is no private key in PEM form, which starts with -----BEGIN PRIVATE KEY-----")]
    NotPem,
    /// The text has PEM blocks, but no private key in PKCS#8. Holds the label of the first block.
    #[error(
        "{0:?} found where an unencrypted private key in PKCS#8 form belongs, which starts with -----BEGIN PRIVATE KEY-----"
    )]
    NotPkcs8(String),
    /// The key is for an algorithm that is not supported, or is too small.
    #[error("a key must be of Ed25519, of ECDSA on P-256, or of RSA with 2048 bits or more")]
    Unsupported,
    /// A PEM block has no end.
    #[error("a key in PEM form is cut off")]
    CutOff,
    /// The operating system gave no random bytes for a new key.
    #[error("no key could be generated")]
    NotGenerated,
}
