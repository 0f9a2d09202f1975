//! What decides about a new account.

use std::collections::BTreeSet;

use super::{AccountStatus, ChildReader, GroupReader, StoreError, UserReader};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::UserIdentifier;
use crate::name::NameKey;
use crate::user::{Email, SecurityStamp, User, UserId};

/// What decides about a new account. All of it is about one state of the store. If the caller does not exist, the rest may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The account of the caller, if it exists. Whether a System Administrator is also an effective member of another
    /// administrators' group may be left out, because it changes nothing.
    pub caller: Option<AccountStatus>,
    /// Whether another user has the id.
    pub has_id: bool,
    /// Whether another user has the username, or has it as email address.
    pub has_username: bool,
    /// Whether another user has the email address, or has it as username.
    pub has_email: bool,
    /// The groups that the user joins: `Everyone`, and those of the email domain.
    pub groups: BTreeSet<GroupId>,
    /// The administrators' groups that are one of these groups or above one.
    pub administrators: BTreeSet<SystemGroup>,
}

impl Registration {
    /// Decides by the methods of a reader, which defines what the answer of a store has to be.
    pub fn by_reading<R: UserReader + GroupReader + ChildReader + ?Sized>(
        reader: &mut R,
        caller: Option<UserId>,
        user: &User,
    ) -> Result<Self, StoreError> {
        let account = caller.map(|caller| reader.account_status(caller)).transpose()?.flatten();
        let registration = Self::of_names(reader, user)?;
        let mut administrators = BTreeSet::new();
        for group in &registration.groups {
            administrators.extend(reader.administrators_above(*group)?);
        }
        Ok(Self { caller: account, administrators, ..registration })
    }

    /// The same without a caller, and without the administrators' groups.
    pub fn of_names<R: UserReader + GroupReader + ?Sized>(reader: &mut R, user: &User) -> Result<Self, StoreError> {
        let has_id = reader.user_id(&UserIdentifier::Id(user.id))?.is_some();
        let mut is_taken = |name: NameKey| Ok::<_, StoreError>(reader.user_id(&UserIdentifier::Name(name))?.is_some());
        let has_username = is_taken(user.username.key())?;
        let has_email = user.email.as_ref().map(|email| is_taken(email.key())).transpose()?.unwrap_or_default();
        let mut groups = BTreeSet::new();
        if let Some(domain) = user.email.as_ref().and_then(Email::domain) {
            groups = reader.groups_for_domain(&domain)?;
        }
        groups.extend(reader.group_id(&SystemGroup::Everyone.identifier())?);
        Ok(Self { has_id, has_username, has_email, groups, ..Self::default() })
    }

    /// The account that the user gets, before an API key is made for it.
    #[must_use]
    pub fn account(&self, user: &User, stamp: SecurityStamp) -> AccountStatus {
        let is_in = |group| self.administrators.contains(&group);
        AccountStatus {
            username: user.username.as_str().to_owned(),
            stamp,
            api_key: None,
            suspended: user.suspended,
            expiry: user.expiry,
            password_reset_required: user.password_reset_required,
            password_change_frequency: user.password_change_frequency,
            password_changed: user.password_changed,
            system_administrator: is_in(SystemGroup::SystemAdministrators),
            user_administrator: is_in(SystemGroup::UserAdministrators),
            group_administrator: is_in(SystemGroup::GroupAdministrators),
            api_key_administrator: is_in(SystemGroup::ApiKeyAdministrators),
        }
    }
}
