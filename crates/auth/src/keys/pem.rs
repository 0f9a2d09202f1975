//! Keys as text (RFC 7468).

use pem::Pem;

use crate::keys::signing::KeyError;

/// The label of a private key in PKCS#8 (RFC 7468, section 10).
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of a public key as `SubjectPublicKeyInfo` (RFC 7468, section 13).
pub(crate) const PUBLIC_KEY: &str = "PUBLIC KEY";
const BEGIN: &str = "-----BEGIN ";

/// All that is in `text`, in its order.
pub(crate) fn blocks(text: &str) -> Result<Vec<Pem>, KeyError> {
    let found = pem::parse_many(text).map_err(|_| KeyError::NotPem)?;
    // The parser leaves a block out that does not end, as in a file that is just being written.
    if found.len() < text.matches(BEGIN).count() {
        return Err(KeyError::CutOff);
    }
    Ok(found)
}

/// One block, with the lines of Unix.
pub(crate) fn block(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&Pem::new(label, der), config)
}
