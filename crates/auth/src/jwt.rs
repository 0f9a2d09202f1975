//! Access tokens as JSON Web Tokens (RFC 7519): issuing them and verifying them.

pub(crate) mod cache;
pub(crate) mod claims;
pub(crate) mod error;
pub(crate) mod tokens;
pub(crate) mod validity;
