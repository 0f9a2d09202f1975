//! Keys as PEM text (RFC 7468).

use pem::Pem;

use super::error::KeyError;

/// The label of a private key in PKCS#8 (RFC 7468, section 10).
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of a public key as `SubjectPublicKeyInfo` (RFC 7468, section 13).
pub(super) const PUBLIC_KEY: &str = "PUBLIC KEY";
const BEGIN: &str = "-----BEGIN ";

/// All PEM blocks in `text`, in their order.
pub(super) fn parse_blocks(text: &str) -> Result<Vec<Pem>, KeyError> {
    let found = pem::parse_many(text).map_err(|_| KeyError::NotPem)?;
    // The parser silently skips a block without an end, as in a file that is only partly written.
    if found.len() < text.matches(BEGIN).count() {
        return Err(KeyError::CutOff);
    }
    Ok(found)
}

/// One PEM block, with `\n` at the end of each line.
pub(super) fn encode_block(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&Pem::new(label, der), config)
}
