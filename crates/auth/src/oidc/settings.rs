//! What the installation configures about an external issuer.

use std::io;
use std::str::FromStr;

use guildhall_domain::access::Scopes;
use guildhall_domain::external::Trust;
use jsonwebtoken::Algorithm;
use ureq::http::Uri;

/// An external issuer whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIssuer {
    /// Its name in this installation. It is the provider of users who are created for its tokens.
    pub name: String,
    /// The exact `iss` claim of its tokens.
    pub issuer: String,
    /// The `aud` claim of its tokens must contain one of these.
    pub audiences: Vec<String>,
    /// The algorithms that it may sign with.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// The URL of its key set. `None`: its discovery document has the URL (`OpenID` Connect Discovery 1.0, section 4).
    pub jwks_url: Option<String>,
    /// The claim with the name of a user who is created, by which an existing user may also be linked: `preferred_username`,
    /// `email` or any other claim with a string. Linked users are found by `iss` and `sub` alone.
    pub name_claim: String,
    /// The claim with the names of the user's groups. `None`: tokens of this issuer change no memberships. A nested claim is
    /// named by a path with dots, such as `realm_access.roles`.
    pub groups_claim: Option<String>,
    /// The scopes of every token of it, in addition to those in the token.
    pub scopes: Scopes,
    /// What its tokens may change in the directory.
    pub trust: Trust,
}

/// An algorithm that an external issuer may sign with (RFC 7518, section 3.1, and RFC 8037, section 3.1): `RS256`, `RS384`,
/// `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384` or `EdDSA`. Algorithms with a shared secret are excluded, so that
/// nobody can use a public key as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithm(Algorithm);

/// The text is not the name of an algorithm that an external issuer may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA")]
pub struct UnknownAlgorithm;

/// Why tokens of an external issuer cannot be accepted.
#[derive(Debug, thiserror::Error)]
#[error("the issuer {name:?} cannot be trusted")]
pub struct ExternalIssuerError {
    /// Its name in this installation.
    pub name: String,
    /// Why.
    #[source]
    pub fault: IssuerFault,
}

/// What is wrong with the settings of an external issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerFault {
    /// Its name is empty or has control characters.
    #[error("it needs a name without control characters")]
    Name,
    /// Another issuer has the same name. The users that they create could not be told apart.
    #[error("another issuer has the same name")]
    NameTaken,
    /// Another issuer, or this service, has the same `iss`.
    #[error("another issuer, or this service, has the same `iss`")]
    IssuerTaken,
    /// It has no audience. Tokens for any other service would be accepted.
    #[error("it needs an audience")]
    NoAudience,
    /// It has no algorithm. No token could be verified.
    #[error("it needs an algorithm")]
    NoAlgorithm,
    /// It has no claim with the name of users.
    #[error("it needs a claim that says what to call users")]
    NoNameClaim,
    /// The URL of its key set, or of its discovery document, is not an HTTP URL.
    #[error("{0:?} is no URL of http or https, and says not where its keys are")]
    NotAnAddress(String),
    /// The thread that fetches its keys could not be started.
    #[error("its keys cannot be fetched in the background")]
    NoThread(#[source] io::Error),
}

impl ExternalIssuer {
    /// Checks the settings, and that its tokens differ from those of this service (`ours` is its `iss`) and of the `others`.
    pub(crate) fn check(&self, ours: &str, others: &[&Self]) -> Result<(), ExternalIssuerError> {
        let address = self.jwks_url.as_ref().unwrap_or(&self.issuer);
        let faults = [
            (self.name.is_empty() || self.name.contains(char::is_control), IssuerFault::Name),
            (others.iter().any(|other| other.name == self.name), IssuerFault::NameTaken),
            (self.issuer == ours, IssuerFault::IssuerTaken),
            (others.iter().any(|other| other.issuer == self.issuer), IssuerFault::IssuerTaken),
            (self.audiences.is_empty(), IssuerFault::NoAudience),
            (self.algorithms.is_empty(), IssuerFault::NoAlgorithm),
            (self.name_claim.is_empty(), IssuerFault::NoNameClaim),
            (http_scheme(address).is_none(), IssuerFault::NotAnAddress(address.clone())),
        ];
        match faults.into_iter().find(|(is_fault, _)| *is_fault) {
            Some((_, fault)) => Err(ExternalIssuerError { name: self.name.clone(), fault }),
            None => Ok(()),
        }
    }
}

/// Checks that the tokens of all `issuers` can be told apart, and from those of this service, whose `iss` is `ours`.
///
/// # Errors
///
/// When one of them cannot be trusted.
pub fn check_external_issuers(ours: &str, issuers: &[ExternalIssuer]) -> Result<(), ExternalIssuerError> {
    issuers.iter().enumerate().try_for_each(|(count, issuer)| {
        let others: Vec<_> = issuers.iter().take(count).collect();
        issuer.check(ours, &others)
    })
}

impl SignatureAlgorithm {
    /// The algorithms with a public key.
    const ALL: [Algorithm; 9] = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];

    /// Whether it is the algorithm in the `alg` header of a token.
    pub(crate) fn is(self, algorithm: Algorithm) -> bool {
        self.0 == algorithm
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let algorithm = text.parse().map_err(|_| UnknownAlgorithm)?;
        Self::ALL.contains(&algorithm).then_some(Self(algorithm)).ok_or(UnknownAlgorithm)
    }
}

/// The scheme of a URL, if it is `http` or `https` and has a host.
pub(crate) fn http_scheme(url: &str) -> Option<&'static str> {
    let uri: Uri = url.parse().ok()?;
    uri.host().filter(|host| !host.is_empty())?;
    ["http", "https"].into_iter().find(|scheme| uri.scheme_str() == Some(scheme))
}
