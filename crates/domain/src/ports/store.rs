//! The store of the directory.

use std::collections::BTreeSet;

use super::{
    AccountStatus, Cancellation, Children, Credentials, KnownAddress, NameSource, Reach, RefreshGrant, StoreError,
};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::external::IdentityLink;
use crate::group::{Group, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::password::PasswordHash;
use crate::search::{GroupListing, UserListing};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, User, UserId};

/// Keeps the directory.
///
/// A unit of work commits by returning `Ok`; with `Err` it leaves no trace. A store may run `work` again from the start
/// when another unit of work changed what this one relied on, so `work` must not change anything but the store.
///
/// Use the methods of `dyn Store` ([`read`](#method.read), [`write`](#method.write), [`write_alone`](#method.write_alone)),
/// which carry a value and a typed error.
pub trait Store: Send + Sync {
    /// Reads that agree with one another. A store may have a limit for how long a question of `work` may take; one that takes
    /// longer fails with [`Fault::TimedOut`](super::Fault::TimedOut). Once `cancellation` is cancelled, a store may end the
    /// work with an error, whatever the work returns.
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError>;
    /// Changes that commute: adding members, creating users and groups. Several may run at once.
    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
    /// Changes that must see no other such change from first read to end: edges between groups, and removals that could
    /// take the last administrator.
    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
}

/// Asks a store to forget what a unit of work did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo;

impl dyn Store + '_ {
    /// Runs `work` over one consistent state.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnMut(&mut dyn Reader) -> Result<T, E>) -> Result<T, E> {
        self.read_unless(&Cancellation::new(), work)
    }

    /// Runs `work` over one consistent state, as long as its outcome is wanted.
    pub fn read_unless<T, E: From<StoreError>>(
        &self,
        cancellation: &Cancellation,
        mut work: impl FnMut(&mut dyn Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut outcome = None;
        self.reading(cancellation, &mut |reader| outcome = Some(work(reader)))?;
        outcome.unwrap_or_else(|| Err(StoreError::idle().into()))
    }

    /// Runs `work` beside other writers; what it did stays if it returns `Ok`.
    pub fn write<T, E: From<StoreError>>(&self, mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>) -> Result<T, E> {
        typed(&mut work, |work| self.writing(work))
    }

    /// Runs `work` while no other such work runs; what it did stays if it returns `Ok`.
    pub fn write_alone<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        typed(&mut work, |work| self.writing_alone(work))
    }
}

type Work<'a> = dyn FnMut(&mut dyn Writer) -> Result<(), Undo> + 'a;

fn typed<T, E: From<StoreError>>(
    work: &mut dyn FnMut(&mut dyn Writer) -> Result<T, E>,
    run: impl FnOnce(&mut Work<'_>) -> Result<(), StoreError>,
) -> Result<T, E> {
    let mut outcome = None;
    let ran = run(&mut |writer| {
        let result = work(writer);
        let done = result.as_ref().map(|_| ()).map_err(|_| Undo);
        outcome = Some(result);
        done
    });
    match (ran, outcome) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Some(outcome)) => outcome,
        (Ok(()), None) => Err(StoreError::idle().into()),
    }
}

/// Reads the directory. Not found is `None` or left out, never an error.
pub trait Reader {
    /// Fails if the store cannot be reached.
    fn ping(&mut self) -> Result<(), StoreError>;
    /// What decides whether `user` is heard. Asked with every request: one round trip.
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError>;
    /// The user that `identifier` names; [`UserIdentifier::Current`] names nobody here.
    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError>;
    /// The group that `identifier` names.
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError>;
    /// The user with this id.
    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The group with this id.
    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Those of `ids` that no user has.
    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError>;
    /// Whether `user` is a member of `group` or of any group below it. Costs the same at any depth.
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError>;
    /// Those of `groups` that are `below` or above it.
    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The administrators' groups that are `group` or above it: whose members `group` decides about. One statement.
    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError>;
    /// Those of `ids` that no group has.
    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The groups that any of `identifiers` name.
    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError>;
    /// Whether `user` is a member of any of `groups` or of any group below them.
    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError>;
    /// The hash of a user's password; those who sign in elsewhere have none.
    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError>;
    /// A page of those users that are wanted.
    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError>;
    /// A page of those groups that are wanted.
    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError>;
    /// A page of those members of `group` that are wanted, each once, without those who are members of an `excluded` group
    /// within the same reach.
    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError>;
    /// A page of those groups below `group` that are wanted, each once, without those below an `excluded` group within the same
    /// reach; `group` itself is one of them if asked for.
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// A page of those groups that `user` belongs to and that are wanted, each once, without those below an `excluded` group within
    /// the same reach. Effective are the direct ones and every group above them.
    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError>;
    /// A child of `from` through which `to` is reached: `to` itself, or a group above it.
    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError>;
    /// The groups that users of this email domain, in lower case, join when they are created.
    fn groups_for_domain(&mut self, domain: &str) -> Result<BTreeSet<GroupId>, StoreError>;
    /// Whether somebody could administer at `now`: an effective member of System Administrators who is not suspended,
    /// locked or expired.
    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError>;
    /// Whether there is any user.
    fn has_users(&mut self) -> Result<bool, StoreError>;
    /// The API key that `identifier` names.
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError>;
    /// A page of all API keys, by name.
    fn api_keys(&mut self, page: Page) -> Result<Paged<ApiKey>, StoreError>;
    /// The API key that acts as `user`.
    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError>;
    /// The digest of an API key's secret.
    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError>;
    /// What the refresh token with this digest stands for.
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError>;
    /// Those of `ids` that are external groups.
    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The external groups that `user` is a direct member of.
    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError>;
    /// The link of a subject of an issuer.
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError>;
    /// The links of a user, by issuer and subject.
    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError>;
    /// The user who has this username or address from an authority ([`NameSource`]).
    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError>;
    /// The wrong passwords that count against everybody who is not at a known address.
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError>;
    /// The wrong passwords of a name that nobody has.
    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError>;
    /// What is known of an address of `user`.
    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError>;
}

/// Changes the directory.
///
/// A change that collides with another unit of work (a name just taken, a group just deleted) is undone and its work run
/// again, so that the work itself finds out and says what is wrong.
pub trait Writer: Reader {
    /// Adds a user, who is a member of nothing yet. Its id, username and email must be free.
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError>;
    /// Adds a group, which has neither members, parents nor children yet. Its id and name must be free.
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Makes `users`, who exist, members of `group`, and says how many were not before. A constant number of statements.
    fn insert_members(&mut self, group: GroupId, users: &BTreeSet<UserId>, at: Timestamp) -> Result<u64, StoreError>;
    /// Ends a direct membership, and says whether there was one.
    fn remove_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError>;
    /// Puts `children`, who exist, below `parent`, and says how many were not there before. No edge may close a cycle. A
    /// constant number of statements.
    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError>;
    /// Takes `child` from below `parent`, and says whether it was there. What another path still reaches stays reached.
    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError>;
    /// Reads a user and lets nobody else change it until this work ends.
    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Reads a group and lets nobody else change its own properties until this work ends.
    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// Replaces a user in the state `user.version` by `user`, in the next state; the work is run again if it is in
    /// another state by now. `credentials` change with it.
    fn update_user(&mut self, user: &User, credentials: &Credentials) -> Result<(), StoreError>;
    /// Replaces the own properties of a group in the state `group.version`, in the same way.
    fn update_group(&mut self, group: &Group) -> Result<(), StoreError>;
    /// Removes a user with everything that was theirs.
    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError>;
    /// Removes a group with its memberships and its edges. Users and child groups stay.
    fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError>;
    /// Adds an API key, whose user is there and has its name. It goes with its user.
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError>;
    /// Replaces what is an API key's own (description, scopes, who changed it and when), and its secret if there is another.
    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError>;
    /// Keeps a refresh token, which goes with its user.
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError>;
    /// Moves the end of a refresh token.
    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError>;
    /// Forgets those refresh tokens of `user` that are good for nothing (expired at `now`, or of another stamp), and of the others
    /// all but the `most` that expire last.
    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError>;
    /// Reads the wrong passwords of a name that nobody has, and lets nobody else count one until this work ends.
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError>;
    /// Keeps the wrong passwords of a name that nobody has. There is a bounded number of places: whoever comes to a place that is
    /// taken gets it, unless the one who has it is locked at `now`. It costs what `update_user` and `set_address_lockout` cost
    /// together, so that the time an answer takes does not tell who is here.
    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError>;
    /// Keeps that `user` signed in from this address, without wrong passwords; of all addresses, the `most` that were used last.
    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError>;
    /// Keeps the wrong passwords from an address, if it is a known one.
    fn set_address_lockout(&mut self, user: UserId, address: &SecretDigest, lockout: Lockout)
    -> Result<(), StoreError>;
    /// Forgets the wrong passwords from all known addresses of `user`.
    fn reset_address_lockouts(&mut self, user: UserId) -> Result<(), StoreError>;
    /// Links a subject of an issuer, which is linked to nobody yet, to a user.
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError>;
    /// Remembers when the latest token of a subject was issued.
    fn set_latest_token(&mut self, issuer: &str, subject: &str, issued: Timestamp) -> Result<(), StoreError>;
    /// Removes a link.
    fn delete_identity(&mut self, issuer: &str, subject: &str) -> Result<(), StoreError>;
}
