//! Issues tokens of this service, and verifies these and those of external issuers.

mod external;

use std::io;
use std::sync::{Arc, RwLock};

use guildhall_domain::access::Caller;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::ports::{
    AccessToken, Bearer, Clock, InvalidToken, PendingKeys, PublicKey, SealError, Seals, Tokens, TokensError,
};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Header, Validation};
use prometheus::Registry;
use serde::Deserialize;

use super::cache::TokenCache;
use super::claims::AccessTokenClaims;
use super::error::VerificationError;
use super::header::is_access_token_type;
use super::validity::Validity;
use crate::keys::file::KeyFile;
use crate::keys::generation::KeyGeneration;
use crate::keys::set::KeySet;
use crate::keys::verifying::VerifyingKey;
use crate::keys::watcher::KeyWatcher;
use crate::metrics::TokenMetrics;
use crate::oidc::TrustedIssuer;

/// Longer tokens are refused before they are parsed.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The claims that all tokens of this service share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// The `iss` claim: this service.
    pub issuer: String,
    /// The `aud` claim: whom tokens are for.
    pub audience: String,
    /// For how many seconds a token is valid.
    pub lifetime: u32,
}

/// Issues tokens of this service, and verifies these and those of external issuers.
///
/// Verified tokens are cached until they expire or keys change, so that each signature is verified once.
pub struct JwtTokens {
    settings: TokenSettings,
    own_keys: KeyWatcher,
    external_issuers: RwLock<Arc<[TrustedIssuer]>>,
    cache: Arc<TokenCache>,
    metrics: Option<TokenMetrics>,
    generation: Arc<KeyGeneration>,
    clock: Arc<dyn Clock>,
}

/// The claim that decides by whose keys a token is verified. It is read before the signature is verified, and only for that.
#[derive(Deserialize)]
struct UnverifiedIssuer {
    iss: String,
}

impl JwtTokens {
    /// Signs and verifies tokens with the keys of `key_set`, which never change.
    #[must_use]
    pub fn new(settings: TokenSettings, key_set: KeySet, clock: Arc<dyn Clock>) -> Self {
        let generation = Arc::default();
        let own_keys = KeyWatcher::fixed(key_set, Arc::clone(&generation));
        Self::with_keys(settings, own_keys, generation, clock)
    }

    /// Signs and verifies tokens with the keys in `file`. A background thread looks at the file until `self` is dropped: every two
    /// seconds, and at once if a token names an unknown key.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn from_file(settings: TokenSettings, file: KeyFile, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let generation = Arc::default();
        let own_keys = KeyWatcher::watching(file, Arc::clone(&generation), Arc::clone(&clock))?;
        Ok(Self::with_keys(settings, own_keys, generation, clock))
    }

    /// Counts how often tokens are found in the cache, for `registry`. Fails if that has metrics of the same names.
    pub fn with_metrics(self, registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self { metrics: Some(TokenMetrics::of(&self.cache, registry)?), ..self })
    }

    fn with_keys(
        settings: TokenSettings,
        own_keys: KeyWatcher,
        generation: Arc<KeyGeneration>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (external_issuers, cache) = (RwLock::new(Arc::from([])), Arc::new(TokenCache::new()));
        Self { settings, own_keys, external_issuers, cache, metrics: None, generation, clock }
    }

    /// `awaited` is what the last verification of this token said to wait for.
    fn verify_cached(&self, token: &str, awaited: Option<PendingKeys>) -> Result<Bearer, VerificationError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerificationError::TooLong);
        }
        let now = self.now();
        self.own_keys.wake_if_due(now);
        let generation = self.generation.current();
        let cached = self.cache.find(token, generation);
        self.metrics.iter().for_each(|metrics| metrics.looked_up(cached.as_ref()));
        if let Some(cached) = cached {
            return match cached.validity.check(seconds(now)) {
                Ok(()) => Ok(cached.bearer.clone()),
                Err(error) => {
                    self.cache.remove(token);
                    Err(error)
                }
            };
        }
        let (bearer, validity) = self.verify_signature(token, now, awaited)?;
        validity.check(seconds(now))?;
        self.cache.insert(token, generation, bearer.clone(), validity);
        Ok(bearer)
    }

    fn verify_signature(
        &self,
        token: &str,
        now: i64,
        awaited: Option<PendingKeys>,
    ) -> Result<(Bearer, Validity), VerificationError> {
        let header = jsonwebtoken::decode_header(token)?;
        if header.crit.is_some() {
            return Err(VerificationError::Critical);
        }
        let UnverifiedIssuer { iss } = insecure_decode_claims(token)?;
        if iss == self.settings.issuer {
            return self.verify_own(token, &header, awaited);
        }
        let issuers = self.external_issuers();
        let issuer = issuers.iter().find(|issuer| issuer.settings().issuer == iss);
        issuer.ok_or(VerificationError::WrongIssuer)?.verify(token, &header, now)
    }

    fn verify_own(
        &self,
        token: &str,
        header: &Header,
        awaited: Option<PendingKeys>,
    ) -> Result<(Bearer, Validity), VerificationError> {
        if !header.typ.as_deref().is_some_and(is_access_token_type) {
            return Err(VerificationError::WrongType);
        }
        let id = header.kid.as_deref();
        let mut key_set = self.own_keys.key_set();
        if id.is_some() && key_set.find(id).is_none() {
            if let Some(pending) = self.own_keys.look_for_unknown_key(awaited) {
                return Err(VerificationError::OwnKeysPending(pending));
            }
            key_set = self.own_keys.key_set();
        }
        let key = key_set.find(id).ok_or(VerificationError::UnknownKey)?;
        let claims: AccessTokenClaims = jsonwebtoken::decode(token, &key.decoding, &self.validation(key))?.claims;
        Ok((Bearer::Caller(claims.caller()), claims.validity()))
    }

    fn validation(&self, key: &VerifyingKey) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        // The library skips the check of a claim that the token lacks, unless the claim is required here.
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        // The library would compare with the system's time. `verify_cached` compares with the clock of `self`.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }

    /// In milliseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().milliseconds()
    }
}

/// Seals with the key that signs tokens, which all instances share. After a rotation, what was sealed before is opened no more.
impl Seals for JwtTokens {
    fn seal(&self, plain: &[u8], binding: &[u8]) -> Result<Vec<u8>, SealError> {
        self.own_keys.wake_if_due(self.now());
        self.own_keys.key_set().signing.seal_key.seal(plain, binding).ok_or(SealError)
    }

    fn open(&self, sealed: &[u8], binding: &[u8]) -> Option<Vec<u8>> {
        self.own_keys.wake_if_due(self.now());
        self.own_keys.key_set().open(sealed, binding)
    }
}

impl Tokens for JwtTokens {
    fn issue(&self, caller: &Caller, client: Option<ApiKeyId>) -> Result<AccessToken, TokensError> {
        let now = self.now();
        self.own_keys.wake_if_due(now);
        let key_set = self.own_keys.key_set();
        let now = seconds(now);
        let claims = AccessTokenClaims {
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
        let key = &key_set.signing;
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(key.verifying.algorithm) };
        let value =
            jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(|error| TokensError(Box::new(error)))?;
        Ok(AccessToken { value, expires_in: u64::from(self.settings.lifetime) })
    }

    fn verify(&self, token: &str) -> Result<Bearer, InvalidToken> {
        self.verify_cached(token, None).map_err(VerificationError::into_invalid)
    }

    fn verify_again(&self, token: &str, awaited: PendingKeys) -> Result<Bearer, InvalidToken> {
        self.verify_cached(token, Some(awaited)).map_err(VerificationError::into_invalid)
    }

    fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.own_keys.wake_if_due(self.now());
        self.own_keys.key_set().public_keys()
    }
}

fn seconds(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use guildhall_domain::access::{Caller, Scopes};
    use guildhall_domain::ports::{Bearer, Clock, Tokens};
    use guildhall_domain::time::Timestamp;
    use guildhall_domain::user::{SecurityStamp, UserId};
    use jsonwebtoken::dangerous::insecure_decode_claims;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use uuid::Uuid;

    use super::{AccessTokenClaims, JwtTokens, KeySet, TokenSettings, VerificationError};
    use crate::keys::signing::SigningKey;

    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::from_milliseconds(0)
        }
    }

    fn tokens(keys: KeySet) -> JwtTokens {
        let settings = TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 };
        JwtTokens::new(settings, keys, Arc::new(Epoch))
    }

    #[test]
    fn a_key_and_a_secret_in_one_set_keep_their_own_algorithms_and_the_secret_is_not_published() {
        let secret = "a secret of thirty-two bytes....";
        let (key, shared) =
            (SigningKey::from_pem(&SigningKey::generate_pem().unwrap()), SigningKey::from_secret(secret));
        let (key, shared) = (key.unwrap(), shared.unwrap());
        let id = key.id().to_owned();
        let mixed = tokens(KeySet::new(key).with_retired(shared.verifying.clone()));
        let caller = Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::max()), scopes: Scopes::all() };
        let token = tokens(KeySet::new(shared)).issue(&caller, None).unwrap().value;
        assert_eq!(mixed.verify(&token).unwrap(), Bearer::Caller(caller));
        let claims: AccessTokenClaims = insecure_decode_claims(&token).unwrap();
        let header = Header { kid: Some(id.clone()), ..Header::new(Algorithm::HS256) };
        let crossed = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert!(matches!(mixed.verify_cached(&crossed, None), Err(VerificationError::WrongAlgorithm)));
        assert_eq!(mixed.public_keys().into_iter().map(|key| key.id).collect::<Vec<_>>(), [id]);
    }
}
