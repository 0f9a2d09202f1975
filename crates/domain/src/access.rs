//! Who may do what (contract 2.3, 2.4 and 5.3).

use std::collections::BTreeSet;

use crate::api_key::ApiKeyId;
use crate::group::{GroupId, SystemGroup};
use crate::ports::{AccountStatus, NameSource, Reader, StoreError};
use crate::time::Timestamp;
use crate::user::{LockoutPolicy, SecurityStamp, UserId, password_is_stale};

pub use crate::model::scopes::{KNOWN_SCOPES, SECURITY_ADMINISTRATOR, Scopes};

/// Who is calling, as their token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The security stamp under which the token was issued.
    pub stamp: SecurityStamp,
    /// What the token may be used for.
    pub scopes: Scopes,
}

/// A request that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller is not, or no longer, somebody who may call.
    #[error("the caller is not authenticated")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("the caller may not do this")]
    NotPermitted,
    /// The caller must change their password before anything else.
    #[error("the caller must change their password first")]
    PasswordResetRequired,
}

/// What was decided about a caller, unless the store failed.
pub type Decision<T = ()> = Result<Result<T, Denied>, StoreError>;

/// What an installation decides for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether User Administrators manage users, and Group Administrators groups (contract 5.3).
    pub delegated_administration: bool,
    /// When wrong passwords lock an account (contract 2.4).
    pub lockout: LockoutPolicy,
}

/// On whose word something is done.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// Somebody with a token, who needs to be allowed to.
    Caller(&'a Caller),
    /// Whoever runs the program itself, and needs no permission.
    Operator,
}

/// What a request wants to do beyond its caller's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Look at users.
    ReadUsers,
    /// Create, change and delete users.
    ManageUsers,
    /// Look at groups.
    ReadGroups,
    /// Create, change and delete groups, and who belongs to them.
    ManageGroups,
    /// Look at, create, change and delete API keys (contract 11).
    ManageApiKeys,
}

/// Who a caller turned out to be, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The user.
    pub user: UserId,
    /// Their username.
    pub username: String,
    /// The API key, if a program calls by one.
    pub api_key: Option<ApiKeyId>,
}

/// A caller whose account is there and open, and whose token is of its present stamp.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    user: UserId,
    status: AccountStatus,
    scoped: bool,
    must_reset: bool,
    policy: Policy,
}

/// Lets a caller in who may call at all.
pub(crate) fn admit(directory: &mut dyn Reader, caller: &Caller, now: Timestamp, policy: Policy) -> Decision<Admitted> {
    let heard = |status: &AccountStatus| status.stamp == caller.stamp && status.is_open(now);
    let admitted = directory.account_status(caller.user)?.filter(heard).map(|status| Admitted {
        user: caller.user,
        // A key whose scopes were narrowed has the narrower ones at once, whatever its tokens say (contract 10 row 26).
        scoped: caller.scopes.contains(SECURITY_ADMINISTRATOR)
            && status.api_key.as_ref().is_none_or(|(_, scopes)| scopes.contains(SECURITY_ADMINISTRATOR)),
        must_reset: status.password_reset_required
            || password_is_stale(status.password_change_frequency, status.password_changed, now),
        status,
        policy,
    });
    Ok(admitted.ok_or(Denied::Unauthenticated))
}

impl Admitted {
    /// Lets those through who may do this to anybody.
    pub(crate) fn may(&self, permission: Permission) -> Result<(), Denied> {
        let (users, groups) = (self.status.user_administrator, self.status.group_administrator);
        let delegated = match permission {
            Permission::ReadUsers | Permission::ReadGroups => users || groups,
            Permission::ManageUsers => users,
            Permission::ManageGroups => groups,
            Permission::ManageApiKeys => false,
        };
        let of_keys = permission == Permission::ManageApiKeys && self.status.api_key_administrator;
        let allowed =
            self.status.system_administrator || of_keys || (self.policy.delegated_administration && delegated);
        match (allowed && self.scoped, self.must_reset) {
            (_, true) => Err(Denied::PasswordResetRequired),
            (true, false) => Ok(()),
            (false, false) => Err(Denied::NotPermitted),
        }
    }

    /// Lets those through too who do it to themselves.
    pub(crate) fn may_about(&self, permission: Permission, target: Option<UserId>) -> Result<(), Denied> {
        if self.is(target) && !self.must_reset { Ok(()) } else { self.may(permission) }
    }

    /// The same for the few things that one may do to oneself before a password change that is due (contract 2.4).
    pub(crate) fn may_about_even_before_reset(
        &self,
        permission: Permission,
        target: Option<UserId>,
    ) -> Result<(), Denied> {
        if self.is(target) { Ok(()) } else { self.may(permission) }
    }

    /// Whether the caller is this user.
    pub(crate) fn is(&self, target: Option<UserId>) -> bool {
        target == Some(self.user)
    }

    /// Who the caller is, for the log.
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            user: self.user,
            username: self.status.username.clone(),
            api_key: self.status.api_key.as_ref().map(|(key, _)| *key),
        }
    }

    /// Who the caller is.
    pub(crate) fn user(&self) -> UserId {
        self.user
    }

    /// How far a name can be relied on that the caller gives to `owner`, or to a new user. A delegate could give an account of
    /// their own the name of somebody who is expected from an issuer.
    pub(crate) fn name_source(&self, owner: Option<UserId>) -> NameSource {
        if self.is_system_administrator() && !self.is(owner) { NameSource::Authority } else { NameSource::Unverified }
    }

    /// Whether the caller may do everything.
    pub(crate) fn is_system_administrator(&self) -> bool {
        self.status.system_administrator && self.scoped
    }

    /// Keeps a User Administrator's hands off everybody who administers and off API keys (contract 5.3). Group
    /// Administrators may look at anybody.
    pub(crate) fn may_touch_user(
        &self,
        directory: &mut dyn Reader,
        permission: Permission,
        target: UserId,
    ) -> Decision {
        let only_looks = permission == Permission::ReadUsers && self.status.group_administrator;
        if self.is_system_administrator() || self.is(Some(target)) || only_looks {
            return Ok(Ok(()));
        }
        let above =
            directory.account_status(target)?.is_some_and(|status| status.administers() || status.api_key.is_some());
        Ok(if above { Err(Denied::NotPermitted) } else { Ok(()) })
    }

    /// Keeps an API Key Administrator's hands off keys that administer users or groups: with the secret of one they would do
    /// so themselves.
    pub(crate) fn may_touch_api_key(&self, directory: &mut dyn Reader, user: UserId) -> Decision {
        if self.is_system_administrator() {
            return Ok(Ok(()));
        }
        let above = directory.account_status(user)?.is_some_and(|status| {
            status.system_administrator || status.user_administrator || status.group_administrator
        });
        Ok(if above { Err(Denied::NotPermitted) } else { Ok(()) })
    }

    /// Keeps a delegate from changing who belongs to an administrators' group, or to one below it (contract 5.3). Says
    /// which administrators' groups such a change is about.
    pub(crate) fn may_change_members_of(
        &self,
        directory: &mut dyn Reader,
        group: GroupId,
    ) -> Decision<BTreeSet<SystemGroup>> {
        let above = directory.administrators_above(group)?;
        let is_allowed = above.is_empty() || self.is_system_administrator();
        Ok(if is_allowed { Ok(above) } else { Err(Denied::NotPermitted) })
    }

    /// Keeps a delegate from making an administrators' group, or one above it, the child of anything (contract 5.3).
    pub(crate) fn may_nest(&self, directory: &mut dyn Reader, children: &BTreeSet<GroupId>) -> Decision {
        if self.is_system_administrator() {
            return Ok(Ok(()));
        }
        for group in administrators(directory)? {
            if !directory.at_or_above_among(group, children)?.is_empty() {
                return Ok(Err(Denied::NotPermitted));
            }
        }
        Ok(Ok(()))
    }
}

/// The groups whose members administer.
fn administrators(directory: &mut dyn Reader) -> Result<BTreeSet<GroupId>, StoreError> {
    directory.group_ids(&SystemGroup::ADMINISTRATORS.map(SystemGroup::identifier))
}
