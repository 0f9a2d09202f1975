//! Verifies the tokens of an external issuer.

use std::sync::Arc;

use guildhall_domain::ports::{Bearer, Clock};
use jsonwebtoken::{Header, Validation};

use super::claims::ExternalClaims;
use super::identity::identity_of;
use super::key_set::KeyLookup;
use super::refresh::KeySetRefresher;
use super::settings::{ExternalIssuer, ExternalIssuerError, IssuerFault};
use crate::jwt::error::VerificationError;
use crate::jwt::header::is_access_token_type;
use crate::jwt::validity::Validity;
use crate::keys::generation::KeyGeneration;

/// An external issuer whose tokens are accepted, with its keys.
pub(crate) struct TrustedIssuer {
    settings: ExternalIssuer,
    keys: Arc<KeySetRefresher>,
}

impl TrustedIssuer {
    /// Starts the thread that fetches the issuer's keys.
    pub(crate) fn start(
        settings: ExternalIssuer,
        generation: Arc<KeyGeneration>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ExternalIssuerError> {
        let keys = KeySetRefresher::start(&settings, generation, clock).map_err(|error| ExternalIssuerError {
            name: settings.name.clone(),
            fault: IssuerFault::NoThread(error),
        })?;
        Ok(Self { settings, keys: Arc::new(keys) })
    }

    /// The same issuer with other settings and the keys that are known, if the keys are found where they were.
    pub(crate) fn with_settings(&self, settings: &ExternalIssuer) -> Option<Self> {
        let place =
            |settings: &ExternalIssuer| (settings.name.clone(), settings.issuer.clone(), settings.jwks_url.clone());
        (place(&self.settings) == place(settings))
            .then(|| Self { settings: settings.clone(), keys: Arc::clone(&self.keys) })
    }

    pub(crate) fn settings(&self) -> &ExternalIssuer {
        &self.settings
    }

    /// Verifies that this issuer has signed the token for this service, and returns whom it stands for. The caller must check its
    /// validity.
    pub(crate) fn verify(
        &self,
        token: &str,
        header: &Header,
        now: i64,
    ) -> Result<(Bearer, Validity), VerificationError> {
        if !header.typ.as_deref().is_none_or(is_access_token_type) {
            return Err(VerificationError::WrongType);
        }
        if !self.settings.algorithms.iter().any(|allowed| allowed.is(header.alg)) {
            return Err(VerificationError::WrongAlgorithm);
        }
        let keys = self.keys.current(now)?;
        let key = match keys.find(header.kid.as_deref(), header.alg) {
            KeyLookup::Found(key) => key,
            KeyLookup::OtherAlgorithm => return Err(VerificationError::WrongAlgorithm),
            KeyLookup::Missing if self.keys.request_refresh(now) => return Err(VerificationError::KeysPending),
            KeyLookup::Ambiguous | KeyLookup::Missing => return Err(VerificationError::UnknownKey),
        };
        let mut validation = Validation::new(header.alg);
        // All claims are checked below, because the library skips the check of a claim that is not of the expected type.
        validation.set_required_spec_claims::<&str>(&[]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let claims: ExternalClaims = jsonwebtoken::decode(token, &key.decoding, &validation)?.claims;
        // The `iss` by which this issuer was chosen was read before the signature was verified.
        if claims.text("iss")? != self.settings.issuer {
            return Err(VerificationError::WrongIssuer);
        }
        if !claims.audiences()?.iter().any(|audience| self.settings.audiences.iter().any(|ours| ours == audience)) {
            return Err(VerificationError::WrongAudience);
        }
        let validity = claims.validity()?;
        Ok((Bearer::External(Box::new(identity_of(&claims, &self.settings)?)), validity))
    }
}
