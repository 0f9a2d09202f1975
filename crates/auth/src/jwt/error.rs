//! Why a token proves nothing.

use jsonwebtoken::errors::ErrorKind;

/// Why a token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is longer than any token of ours.
    #[error("the token is too long")]
    TooLong,
    /// It is no JSON Web Token, or lacks something that it must have.
    #[error("the token is malformed")]
    Malformed,
    /// It asks for extensions that must be understood (RFC 7515, section 4.1.11). None is.
    #[error("the token has critical extensions")]
    Critical,
    /// It is of another type than an access token (RFC 8725, section 3.11).
    #[error("the token is of another type than an access token")]
    WrongType,
    /// It names no key of its issuer, or none where there are several.
    #[error("the token names no known key")]
    UnknownKey,
    /// It may be good, but the key that it names, or all keys of its issuer, are being fetched.
    #[error("the keys of the token's issuer are being fetched")]
    KeysPending,
    /// None of the keys of its issuer could be fetched up to now.
    #[error("the keys of the token's issuer cannot be fetched")]
    NoKeys,
    /// Its algorithm is not its key's, or not one that its issuer may use.
    #[error("the token is signed by another algorithm than its key's")]
    WrongAlgorithm,
    /// Somebody else signed it, or it was changed since.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// Somebody else issued it.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Something else is wrong with it.
    #[error("the token cannot be verified")]
    Other(#[source] jsonwebtoken::errors::Error),
}

impl From<jsonwebtoken::errors::Error> for Refusal {
    /// Says nothing that the token says, because it ends up in the log.
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
