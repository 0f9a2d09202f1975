//! Managers of groups: appointing and dismissing them, and what they manage.

use super::opening::about_group;
use super::unit_of_work::{Finish, Turn};
use super::{Directory, ReadUserError};
use crate::access::{Permission, Refused, contains_refused};
use crate::context::Context;
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::{Manager, ManagerId};
use crate::page::{Page, Paged};
use crate::ports::{Member, MembersChange};
use crate::search::GroupListing;

/// Why the managers of a group were not listed.
#[derive(Debug, thiserror::Error)]
pub enum ManagersError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why nobody was appointed.
#[derive(Debug, thiserror::Error)]
pub enum AppointError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// No group has the identifier of the manager.
    #[error("manager group not found")]
    ManagerNotFound,
    /// Whoever is added to the group administers: it is an administrators' group, or below one.
    #[error("groups that make administrators have no managers")]
    MakesAdministrators,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Why nobody was dismissed.
#[derive(Debug, thiserror::Error)]
pub enum DismissError {
    /// No group has this identifier.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier.
    #[error("user not found")]
    UserNotFound,
    /// No group has the identifier of the manager.
    #[error("manager group not found")]
    ManagerNotFound,
    /// The user or group is not appointed for the group itself.
    #[error("not a manager of the group")]
    NotAManager,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(ManagersError, AppointError, DismissError);

impl Directory<'_> {
    /// A page of those who are appointed for `group` itself: users by username, then groups by name.
    pub fn managers(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        page: &Page,
    ) -> Result<Paged<Manager>, ManagersError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            work.authorise(Permission::AppointManagers, found.target())?;
            let group = found.group.ok_or(ManagersError::GroupNotFound)?;
            Ok(work.managers(group, page)?)
        })
    }

    /// Makes a user a manager of `group`, or, with [`Member::Group`], every effective member of that group.
    pub fn appoint_manager(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        manager: Member<'_>,
    ) -> Result<(), AppointError> {
        let kind = (Turn::Once, Permission::AppointManagers);
        self.write_group(context, kind, (group, manager), |work, change| {
            let group = change.group.ok_or(AppointError::GroupNotFound)?;
            let manager = manager_of(&change, manager, AppointError::UserNotFound, AppointError::ManagerNotFound)?;
            if !change.administrators.is_empty() {
                return Err(AppointError::MakesAdministrators);
            }
            let added = work.provenance(context);
            work.insert_manager(group, manager, added)?;
            Ok(Finish::Commit(()))
        })
    }

    /// Ends what [`appoint_manager`](Self::appoint_manager) began.
    pub fn dismiss_manager(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        manager: Member<'_>,
    ) -> Result<(), DismissError> {
        let kind = (Turn::Once, Permission::AppointManagers);
        self.write_group(context, kind, (group, manager), |work, change| {
            let group = change.group.ok_or(DismissError::GroupNotFound)?;
            let manager = manager_of(&change, manager, DismissError::UserNotFound, DismissError::ManagerNotFound)?;
            if work.remove_manager(group, manager)? { Ok(Finish::Commit(())) } else { Err(DismissError::NotAManager) }
        })
    }

    /// A page of the groups that a user manages, by name: those that they, or a group of theirs, are appointed for, and every group below.
    pub fn managed_groups(
        &self,
        context: &Context,
        user: &UserIdentifier,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, ReadUserError> {
        self.read_user(context, Permission::ReadManagedGroups, user, |work, user| {
            let user = user.ok_or(ReadUserError::UserNotFound)?;
            Ok(work.managed_groups(user.id, listing)?)
        })
    }
}

/// Whom `named` names, or the error of its kind.
fn manager_of<E>(change: &MembersChange, named: Member<'_>, no_user: E, no_group: E) -> Result<ManagerId, E> {
    match named {
        Member::User(_) => change.user.map(ManagerId::User).ok_or(no_user),
        Member::Group(_) | Member::Unnamed => change.child.map(ManagerId::Group).ok_or(no_group),
    }
}
