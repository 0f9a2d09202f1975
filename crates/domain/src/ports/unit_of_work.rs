//! What a unit of work can read and change: the ports of all aggregates together.

use super::{
    ApiKeyReader, ApiKeyWriter, ChildReader, ChildWriter, EffectReader, EventReader, EventWriter, GroupReader,
    GroupWriter, IdempotencyWriter, IdentityReader, IdentityWriter, ImportReader, ImportWriter, LockoutReader,
    LockoutWriter, ManagerReader, ManagerWriter, MembershipReader, MembershipWriter, PastReader, PastWriter,
    PathReader, SessionReader, SessionWriter, StoreError, Undo, UserReader, UserWriter, ValidityReader, ValidityWriter,
    WebhookReader, WebhookWriter,
};

/// Reads the directory. Not found is `None` or left out, never an error.
///
/// Implemented for everything that reads each aggregate.
pub trait Reader:
    UserReader
    + GroupReader
    + MembershipReader
    + ChildReader
    + ApiKeyReader
    + SessionReader
    + LockoutReader
    + IdentityReader
    + ManagerReader
    + PathReader
    + EffectReader
    + ValidityReader
    + EventReader
    + WebhookReader
    + PastReader
    + ImportReader
{
}

impl<T> Reader for T where
    T: UserReader
        + GroupReader
        + MembershipReader
        + ChildReader
        + ApiKeyReader
        + SessionReader
        + LockoutReader
        + IdentityReader
        + ManagerReader
        + PathReader
        + EffectReader
        + ValidityReader
        + EventReader
        + WebhookReader
        + PastReader
        + ImportReader
{
}

/// Changes the directory.
///
/// A change that conflicts with another unit of work (a name that was just taken, a group that was just deleted) fails. The unit
/// of work is rolled back and run again, so that the work itself finds the cause and reports it.
///
/// If any call failed, the unit of work is not committed, even if the work ignores the error and returns `Ok`: it is run again if that
/// may help, or fails with the error of that call.
///
/// Implemented for everything that reads and changes each aggregate.
pub trait Writer:
    Reader
    + UserWriter
    + GroupWriter
    + MembershipWriter
    + ChildWriter
    + ApiKeyWriter
    + SessionWriter
    + LockoutWriter
    + IdentityWriter
    + ManagerWriter
    + IdempotencyWriter
    + ValidityWriter
    + EventWriter
    + WebhookWriter
    + PastWriter
    + ImportWriter
    + Savepoints
    + Send
{
}

/// Undoes a part of a unit of work.
pub trait Savepoints {
    /// Runs `part` at once. What it did stays with the rest of the unit of work if it returns `Ok`; with `Err` it leaves no trace, and the unit of work
    /// goes on as it was before. What was locked by a part that was undone may be locked no more.
    ///
    /// If any call failed in it, the whole unit of work is not committed, as elsewhere.
    fn within_savepoint(&mut self, part: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>)
    -> Result<(), StoreError>;
}

impl<T> Writer for T where
    T: Reader
        + UserWriter
        + GroupWriter
        + MembershipWriter
        + ChildWriter
        + ApiKeyWriter
        + SessionWriter
        + LockoutWriter
        + IdentityWriter
        + ManagerWriter
        + IdempotencyWriter
        + ValidityWriter
        + EventWriter
        + WebhookWriter
        + PastWriter
        + ImportWriter
        + Savepoints
        + Send
{
}
