//! What an installation says of an outside issuer.

use std::io;
use std::str::FromStr;

use guildhall_domain::access::Scopes;
use guildhall_domain::foreign::Trust;
use jsonwebtoken::Algorithm;
use ureq::http::Uri;

/// An outside issuer of tokens that are read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignIssuer {
    /// What this installation calls it; users who are created for its tokens have it as their provider.
    pub name: String,
    /// What its tokens have as `iss`, to the letter.
    pub issuer: String,
    /// Its tokens must have one of these in `aud`.
    pub audiences: Vec<String>,
    /// The algorithms that it may sign with.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// Where its keys are; else its discovery document says so (`OpenID` Connect Discovery 1.0, section 4).
    pub jwks_url: Option<String>,
    /// The claim that says what to call a user who is created, and by which one who is already here may be found:
    /// `preferred_username`, `email` or any other that holds a text. Who somebody is, `sub` alone says.
    pub name_claim: String,
    /// The claim that holds the names of the user's groups, if the issuer has a say in groups. One that lies within others
    /// is named by a path with dots, such as `realm_access.roles`.
    pub groups_claim: Option<String>,
    /// What every token of it may be used for, besides what the token itself says.
    pub scopes: Scopes,
    /// What it may do here.
    pub trust: Trust,
}

/// An algorithm that an outside issuer may sign with (RFC 7518, section 3.1, and RFC 8037, section 3.1). There is none with a
/// shared secret among them, so nobody can pass a public key off as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// The text names no algorithm that an outside issuer may sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA")]
pub struct UnknownAlgorithm;

/// Why tokens of an outside issuer cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the issuer {name:?} cannot be trusted")]
pub struct ForeignIssuerError {
    /// What this installation calls it.
    pub name: String,
    /// Why.
    #[source]
    pub fault: IssuerFault,
}

/// What is wrong with what is said of an outside issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerFault {
    /// It has no name, or one with control characters.
    #[error("it needs a name without control characters")]
    Name,
    /// Another one has its name: the two could speak for each other's users.
    #[error("another issuer has the same name")]
    NameTaken,
    /// Another one, or this service, has the same `iss`.
    #[error("another issuer, or this service, has the same `iss`")]
    IssuerTaken,
    /// Tokens for anybody would be accepted.
    #[error("it needs an audience")]
    NoAudience,
    /// No token could be verified.
    #[error("it needs an algorithm")]
    NoAlgorithm,
    /// No user could be called anything.
    #[error("it needs a claim that says what to call users")]
    NoNameClaim,
    /// The address of its keys, or of the discovery document that says where they are, is none.
    #[error("{0:?} is no URL of http or https, and says not where its keys are")]
    NotAnAddress(String),
    /// There is no thread to fetch its keys.
    #[error("its keys cannot be fetched in the background")]
    NoThread(#[source] io::Error),
}

impl ForeignIssuer {
    /// Whether its tokens can be told from those of this service, `ours`, and of the `others`.
    pub(crate) fn check(&self, ours: &str, others: &[&Self]) -> Result<(), ForeignIssuerError> {
        let address = self.jwks_url.as_ref().unwrap_or(&self.issuer);
        let faults = [
            (self.name.is_empty() || self.name.contains(char::is_control), IssuerFault::Name),
            (others.iter().any(|other| other.name == self.name), IssuerFault::NameTaken),
            (self.issuer == ours, IssuerFault::IssuerTaken),
            (others.iter().any(|other| other.issuer == self.issuer), IssuerFault::IssuerTaken),
            (self.audiences.is_empty(), IssuerFault::NoAudience),
            (self.algorithms.is_empty(), IssuerFault::NoAlgorithm),
            (self.name_claim.is_empty(), IssuerFault::NoNameClaim),
            (scheme(address).is_none(), IssuerFault::NotAnAddress(address.clone())),
        ];
        match faults.into_iter().find(|(is_fault, _)| *is_fault) {
            Some((_, fault)) => Err(ForeignIssuerError { name: self.name.clone(), fault }),
            None => Ok(()),
        }
    }
}

impl SignatureAlgorithm {
    /// All of them, with their names.
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Rs256, "RS256"),
        (Self::Rs384, "RS384"),
        (Self::Rs512, "RS512"),
        (Self::Ps256, "PS256"),
        (Self::Ps384, "PS384"),
        (Self::Ps512, "PS512"),
        (Self::Es256, "ES256"),
        (Self::Es384, "ES384"),
        (Self::EdDsa, "EdDSA"),
    ];

    /// Whether a token that says `algorithm` is signed with this one.
    pub(crate) fn is(self, algorithm: Algorithm) -> bool {
        let own = match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        };
        own == algorithm
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::NAMES.into_iter().find(|(_, name)| *name == text).map(|(algorithm, _)| algorithm).ok_or(UnknownAlgorithm)
    }
}

/// The scheme of a URL that can be asked over HTTP.
pub(crate) fn scheme(url: &str) -> Option<&'static str> {
    let uri: Uri = url.parse().ok()?;
    uri.host().filter(|host| !host.is_empty())?;
    ["http", "https"].into_iter().find(|scheme| uri.scheme_str() == Some(scheme))
}
