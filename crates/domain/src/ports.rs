//! What the use cases need from outside.
//!
//! Ports are synchronous and can be used as `dyn`. What a port promises is tested by the contract suite.

mod store;

use uuid::Uuid;

use crate::access::{Caller, Scopes};
use crate::password::{Password, PasswordHash};
use crate::time::Timestamp;
use crate::user::{SecurityStamp, UserId};

pub use store::{Children, Fault, Reach, Reader, Secrets, Standing, Store, StoreError, Undo, Writer};

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

/// Issues bearer tokens and reads them.
pub trait Tokens: Send + Sync {
    /// A token for this user, good until it expires or the user's stamp changes.
    fn issue(&self, user: UserId, stamp: SecurityStamp, scopes: &Scopes) -> Result<AccessToken, TokensError>;
    /// Who calls, if the token is one of ours, for us and in its time. Whether the user may still call is not known here:
    /// [`crate::access`] asks the store.
    fn verify(&self, token: &str) -> Result<Caller, InvalidToken>;
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
pub struct InvalidToken(#[source] pub Box<dyn std::error::Error + Send + Sync>);
