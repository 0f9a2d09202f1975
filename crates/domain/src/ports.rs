//! Ports: what the use cases need from outside.
//!
//! Ports are synchronous and dyn-compatible. The store's promises are tested by the contract suite (feature `contract`).
//!
//! A store is one [`Store`], which runs units of work. A unit of work gets a [`Reader`] or a [`Writer`]: the sum of one read and one
//! write trait for each aggregate ([`UserReader`], [`UserWriter`] and so on). Their methods can be called on `&mut dyn Reader` and
//! `&mut dyn Writer` without importing the small traits.

mod api_keys;
mod cancellation;
mod checks;
mod children;
mod effects;
mod events;
mod fault;
mod groups;
mod idempotency;
mod identities;
mod imports;
mod lockouts;
mod managers;
mod memberships;
mod past;
mod paths;
mod registration;
mod seals;
mod sessions;
mod store;
mod unit_of_work;
mod users;
mod validity;
mod webhooks;

use uuid::Uuid;

use crate::api_key::ApiKeyId;
use crate::external::ExternalIdentity;
use crate::model::caller::Caller;
use crate::password::{Password, PasswordHash};
use crate::secret::{RANDOM_BYTES, SecretDigest};
use crate::time::Timestamp;

pub use api_keys::{ApiKeyForUpdate, ApiKeyReader, ApiKeyToChange, ApiKeyWriter, ClientAccount};
pub use cancellation::Cancellation;
pub use checks::{CheckedGroups, FoundFor, MembershipAnswer, MembershipQuestion};
pub use children::{ChildReader, ChildScope, ChildWriter, Children, Edge, EndedEdges, Nesting};
pub use effects::{EffectReader, Person};
pub use events::{EventOrder, EventQuery, EventReader, EventWriter};
pub use fault::{Fault, StoreError};
pub use groups::{GroupReader, GroupWriter};
pub use idempotency::{ANSWER_OVERHEAD, AnswerCounter, EXPIRED_AT_ONCE, IdempotencyWriter, KeptAnswer, KeptTotal};
pub use identities::{IdentityReader, IdentityWriter, LinkedAccount};
pub use imports::{Appointment, ChangedAccount, ImportReader, ImportWriter, NewAccount, PlacedMember};
pub use lockouts::{KnownAddress, LockoutReader, LockoutWriter};
pub use managers::{ManagerReader, ManagerWriter};
pub use memberships::{
    Difference, Ended, GroupForUpdate, Joined, Member, MembersChange, Membership, MembershipReader, MembershipWriter,
    Reach,
};
pub use past::{Deleted, Former, FormerGroup, FormerUser, PastReader, PastWriter};
pub use paths::{MembershipGraph, PathEdge, PathMembership, PathReader};
pub use registration::Registration;
pub use seals::{SealError, Seals};
pub use sessions::{RefreshGrant, SessionReader, SessionWriter};
pub use store::{Store, Undo};
pub use unit_of_work::{Reader, Savepoints, Writer};
pub use users::{
    AccountStatus, Accounts, Credentials, NameSource, PasswordUpdate, Purpose, UserForUpdate, UserReader, UserToChange,
    UserWriter,
};
pub use validity::{
    DueChange, ListedMember, MemberStanding, MembershipListing, MembershipOrder, NamedGroup, ValidityReader,
    ValidityWriter,
};
pub use webhooks::{DestinationError, Destinations, WebhookReader, WebhookWriter};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// Generates unique ids.
pub trait Ids: Send + Sync {
    /// A new id, which sorts after those generated before it, so that indexes stay dense.
    fn next(&self) -> Uuid;
}

/// Hashes passwords and verifies them.
pub trait Passwords: Send + Sync {
    /// The hash to store. Takes tens of milliseconds and tens of mebibytes.
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError>;
    /// Whether `hash` is a hash of `password`. Takes as long as [`hash`](Self::hash), unless `hash` is outdated.
    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError>;
    /// Whether the password is to be hashed anew as soon as it is known, because `hash` is weaker than those that are made now, or
    /// was made by another program.
    fn is_outdated(&self, hash: &PasswordHash) -> bool;
}

/// A password could not be hashed or verified. It is not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed or compared")]
pub struct PasswordsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Generates secrets, and the digests of them that are stored.
pub trait Secrets: Send + Sync {
    /// Random bytes that cannot be guessed.
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError>;
    /// The digest of a secret. It is deterministic, and the secret cannot be computed from it.
    fn digest(&self, secret: &str) -> SecretDigest;
    /// The digest of a text that could be guessed, such as an address. Without the key of this installation a guess cannot be
    /// verified.
    fn keyed_digest(&self, text: &str) -> SecretDigest;
}

/// There are no random bytes. It is not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a secret could not be made")]
pub struct SecretsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Issues and verifies bearer tokens.
pub trait Tokens: Send + Sync {
    /// A token for this caller, valid until it expires or the user's security stamp changes. `client` is the API key that it is
    /// issued to.
    fn issue(&self, caller: &Caller, client: Option<ApiKeyId>) -> Result<AccessToken, TokensError>;
    /// The bearer of the token, if it was issued by this service or by a trusted issuer, for this service, and is valid now. Whether
    /// the account is open is not checked here: [`crate::access`] asks the store. Never blocks.
    fn verify(&self, token: &str) -> Result<Bearer, InvalidToken>;
    /// Verifies a token again whose last verification said that it waits for keys. Never blocks.
    fn verify_again(&self, token: &str, _awaited: PendingKeys) -> Result<Bearer, InvalidToken> {
        self.verify(token)
    }
    /// The issuer in the tokens of this service (`iss`).
    fn issuer(&self) -> &str;
    /// The public keys by which tokens of this service are verified. There are none if a shared secret signs them.
    fn public_keys(&self) -> Vec<PublicKey>;
}

/// The bearer of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A user who signed in to this service.
    Caller(Caller),
    /// A subject of an external issuer.
    External(Box<ExternalIdentity>),
}

/// A public key by which tokens are verified, with the names of RFC 7517.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The id by which tokens refer to it: `kid`.
    pub id: String,
    /// The algorithm it is used with: `alg`.
    pub algorithm: &'static str,
    /// Its own parameters by name, such as `kty`, `crv` and `x`.
    pub parameters: Vec<(&'static str, String)>,
}

/// A new bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself.
    pub value: String,
    /// For how many seconds it is valid.
    pub expires_in: u64,
}

/// Signing failed. It is not the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed")]
pub struct TokensError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The keys that the verification of a token waits for. What the number means, only the implementation of [`Tokens`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingKeys(pub u64);

/// The token is not valid. The reason is for the log, never for the client.
#[derive(Debug, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken {
    /// Set while keys are being fetched that may have signed it: the token may turn out to be valid later.
    pub pending: Option<PendingKeys>,
    /// Why it is not valid.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
