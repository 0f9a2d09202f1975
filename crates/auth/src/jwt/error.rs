//! Why a token is refused.

use guildhall_domain::ports::{InvalidToken, PendingKeys};
use jsonwebtoken::errors::ErrorKind;

/// Why a token is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerificationError {
    /// It is longer than the limit.
    #[error("the token is too long")]
    TooLong,
    /// It is no JSON Web Token, or a required claim is missing or of the wrong type.
    #[error("the token is malformed")]
    Malformed,
    /// Its `crit` header names extensions (RFC 7515, section 4.1.11). None is supported.
    #[error("the token has critical extensions")]
    Critical,
    /// Its `typ` header is not that of an access token (RFC 8725, section 3.11).
    #[error("the token is of another type than an access token")]
    WrongType,
    /// Its `kid` names no key of its issuer, or it has no `kid` and its issuer has several keys.
    #[error("the token names no known key")]
    UnknownKey,
    /// It cannot be verified yet: the key that it names, or all keys of its issuer, are being fetched.
    #[error("the keys of the token's issuer are being fetched")]
    KeysPending,
    /// It cannot be verified yet: it names an unknown key of this service, and the key file is being looked at.
    #[error("the key file is being looked at for the token's key")]
    OwnKeysPending(PendingKeys),
    /// The keys of its issuer could never be fetched.
    #[error("the keys of the token's issuer cannot be fetched")]
    NoKeys,
    /// Its `alg` is not the algorithm of its key, or not one that its issuer may use.
    #[error("the token is signed by another algorithm than its key's")]
    WrongAlgorithm,
    /// The signature is not that of its key: another key signed it, or it was changed.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// Its `iss` is not this service, nor an external issuer in the settings.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// Its `aud` does not name this service.
    #[error("the token is for another audience")]
    WrongAudience,
    /// Its `exp` is in the past.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` or `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Any other error of the library.
    #[error("the token cannot be verified")]
    Other(#[source] jsonwebtoken::errors::Error),
}

impl VerificationError {
    /// The error of the port.
    pub(crate) fn into_invalid(self) -> InvalidToken {
        let pending = match self {
            // The keys of external issuers are fetched by a schedule of their own.
            Self::KeysPending => Some(PendingKeys(0)),
            Self::OwnKeysPending(pending) => Some(pending),
            _ => None,
        };
        InvalidToken { pending, source: Box::new(self) }
    }
}

impl From<jsonwebtoken::errors::Error> for VerificationError {
    /// Drops the library's details where they may repeat the token's content, because the error is logged.
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::WrongSignature,
            ErrorKind::InvalidAlgorithm => Self::WrongAlgorithm,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidAudience => Self::WrongAudience,
            ErrorKind::InvalidToken
            | ErrorKind::MissingRequiredClaim(_)
            | ErrorKind::InvalidClaimFormat(_)
            | ErrorKind::Base64(_)
            | ErrorKind::Json(_)
            | ErrorKind::Utf8(_) => Self::Malformed,
            _ => Self::Other(error),
        }
    }
}
