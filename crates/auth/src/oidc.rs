//! Tokens of external issuers.

mod claims;
mod fetch;
mod identity;
mod issuer;
mod key_set;
mod refresher;
mod schedule;
mod settings;

pub(crate) use issuer::{TrustedIssuer, is_access_token};
pub use settings::{ForeignIssuer, ForeignIssuerError, IssuerFault, SignatureAlgorithm, UnknownAlgorithm};
