//! Access tokens as JSON Web Tokens.

use std::sync::Arc;

use guildhall_domain::access::Caller;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::ports::{AccessToken, Bearer, Clock, InvalidToken, PublicKey, Tokens, TokensError};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Header, Validation};
use serde::Deserialize;

use crate::jwt::cache::Remembered;
use crate::jwt::claims::Claims;
use crate::jwt::error::Refusal;
use crate::jwt::validity::Validity;
use crate::keys::file::KeyFile;
use crate::keys::generation::Era;
use crate::keys::set::KeyRing;
use crate::keys::verifying::VerifyingKey;
use crate::keys::watcher::OwnKeys;
use crate::oidc::{ForeignIssuer, ForeignIssuerError, TrustedIssuer, is_access_token};

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

/// Issues tokens and reads them, and reads those of issuers that are trusted.
///
/// A valid token is remembered until it expires or keys change, so that its signature is looked at once.
pub struct JwtTokens {
    settings: TokenSettings,
    own: OwnKeys,
    trusted: Vec<TrustedIssuer>,
    remembered: Remembered,
    era: Arc<Era>,
    clock: Arc<dyn Clock>,
}

/// What says which keys a token is to be verified with; nothing else of it is believed before.
#[derive(Deserialize)]
struct Route {
    iss: String,
}

impl JwtTokens {
    /// Signs tokens with the keys of `ring`, and reads those that they have signed.
    #[must_use]
    pub fn new(settings: TokenSettings, ring: KeyRing, clock: Arc<dyn Clock>) -> Self {
        Self::with_keys(settings, clock, |era| OwnKeys::fixed(ring, era))
    }

    /// Signs tokens with the keys in `file`, and reads those that they have signed. When the file changes, so do the keys: at
    /// the latest two seconds later where tokens are issued or read, and at once where a token names a new one.
    #[must_use]
    pub fn from_file(settings: TokenSettings, file: KeyFile, clock: Arc<dyn Clock>) -> Self {
        Self::with_keys(settings, clock, |era| OwnKeys::of_file(file, era))
    }

    /// Reads tokens of these issuers too. Their keys are fetched in the background, by a thread for each that ends when this is
    /// dropped; an issuer that cannot be reached is no error.
    pub fn trusting(mut self, issuers: Vec<ForeignIssuer>) -> Result<Self, ForeignIssuerError> {
        for issuer in issuers {
            let others: Vec<_> = self.trusted.iter().map(TrustedIssuer::settings).collect();
            issuer.check(&self.settings.issuer, &others)?;
            self.trusted.push(TrustedIssuer::start(issuer, Arc::clone(&self.era), Arc::clone(&self.clock))?);
        }
        Ok(self)
    }

    fn with_keys(settings: TokenSettings, clock: Arc<dyn Clock>, keys: impl FnOnce(Arc<Era>) -> OwnKeys) -> Self {
        let era = Arc::<Era>::default();
        let own = keys(Arc::clone(&era));
        Self { settings, own, trusted: Vec::new(), remembered: Remembered::new(), era, clock }
    }

    fn read(&self, token: &str) -> Result<Bearer, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let now = self.now();
        self.own.look(now);
        let era = self.era.now();
        if let Some(known) = self.remembered.find(token, era) {
            return match known.validity.check(seconds(now)) {
                Ok(()) => Ok(known.bearer.clone()),
                Err(refusal) => {
                    self.remembered.forget(token);
                    Err(refusal)
                }
            };
        }
        let (bearer, validity) = self.verify_anew(token, now)?;
        validity.check(seconds(now))?;
        self.remembered.keep(token, era, bearer.clone(), validity);
        Ok(bearer)
    }

    fn verify_anew(&self, token: &str, now: i64) -> Result<(Bearer, Validity), Refusal> {
        let header = jsonwebtoken::decode_header(token)?;
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let Route { iss } = insecure_decode_claims(token)?;
        if iss == self.settings.issuer {
            return self.verify_own(token, &header, now);
        }
        let issuer = self.trusted.iter().find(|trusted| trusted.settings().issuer == iss);
        issuer.ok_or(Refusal::WrongIssuer)?.verify(token, &header, now)
    }

    fn verify_own(&self, token: &str, header: &Header, now: i64) -> Result<(Bearer, Validity), Refusal> {
        if !header.typ.as_deref().is_some_and(is_access_token) {
            return Err(Refusal::WrongType);
        }
        let id = header.kid.as_deref();
        let mut ring = self.own.ring();
        if id.is_some() && ring.find(id).is_none() {
            self.own.look_again(now);
            ring = self.own.ring();
        }
        let key = ring.find(id).ok_or(Refusal::UnknownKey)?;
        let claims: Claims = jsonwebtoken::decode(token, &key.decoding, &self.validation(key))?.claims;
        Ok((Bearer::Caller(claims.caller()), claims.validity()))
    }

    fn validation(&self, key: &VerifyingKey) -> Validation {
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

    /// In milliseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().milliseconds()
    }
}

impl Tokens for JwtTokens {
    fn issue(&self, caller: &Caller, client: Option<ApiKeyId>) -> Result<AccessToken, TokensError> {
        let now = self.now();
        self.own.look(now);
        let ring = self.own.ring();
        let now = seconds(now);
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            sub: caller.user.0,
            iat: now,
            nbf: now,
            exp: now.saturating_add(i64::from(self.settings.lifetime)),
            scope: caller.scopes.to_text(),
            stamp: caller.stamp.0,
            client_id: client.map(|client| client.0),
        };
        let key = &ring.signing;
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(key.verifying.algorithm) };
        let value =
            jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|error| TokensError(Box::new(error)))?;
        Ok(AccessToken { value, expires_in: u64::from(self.settings.lifetime) })
    }

    fn verify(&self, token: &str) -> Result<Bearer, InvalidToken> {
        self.read(token).map_err(|refusal| InvalidToken {
            is_pending: matches!(refusal, Refusal::KeysPending),
            source: Box::new(refusal),
        })
    }

    fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.own.look(self.now());
        self.own.ring().public_keys()
    }
}

fn seconds(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(1000)
}
