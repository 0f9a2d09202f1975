//! What a unit of work can read and write: a function of a neighbouring module each.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use guildhall_domain::external::IdentityLink;
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::name::NameKey;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{
    AccountStatus, ApiKeyReader, ApiKeyWriter, ChildReader, ChildWriter, Children, Credentials, GroupReader,
    GroupWriter, IdentityReader, IdentityWriter, KnownAddress, LockoutReader, LockoutWriter, MembershipReader,
    MembershipWriter, NameSource, Ping, Reach, RefreshGrant, SessionReader, SessionWriter, StoreError, UserReader,
    UserWriter,
};
use guildhall_domain::search::{GroupListing, UserListing};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Lockout, SecurityStamp, User, UserId};

use super::{Unit, api_keys, closure, groups, identities, lockouts, members, search, sign_in, users};

impl UserReader for Unit<'_> {
    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.run(|connection| users::account_status(connection, user))
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        self.run(|connection| users::id(connection, identifier))
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(|connection| users::find(connection, id))
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.run(|connection| users::unknown(connection, ids))
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        self.run(|connection| identities::user_named_by_authority(connection, name))
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        self.run(|connection| users::password(connection, user))
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        let known = self.known;
        self.run(|connection| search::all_users(connection, known, listing))
    }

    fn has_users(&mut self) -> Result<bool, StoreError> {
        self.run(users::any)
    }

    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(|connection| users::has_active_administrator(connection, now))
    }
}

impl UserWriter for Unit<'_> {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.run(|connection| users::insert(connection, user, password, stamp, names))
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(|connection| users::find_to_change(connection, id))
    }

    fn update_user(&mut self, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        self.run(|connection| users::update(connection, user, credentials))
    }

    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.run(|connection| users::delete(connection, id))
    }
}

impl GroupReader for Unit<'_> {
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        self.run(|connection| groups::id(connection, identifier))
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| groups::ids(connection, identifiers))
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.run(|connection| groups::find(connection, id))
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| groups::unknown(connection, ids))
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| groups::external_among(connection, ids))
    }

    fn groups_for_domain(&mut self, domain: &str) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| groups::for_domain(connection, domain))
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| search::all_groups(connection, listing))
    }
}

impl GroupWriter for Unit<'_> {
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.run(|connection| groups::insert(connection, group))
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.run(|connection| groups::find_to_change(connection, id))
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        self.run(|connection| groups::update(connection, group))
    }

    fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        self.run(|connection| groups::delete(connection, id))
    }
}

impl MembershipReader for Unit<'_> {
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        self.run(|connection| members::is_effective(connection, group, user))
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        self.run(|connection| members::is_effective_of_any(connection, groups, user))
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        let known = self.known;
        self.run(|connection| search::members(connection, known, group, reach, excluded, listing))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| search::groups_of(connection, user, reach, excluded, listing))
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| groups::external_of_user(connection, user))
    }
}

impl MembershipWriter for Unit<'_> {
    fn insert_members(&mut self, group: GroupId, users: &BTreeSet<UserId>, at: Timestamp) -> Result<u64, StoreError> {
        self.run(|connection| members::insert(connection, group, users, at))
    }

    fn remove_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        self.run(|connection| members::remove(connection, group, user))
    }
}

impl ChildReader for Unit<'_> {
    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| search::children(connection, group, children, listing))
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        self.run(|connection| closure::child_towards(connection, from, to))
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| closure::at_or_above_among(connection, below, groups))
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        self.run(|connection| closure::administrators_above(connection, group))
    }
}

impl ChildWriter for Unit<'_> {
    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        self.run(|connection| closure::insert_edges(connection, parent, children))
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        self.run(|connection| closure::remove_edge(connection, parent, child))
    }
}

impl ApiKeyReader for Unit<'_> {
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        self.run(|connection| api_keys::find(connection, identifier))
    }

    fn api_keys(&mut self, page: Page) -> Result<Paged<ApiKey>, StoreError> {
        self.run(|connection| api_keys::page(connection, page))
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        self.run(|connection| api_keys::of_user(connection, user))
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        self.run(|connection| api_keys::secret(connection, id))
    }
}

impl ApiKeyWriter for Unit<'_> {
    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        self.run(|connection| api_keys::insert(connection, key, secret))
    }

    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        self.run(|connection| api_keys::update(connection, key, secret))
    }
}

impl SessionReader for Unit<'_> {
    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        self.run(|connection| sign_in::grant(connection, token))
    }
}

impl SessionWriter for Unit<'_> {
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        self.run(|connection| sign_in::insert(connection, token, grant))
    }

    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        self.run(|connection| sign_in::extend(connection, token, expires))
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        self.run(|connection| sign_in::forget(connection, user, stamp, now, most))
    }
}

impl LockoutReader for Unit<'_> {
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        self.run(|connection| lockouts::of_user(connection, user))
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.run(|connection| lockouts::of_unknown(connection, name))
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        self.run(|connection| lockouts::known_address(connection, user, address))
    }
}

impl LockoutWriter for Unit<'_> {
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.run(|connection| lockouts::of_unknown_to_change(connection, name))
    }

    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        self.run(|connection| lockouts::set_unknown(connection, name, lockout, now))
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        self.run(|connection| lockouts::remember_address(connection, user, address, now, most))
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        self.run(|connection| lockouts::set_address_lockout(connection, user, address, lockout))
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<(), StoreError> {
        self.run(|connection| lockouts::reset_address_lockouts(connection, user))
    }
}

impl IdentityReader for Unit<'_> {
    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        self.run(|connection| identities::find(connection, issuer, subject))
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        self.run(|connection| identities::of_user(connection, user))
    }
}

impl IdentityWriter for Unit<'_> {
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        self.run(|connection| identities::insert(connection, link))
    }

    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        self.run(|connection| identities::set_latest_token(connection, issuer, subject, at))
    }

    fn delete_identity(&mut self, issuer: &str, subject: &str) -> Result<(), StoreError> {
        self.run(|connection| identities::delete(connection, issuer, subject))
    }
}

impl Ping for Unit<'_> {
    fn ping(&mut self) -> Result<(), StoreError> {
        self.run(|connection| {
            Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1")).execute(connection).map(drop)?)
        })
    }
}
