//! What an admitted actor may do.

use uuid::Uuid;

use super::managing::ManagedGroups;
use super::policy::{Managers, Oneself, Protected, rule};
use super::protection::is_protected;
use super::target::Target;
use super::{Actor, Admission, Caller, Denied, Permission, Policy, Refused, SECURITY_ADMINISTRATOR};
use crate::identifier::UserIdentifier;
use crate::ports::{AccountStatus, NameSource, Reader};
use crate::time::Timestamp;
use crate::user::{UserId, password_is_stale};

/// On which grounds a permission is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Any but that of a manager.
    Whole,
    /// As a manager of the group, who sees little of other users.
    AsManager,
}

/// An id that no user has.
const NOBODY: UserId = UserId(Uuid::nil());

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
    managed: ManagedGroups,
}

/// What the account of a caller says about a permission.
enum Standing {
    /// Granted or denied, whatever the target is.
    Decided(Result<(), Denied>),
    /// Granted by delegation, except on targets that all of these protect, and to managers.
    Depends(Vec<Protected>, Managers),
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
            Actor::Caller(caller) => Self::admit_caller(caller, store.account_status(caller.user)?, now, policy),
            Actor::Operator => Ok(Self::Operator),
            Actor::Anonymous => Ok(Self::Anonymous),
        }
    }

    /// Admits a caller whose account is in this state; `None`: there is no such account.
    pub(crate) fn admit_caller(
        caller: &Caller,
        status: Option<AccountStatus>,
        now: Timestamp,
        policy: Policy,
    ) -> Result<Self, Refused> {
        let status = status.ok_or(Denied::Unauthenticated)?;
        Ok(Self::Caller(Box::new(AdmittedCaller::admit(caller, status, now, policy)?)))
    }

    /// Whether the actor has this permission on `user`, as far as that depends on nothing but the actor's own account. `None`:
    /// it depends on the account of `user`.
    pub(crate) fn authorise_at_once(&self, permission: Permission, user: Option<UserId>) -> Option<Result<(), Denied>> {
        self.decide_at_once(permission, user, |_| Some(Err(Denied::NotPermitted)))
    }

    /// The same where it is about a group, too. `None`: it depends on the account of `user`, or on whether the actor manages the group.
    pub(crate) fn authorise_on_group_at_once(
        &self,
        permission: Permission,
        user: Option<UserId>,
    ) -> Option<Result<(), Denied>> {
        self.decide_at_once(permission, user, |managers| match managers {
            Managers::No => Some(Err(Denied::NotPermitted)),
            Managers::AtOrBelow | Managers::Below => None,
        })
    }

    fn decide_at_once(
        &self,
        permission: Permission,
        user: Option<UserId>,
        without_delegation: impl FnOnce(Managers) -> Option<Result<(), Denied>>,
    ) -> Option<Result<(), Denied>> {
        match self {
            Self::Caller(caller) => match caller.standing(permission, Target::from(user)) {
                Standing::Decided(decided) => Some(decided),
                Standing::Depends(protected, managers) if protected.is_empty() => without_delegation(managers),
                Standing::Depends(protected, _) if user.is_none() || protected.contains(&Protected::Nothing) => {
                    Some(Ok(()))
                }
                Standing::Depends(..) => None,
            },
            Self::Operator => Some(Ok(())),
            Self::Anonymous => Some(Err(Denied::Unauthenticated)),
        }
    }

    /// Whether the actor has this permission on the user that `identifier` names, as far as that depends neither on who that is nor on
    /// their account.
    pub(crate) fn authorise_unseen(
        &self,
        permission: Permission,
        identifier: &UserIdentifier,
    ) -> Option<Result<(), Denied>> {
        match identifier {
            UserIdentifier::Current => self.authorise_at_once(permission, self.user()),
            UserIdentifier::Id(id) => self.authorise_at_once(permission, Some(*id)),
            UserIdentifier::Name(_) => {
                let oneself = self.authorise_at_once(permission, self.user());
                let another = self.authorise_at_once(permission, Some(NOBODY));
                oneself.filter(|oneself| another.as_ref() == Some(oneself))
            }
        }
    }

    /// Whether the actor has this permission on the membership of the user that `identifier` names in some group, as far as that depends neither
    /// on who that is nor on the group.
    pub(crate) fn authorise_membership_unseen(
        &self,
        permission: Permission,
        identifier: &UserIdentifier,
    ) -> Option<Result<(), Denied>> {
        let user = match identifier {
            UserIdentifier::Current => self.user(),
            UserIdentifier::Id(id) => Some(*id),
            UserIdentifier::Name(_) => None,
        };
        self.authorise_on_group_at_once(permission, user)
    }

    /// Fails unless the actor has this permission on `target`, and says on which grounds.
    pub(crate) fn authorise<R: Reader + ?Sized>(
        &mut self,
        store: &mut R,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<Grant, Refused> {
        match self {
            Self::Caller(caller) => caller.authorise(store, permission, target),
            Self::Operator => Ok(Grant::Whole),
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

    /// The user that the actor is, and of how many memberships and edges a date may be yet to come that they gave dates, where that is limited.
    pub(crate) fn most_pending_dates(&self) -> Option<(UserId, u64)> {
        match self {
            Self::Caller(caller) if !caller.is_system_administrator() => {
                Some((caller.user, caller.policy.dates_per_caller))
            }
            _ => None,
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

    /// Who the caller is.
    pub(crate) fn admission(&self) -> Option<Admission> {
        let Self::Caller(caller) = self else { return None };
        let api_key = caller.status.api_key.as_ref().map(|(key, _)| *key);
        let (username, is_system_administrator) = (caller.status.username.clone(), caller.is_system_administrator());
        Some(Admission { user: caller.user, username, api_key, is_system_administrator })
    }
}

impl AdmittedCaller {
    fn admit(caller: &Caller, status: AccountStatus, now: Timestamp, policy: Policy) -> Result<Self, Denied> {
        if status.stamp != caller.stamp || !status.is_open(now) {
            return Err(Denied::Unauthenticated);
        }
        // Narrower scopes of a key apply at once, whatever its tokens say (contract 10 row 26).
        let is_scoped = caller.scopes.contains(SECURITY_ADMINISTRATOR)
            && status.api_key.as_ref().is_none_or(|(_, scopes)| scopes.contains(SECURITY_ADMINISTRATOR));
        let must_reset = status.password_reset_required
            || password_is_stale(status.password_change_frequency, status.password_changed, now);
        Ok(Self { user: caller.user, status, is_scoped, must_reset, policy, managed: ManagedGroups::default() })
    }

    fn is_system_administrator(&self) -> bool {
        self.status.system_administrator && self.is_scoped
    }

    fn authorise<R: Reader + ?Sized>(
        &mut self,
        store: &mut R,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<Grant, Refused> {
        let (protections, managers) = match self.standing(permission, target) {
            Standing::Decided(decided) => return Ok(decided.map(|()| Grant::Whole)?),
            Standing::Depends(protections, managers) => (protections, managers),
        };
        for protected in protections {
            if !is_protected(store, self.user, protected, target)? {
                return Ok(Grant::Whole);
            }
        }
        if self.managed.allow(store, self.user, managers, target)? {
            return Ok(Grant::AsManager);
        }
        Err(Denied::NotPermitted.into())
    }

    /// What the caller's own account says about this permission on `target`.
    fn standing(&self, permission: Permission, target: Target<'_>) -> Standing {
        let rule = rule(permission);
        let is_oneself = matches!(
            target,
            Target::User(user) | Target::Account(user, _) | Target::Membership(_, Some(user)) if user == self.user
        );
        match rule.oneself {
            Oneself::BeforeReset if is_oneself => return Standing::Decided(Ok(())),
            Oneself::Yes if is_oneself && !self.must_reset => return Standing::Decided(Ok(())),
            _ if self.must_reset => return Standing::Decided(Err(Denied::PasswordResetRequired)),
            _ => {}
        }
        if self.is_system_administrator() {
            return Standing::Decided(Ok(()));
        }
        let has = |group| self.is_scoped && self.status.is_in(group) && self.policy.applies_to(group);
        let delegations = rule.delegates.iter().filter(|(group, _)| has(*group));
        let protections: Vec<_> = delegations.map(|(_, protected)| *protected).collect();
        let managers = if self.is_scoped { rule.managers } else { Managers::No };
        if protections.is_empty() && managers == Managers::No {
            return Standing::Decided(Err(Denied::NotPermitted));
        }
        Standing::Depends(protections, managers)
    }
}
