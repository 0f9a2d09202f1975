//! External issuers: the `OpenID` providers whose tokens are accepted besides this service's own.
//!
//! | Module | What |
//! |---|---|
//! | `settings` | what the installation configures about an issuer |
//! | `issuer` | verifies the tokens of an issuer |
//! | `key_set` | an issuer's key set (JWKS, RFC 7517) |
//! | `fetch` | fetches the discovery document and the key set over HTTP |
//! | `refresh` | the background thread that refreshes the key set |
//! | `schedule` | when the key set is refreshed |
//! | `claims` | the claims of an issuer's token |
//! | `identity` | maps the claims to whom the token stands for |

mod claims;
mod fetch;
mod identity;
mod issuer;
mod key_set;
mod refresh;
mod schedule;
mod settings;

pub(crate) use issuer::TrustedIssuer;
pub use settings::{
    ExternalIssuer, ExternalIssuerError, IssuerFault, SignatureAlgorithm, UnknownAlgorithm, check_external_issuers,
};
