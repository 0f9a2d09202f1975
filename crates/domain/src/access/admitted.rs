//! What an admitted actor may do.

use std::collections::BTreeSet;

use super::policy::{Oneself, Protected, rule};
use super::{Actor, Admission, Caller, Denied, Permission, Policy, Refused, SECURITY_ADMINISTRATOR};
use crate::group::{GroupId, SystemGroup};
use crate::ports::{AccountStatus, NameSource, Reader, StoreError};
use crate::time::Timestamp;
use crate::user::{UserId, password_is_stale};

/// What something is done on, as the store knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// Anything of its kind.
    All,
    /// This user, or the API key that acts as this user.
    User(UserId),
    /// A group that is, or is below, these administrators' groups.
    GroupBelow(&'a BTreeSet<SystemGroup>),
    /// These groups.
    Groups(&'a BTreeSet<GroupId>),
}

impl From<Option<UserId>> for Target<'_> {
    /// A user who does not exist counts as anybody, so that the answer does not tell who exists.
    fn from(user: Option<UserId>) -> Self {
        user.map_or(Self::All, Self::User)
    }
}

/// An actor whose account was looked at in this unit of work.
#[derive(Clone, Debug)]
pub(crate) enum Admitted {
    /// A user whose account is open and whose token was issued under its present stamp.
    Caller(Box<AdmittedCaller>),
    /// Whoever runs the program.
    Operator,
    /// Nobody in particular.
    Anonymous,
}

/// A user whose account is open and whose token was issued under its present stamp.
#[derive(Clone, Debug)]
pub(crate) struct AdmittedCaller {
    user: UserId,
    status: AccountStatus,
    is_scoped: bool,
    must_reset: bool,
    policy: Policy,
}

impl Admitted {
    /// Looks the actor up. A caller whose account is closed, or whose token was revoked, is not authenticated.
    pub(crate) fn admit<R: Reader + ?Sized>(
        store: &mut R,
        actor: &Actor,
        now: Timestamp,
        policy: Policy,
    ) -> Result<Self, Refused> {
        match actor {
            Actor::Caller(caller) => AdmittedCaller::admit(store, caller, now, policy).map(Box::new).map(Self::Caller),
            Actor::Operator => Ok(Self::Operator),
            Actor::Anonymous => Ok(Self::Anonymous),
        }
    }

    /// Fails unless the actor has this permission on `target`.
    pub(crate) fn authorise<R: Reader + ?Sized>(
        &self,
        store: &mut R,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<(), Refused> {
        match self {
            Self::Caller(caller) => caller.authorise(store, permission, target),
            Self::Operator => Ok(()),
            Self::Anonymous => Err(Denied::Unauthenticated.into()),
        }
    }

    /// Whether the actor has every permission.
    pub(crate) fn is_system_administrator(&self) -> bool {
        match self {
            Self::Caller(caller) => caller.is_system_administrator(),
            Self::Operator => true,
            Self::Anonymous => false,
        }
    }

    /// Whether the actor is whoever runs the program.
    pub(crate) fn is_operator(&self) -> bool {
        matches!(self, Self::Operator)
    }

    /// The user that the actor is.
    pub(crate) fn user(&self) -> Option<UserId> {
        match self {
            Self::Caller(caller) => Some(caller.user),
            Self::Operator | Self::Anonymous => None,
        }
    }

    /// The username of the user that the actor is.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::Caller(caller) => Some(&caller.status.username),
            Self::Operator | Self::Anonymous => None,
        }
    }

    /// Whether the actor is this user.
    pub(crate) fn is(&self, user: UserId) -> bool {
        self.user() == Some(user)
    }

    /// How far a name can be relied on that the actor gives to `owner`, or to a new user. A delegate could give an account of
    /// their own the name of somebody who is expected from an issuer (contract 2.5).
    pub(crate) fn name_source(&self, owner: Option<UserId>) -> NameSource {
        let is_own = owner.is_some_and(|owner| self.is(owner));
        if self.is_system_administrator() && !is_own { NameSource::Authority } else { NameSource::Unverified }
    }

    /// Who the caller is, for the log.
    pub(crate) fn admission(&self) -> Option<Admission> {
        let Self::Caller(caller) = self else { return None };
        let api_key = caller.status.api_key.as_ref().map(|(key, _)| *key);
        Some(Admission { user: caller.user, username: caller.status.username.clone(), api_key })
    }
}

impl AdmittedCaller {
    fn admit<R: Reader + ?Sized>(
        store: &mut R,
        caller: &Caller,
        now: Timestamp,
        policy: Policy,
    ) -> Result<Self, Refused> {
        let status = store.account_status(caller.user)?;
        let is_open = |status: &AccountStatus| status.stamp == caller.stamp && status.is_open(now);
        let status = status.filter(is_open).ok_or(Denied::Unauthenticated)?;
        // Narrower scopes of a key apply at once, whatever its tokens say (contract 10 row 26).
        let is_scoped = caller.scopes.contains(SECURITY_ADMINISTRATOR)
            && status.api_key.as_ref().is_none_or(|(_, scopes)| scopes.contains(SECURITY_ADMINISTRATOR));
        let must_reset = status.password_reset_required
            || password_is_stale(status.password_change_frequency, status.password_changed, now);
        Ok(Self { user: caller.user, status, is_scoped, must_reset, policy })
    }

    fn is_system_administrator(&self) -> bool {
        self.status.system_administrator && self.is_scoped
    }

    fn authorise<R: Reader + ?Sized>(
        &self,
        store: &mut R,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<(), Refused> {
        let rule = rule(permission);
        let is_oneself = matches!(target, Target::User(user) if user == self.user);
        match rule.oneself {
            Oneself::BeforeReset if is_oneself => return Ok(()),
            Oneself::Yes if is_oneself && !self.must_reset => return Ok(()),
            _ if self.must_reset => return Err(Denied::PasswordResetRequired.into()),
            _ => {}
        }
        if self.is_system_administrator() {
            return Ok(());
        }
        let has = |group| self.is_scoped && self.status.is_in(group) && self.policy.applies_to(group);
        for (_, protected) in rule.delegates.iter().filter(|(group, _)| has(*group)) {
            if !self.is_protected(store, *protected, target)? {
                return Ok(());
            }
        }
        Err(Denied::NotPermitted.into())
    }

    fn is_protected<R: Reader + ?Sized>(
        &self,
        store: &mut R,
        protected: Protected,
        target: Target<'_>,
    ) -> Result<bool, StoreError> {
        let mut status = |user| store.account_status(user);
        Ok(match (protected, target) {
            (Protected::AdministratorsAndApiKeys, Target::User(user)) if user != self.user => {
                status(user)?.is_some_and(|status| status.administers() || status.api_key.is_some())
            }
            (Protected::AdministeringApiKeys, Target::User(user)) => status(user)?.is_some_and(|status| {
                status.system_administrator || status.user_administrator || status.group_administrator
            }),
            (Protected::AdministratorsGroups, Target::GroupBelow(administrators)) => !administrators.is_empty(),
            (Protected::GroupsAboveAdministrators, Target::Groups(groups)) => are_above_administrators(store, groups)?,
            _ => false,
        })
    }
}

/// Whether any of `groups` is an administrators' group or above one.
fn are_above_administrators<R: Reader + ?Sized>(store: &mut R, groups: &BTreeSet<GroupId>) -> Result<bool, StoreError> {
    for group in store.group_ids(&SystemGroup::ADMINISTRATORS.map(SystemGroup::identifier))? {
        if !store.at_or_above_among(group, groups)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
