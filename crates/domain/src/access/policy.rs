//! The policy, as a table to be read beside contract 5.3.

use super::Permission;
use crate::group::SystemGroup;
use crate::user::LockoutPolicy;

/// What an installation decides for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether User Administrators manage users, and Group Administrators groups (contract 5.3).
    pub delegated_administration: bool,
    /// When wrong passwords lock an account (contract 2.4).
    pub lockout: LockoutPolicy,
    /// Of how many memberships and edges a date may be yet to come that one caller gave dates who is no System Administrator. All that fall due at one
    /// moment hold up whoever asks for something then, so this is what a manager can cost everybody else.
    pub dates_per_caller: u64,
}

impl Default for Policy {
    /// Nobody administers but System Administrators; 10,000 dates for each other caller.
    fn default() -> Self {
        Self { delegated_administration: false, lockout: LockoutPolicy::default(), dates_per_caller: 10_000 }
    }
}

impl Policy {
    /// Whether members of this group have what the table gives them. API Key Administrators always have.
    pub(super) fn applies_to(self, delegates: SystemGroup) -> bool {
        self.delegated_administration || delegates == SystemGroup::ApiKeyAdministrators
    }
}

/// Who has a permission beside System Administrators, who have all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The groups whose effective members have it, each with the targets that it does not extend to.
    pub(super) delegates: &'static [(SystemGroup, Protected)],
    /// Whether users have it on their own account.
    pub(super) oneself: Oneself,
    /// Whether managers of groups have it on those.
    pub(super) managers: Managers,
}

/// Whether users have a permission on their own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oneself {
    /// No.
    No,
    /// Yes, unless they must change their password first.
    Yes,
    /// Yes, even before they have changed a password that must be changed (contract 2.4).
    BeforeReset,
}

/// Whether managers of groups have a permission on those, but for groups that make administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Managers {
    /// No.
    No,
    /// On the groups that they are appointed for, and on every group below one.
    AtOrBelow,
    /// On every group below one that they are appointed for.
    Below,
}

/// Targets that a delegate's permission does not extend to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protected {
    /// It extends to all.
    Nothing,
    /// Effective members of an administrators' group, other than the caller, and users of API keys.
    AdministratorsAndApiKeys,
    /// API keys whose users administer the system, users or groups: their secret would give these powers to the caller.
    AdministeringApiKeys,
    /// Administrators' groups, and every group below one.
    AdministratorsGroups,
    /// Administrators' groups, and every group above one.
    GroupsAboveAdministrators,
}

/// The table.
pub(super) const fn rule(permission: Permission) -> Rule {
    use Managers as M;
    use Oneself::{BeforeReset, No, Yes};
    use Permission as P;
    use Protected as X;
    use SystemGroup::{ApiKeyAdministrators as Keys, GroupAdministrators as Groups, UserAdministrators as Users};

    let (delegates, oneself, managers): (&[(SystemGroup, Protected)], Oneself, Managers) = match permission {
        P::ReadUsers => (&[(Users, X::AdministratorsAndApiKeys), (Groups, X::Nothing)], BeforeReset, M::No),
        P::CheckMemberships => (&[(Users, X::AdministratorsAndApiKeys), (Groups, X::Nothing)], Yes, M::No),
        P::CreateUsers | P::ManageUsers => (&[(Users, X::AdministratorsAndApiKeys)], No, M::No),
        P::ChangeUsers => (&[(Users, X::AdministratorsAndApiKeys)], Yes, M::No),
        P::ChangePasswords => (&[(Users, X::AdministratorsAndApiKeys)], BeforeReset, M::No),
        P::ReadGroups => (&[(Users, X::Nothing), (Groups, X::Nothing)], No, M::AtOrBelow),
        P::CheckMembers => (&[(Users, X::Nothing), (Groups, X::Nothing)], Yes, M::AtOrBelow),
        P::CheckManyMemberships | P::ExplainMemberships => (&[], Yes, M::AtOrBelow),
        P::CreateGroups => (&[(Groups, X::Nothing)], No, M::No),
        P::ManageGroups => (&[(Groups, X::Nothing)], No, M::Below),
        P::ChangeEmailDomains | P::DeleteGroups => (&[(Groups, X::AdministratorsGroups)], No, M::No),
        P::ChangeMembers => (&[(Groups, X::AdministratorsGroups)], No, M::AtOrBelow),
        P::NestGroups => (&[(Groups, X::GroupsAboveAdministrators)], No, M::AtOrBelow),
        P::UnnestGroups => (&[(Groups, X::Nothing)], No, M::AtOrBelow),
        P::ReadManagedGroups => (&[], Yes, M::No),
        P::AppointManagers | P::ReadEvents | P::ManageWebhooks => (&[], No, M::No),
        P::ManageApiKeys => (&[(Keys, X::AdministeringApiKeys)], No, M::No),
    };
    Rule { delegates, oneself, managers }
}
