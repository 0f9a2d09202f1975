//! The smallest keys that are accepted.

/// The fewest bytes of a secret for HS256: as many as its hash has (RFC 7518, section 3.2).
pub(crate) const MIN_HS256_SECRET_BYTES: usize = 32;

/// The fewest bytes of an RSA modulus: 2,048 bits (RFC 7518, section 3.3).
pub(crate) const MIN_RSA_MODULUS_BYTES: usize = 256;
