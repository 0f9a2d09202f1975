//! The external issuers whose tokens are verified, which can be replaced.

use std::sync::{Arc, PoisonError};

use super::JwtTokens;
use crate::oidc::{ExternalIssuer, ExternalIssuerError, TrustedIssuer, check_external_issuers};

impl JwtTokens {
    /// Also verifies tokens of these issuers. A background thread per issuer fetches its keys until `self` is dropped. An
    /// issuer that cannot be reached is no error.
    pub fn with_external_issuers(self, issuers: Vec<ExternalIssuer>) -> Result<Self, ExternalIssuerError> {
        self.replace_external_issuers(issuers)?;
        Ok(self)
    }

    /// Verifies tokens of these issuers, and no longer of others, from the next token on. Keys that are known are kept if they are found where they
    /// were before. If one of the issuers cannot be trusted, all stays as it is.
    pub fn replace_external_issuers(&self, issuers: Vec<ExternalIssuer>) -> Result<(), ExternalIssuerError> {
        check_external_issuers(&self.settings.issuer, &issuers)?;
        let current = self.external_issuers();
        let trusted = |issuer: ExternalIssuer| {
            let kept = current.iter().find_map(|known| known.with_settings(&issuer));
            let start = || TrustedIssuer::start(issuer, Arc::clone(&self.generation), Arc::clone(&self.clock));
            kept.map_or_else(start, Ok)
        };
        let next = issuers.into_iter().map(trusted).collect::<Result<Arc<[_]>, _>>()?;
        *self.external_issuers.write().unwrap_or_else(PoisonError::into_inner) = next;
        // After the change, as `KeyGeneration` wants it.
        self.generation.advance();
        Ok(())
    }

    pub(super) fn external_issuers(&self) -> Arc<[TrustedIssuer]> {
        Arc::clone(&self.external_issuers.read().unwrap_or_else(PoisonError::into_inner))
    }
}
