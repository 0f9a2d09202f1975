//! Access tokens as JSON Web Tokens.

use std::sync::Arc;

use guildhall_domain::access::{Caller, Scopes};
use guildhall_domain::ports::{AccessToken, Clock, InvalidToken, Tokens, TokensError};
use guildhall_domain::user::{SecurityStamp, UserId};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};

use crate::claims::Claims;
use crate::keys::SigningKey;

/// How far another clock may be from ours, in seconds.
const LEEWAY: i64 = 10;
/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// What every token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// Who issues tokens: the `iss` claim.
    pub issuer: String,
    /// Whom tokens are for: the `aud` claim.
    pub audience: String,
    /// For how many seconds a token is good.
    pub lifetime: u32,
}

/// Issues tokens and reads them.
pub struct JwtTokens {
    settings: TokenSettings,
    signing: SigningKey,
    retired: Vec<SigningKey>,
    clock: Arc<dyn Clock>,
}

/// Why a token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is longer than any token of ours.
    #[error("the token is too long")]
    TooLong,
    /// It is no JSON Web Token, or lacks something that ours have.
    #[error("the token is malformed")]
    Malformed,
    /// It asks for extensions that must be understood (RFC 7515, section 4.1.11). None is.
    #[error("the token has critical extensions")]
    Critical,
    /// It names no key of ours, or none where there are several.
    #[error("the token names no known key")]
    UnknownKey,
    /// Its algorithm is not its key's.
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

impl JwtTokens {
    /// Signs tokens with the key `signing`, and reads those that it or a `retired` key has signed. Keys change without anybody
    /// signing in anew when the old one stays among the retired until its last token has expired.
    #[must_use]
    pub fn new(settings: TokenSettings, signing: SigningKey, retired: Vec<SigningKey>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, signing, retired, clock }
    }

    fn read(&self, token: &str) -> Result<Caller, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let header = jsonwebtoken::decode_header(token)?;
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let key = self.key(header.kid.as_deref()).ok_or(Refusal::UnknownKey)?;
        let claims: Claims = jsonwebtoken::decode(token, &key.decoding, &self.validation(key))?.claims;
        let now = self.now();
        if claims.exp <= now.saturating_sub(LEEWAY) {
            return Err(Refusal::Expired);
        }
        if claims.nbf > now.saturating_add(LEEWAY) {
            return Err(Refusal::NotYetValid);
        }
        Ok(claims.caller())
    }

    fn key(&self, id: Option<&str>) -> Option<&SigningKey> {
        match id {
            Some(id) => std::iter::once(&self.signing).chain(&self.retired).find(|key| key.id() == id),
            None => self.retired.is_empty().then_some(&self.signing),
        }
    }

    fn validation(&self, key: &SigningKey) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        // A claim that is configured but not required would be skipped where a token lacks it.
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        // The library asks the system for the time; `read` asks the clock it was given.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }

    fn now(&self) -> i64 {
        self.clock.now().milliseconds().div_euclid(1000)
    }
}

impl Tokens for JwtTokens {
    fn issue(&self, user: UserId, stamp: SecurityStamp, scopes: &Scopes) -> Result<AccessToken, TokensError> {
        let now = self.now();
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            sub: user.0,
            iat: now,
            nbf: now,
            exp: now.saturating_add(i64::from(self.settings.lifetime)),
            scope: scopes.to_text(),
            stamp: stamp.0,
        };
        let header = Header { kid: Some(self.signing.id().to_owned()), ..Header::new(self.signing.algorithm) };
        let value = jsonwebtoken::encode(&header, &claims, &self.signing.encoding)
            .map_err(|error| TokensError(Box::new(error)))?;
        Ok(AccessToken { value, expires_in: u64::from(self.settings.lifetime) })
    }

    fn verify(&self, token: &str) -> Result<Caller, InvalidToken> {
        self.read(token).map_err(|refusal| InvalidToken(Box::new(refusal)))
    }
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
