//! Access tokens as JSON Web Tokens (RFC 7519): issuing and verifying them.
//!
//! | Module | What |
//! |---|---|
//! | `tokens` | issues tokens of this service, and verifies these and those of external issuers |
//! | `claims` | the claims of a token of this service |
//! | `header` | the checks of a token's header |
//! | `validity` | from when until when a token is valid |
//! | `cache` | verified tokens, so that each signature is verified once |
//! | `error` | why a token is refused |

pub(crate) mod cache;
mod claims;
pub(crate) mod error;
pub(crate) mod header;
pub(crate) mod tokens;
pub(crate) mod validity;
