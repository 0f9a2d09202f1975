//! Tokens of outside issuers that are trusted.

use std::sync::Arc;

use guildhall_domain::ports::{Bearer, Clock};
use jsonwebtoken::{Header, Validation};

use super::claims::ForeignClaims;
use super::identity;
use super::key_set::Sought;
use super::refresher::IssuerKeys;
use super::settings::{ForeignIssuer, ForeignIssuerError, IssuerFault};
use crate::jwt::error::Refusal;
use crate::jwt::validity::Validity;
use crate::keys::generation::Era;

/// An issuer whose tokens are read, and its keys.
pub(crate) struct TrustedIssuer {
    settings: ForeignIssuer,
    keys: IssuerKeys,
}

impl TrustedIssuer {
    /// From now on its keys are fetched.
    pub(crate) fn start(
        settings: ForeignIssuer,
        era: Arc<Era>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ForeignIssuerError> {
        let keys = IssuerKeys::start(&settings, era, clock)
            .map_err(|error| ForeignIssuerError { name: settings.name.clone(), fault: IssuerFault::NoThread(error) })?;
        Ok(Self { settings, keys })
    }

    pub(crate) fn settings(&self) -> &ForeignIssuer {
        &self.settings
    }

    /// Whom the token stands for, if this issuer has signed it for us. Its time is for the caller to check.
    pub(crate) fn verify(&self, token: &str, header: &Header, now: i64) -> Result<(Bearer, Validity), Refusal> {
        if !header.typ.as_deref().is_none_or(is_access_token) {
            return Err(Refusal::WrongType);
        }
        if !self.settings.algorithms.iter().any(|allowed| allowed.is(header.alg)) {
            return Err(Refusal::WrongAlgorithm);
        }
        let keys = self.keys.known(now)?;
        let key = match keys.find(header.kid.as_deref(), header.alg) {
            Sought::Found(key) => key,
            Sought::OtherAlgorithm => return Err(Refusal::WrongAlgorithm),
            Sought::Missing if self.keys.ask(now) => return Err(Refusal::KeysPending),
            Sought::Several | Sought::Missing => return Err(Refusal::UnknownKey),
        };
        let mut validation = Validation::new(header.alg);
        // All claims are checked below: the library skips one that is not what it expects.
        validation.set_required_spec_claims::<&str>(&[]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let claims: ForeignClaims = jsonwebtoken::decode(token, &key.decoding, &validation)?.claims;
        // What it was routed by was read before anything was verified.
        if claims.text("iss")? != self.settings.issuer {
            return Err(Refusal::WrongIssuer);
        }
        if !claims.audiences()?.iter().any(|audience| self.settings.audiences.iter().any(|ours| ours == audience)) {
            return Err(Refusal::WrongAudience);
        }
        let validity = claims.validity()?;
        Ok((Bearer::Foreign(Box::new(identity::of(&claims, &self.settings)?)), validity))
    }
}

/// Whether a `typ` header is an access token's (RFC 7519, section 5.1, and RFC 9068, section 2.1).
pub(crate) fn is_access_token(kind: &str) -> bool {
    const PREFIX: &str = "application/";
    let kind = match kind.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => kind,
    };
    kind.eq_ignore_ascii_case("JWT") || kind.eq_ignore_ascii_case("at+jwt")
}
