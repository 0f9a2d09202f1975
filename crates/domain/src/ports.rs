//! What the use cases need from outside.
//!
//! Ports are synchronous and can be used as `dyn`. What a port promises is tested by the contract suite.

mod api_keys;
mod cancellation;
mod children;
mod fault;
mod groups;
mod identities;
mod lockouts;
mod memberships;
mod sessions;
mod store;
mod unit_of_work;
mod users;

use uuid::Uuid;

use crate::access::Caller;
use crate::api_key::ApiKeyId;
use crate::external::ExternalIdentity;
use crate::password::{Password, PasswordHash};
use crate::secret::{RANDOM_BYTES, SecretDigest};
use crate::time::Timestamp;

pub use api_keys::{ApiKeyReader, ApiKeyWriter};
pub use cancellation::Cancellation;
pub use children::{ChildReader, ChildWriter, Children};
pub use fault::{Fault, StoreError};
pub use groups::{GroupReader, GroupWriter};
pub use identities::{IdentityReader, IdentityWriter};
pub use lockouts::{KnownAddress, LockoutReader, LockoutWriter};
pub use memberships::{MembershipReader, MembershipWriter, Reach};
pub use sessions::{RefreshGrant, SessionReader, SessionWriter};
pub use store::{Store, Undo};
pub use unit_of_work::{Ping, Reader, Writer};
pub use users::{AccountStatus, Credentials, NameSource, UserReader, UserWriter};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// Makes ids that nobody has seen before.
pub trait Ids: Send + Sync {
    /// An id that sorts after those made before it, so that indexes stay dense.
    fn next(&self) -> Uuid;
}

/// Turns passwords into hashes and compares them.
pub trait Passwords: Send + Sync {
    /// The hash to keep. Takes tens of milliseconds and of mebibytes.
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError>;
    /// Whether `password` is the one that `hash` was made from. Takes as long as making the hash.
    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError>;
}

/// A password could not be hashed or compared; not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed or compared")]
pub struct PasswordsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Makes secrets that nobody can guess, and the digests that are kept of them.
pub trait Secrets: Send + Sync {
    /// Bytes that nobody can guess.
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError>;
    /// The digest of a secret: always the same, and nobody finds the secret from it.
    fn digest(&self, secret: &str) -> SecretDigest;
    /// The digest of something that could be guessed, such as an address: without this installation's key nobody can tell whether
    /// a guess is right.
    fn keyed_digest(&self, text: &str) -> SecretDigest;
}

/// There is no randomness; not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a secret could not be made")]
pub struct SecretsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Issues bearer tokens and reads them.
pub trait Tokens: Send + Sync {
    /// A token for this caller, good until it expires or the user's stamp changes; `client` is the API key it is issued to.
    fn issue(&self, caller: &Caller, client: Option<ApiKeyId>) -> Result<AccessToken, TokensError>;
    /// Whom the token stands for, if it is one of ours or of an issuer that we trust, for us and in its time. Whether the
    /// user may still call is not known here: [`crate::access`] asks the store. Never waits.
    fn verify(&self, token: &str) -> Result<Bearer, InvalidToken>;
    /// Who issues our tokens, as they say themselves.
    fn issuer(&self) -> &str;
    /// The keys by which anybody can verify our tokens. There are none where a shared secret signs them.
    fn public_keys(&self) -> Vec<PublicKey>;
}

/// Whom a valid token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// Somebody who signed in here.
    Caller(Caller),
    /// Somebody who signed in elsewhere.
    External(Box<ExternalIdentity>),
}

/// A key by which tokens are verified, in the terms of RFC 7517.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What tokens call it: `kid`.
    pub id: String,
    /// The algorithm it is used with: `alg`.
    pub algorithm: &'static str,
    /// Its own parameters by name, such as `kty`, `crv` and `x`.
    pub parameters: Vec<(&'static str, String)>,
}

/// A bearer token that was just issued.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself.
    pub value: String,
    /// For how many seconds it is good.
    pub expires_in: u64,
}

/// Signing failed; not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed")]
pub struct TokensError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The token proves nothing. The reason is for the log, never for whoever sent it.
#[derive(Debug, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken {
    /// Whether the keys that may have signed it are being fetched: asked again in a moment, the answer may be another one.
    pub is_pending: bool,
    /// What is wrong with it.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
