//! Who was in which group at a moment in the past.

use super::Directory;
use super::explanation::Explanation;
use super::opening::{about_group, about_user};
use super::unit_of_work::Reading;
use crate::access::{Grant, Permission, Refused, Target, contains_refused};
use crate::context::Context;
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{Former, FormerGroup, Member, Reach};
use crate::time::Timestamp;
use crate::user::{ShownUser, UserId};

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AsOfError {
    /// No group has this identifier, and none that had this id is remembered.
    #[error("group not found")]
    GroupNotFound,
    /// No user has this identifier, and none who had this id is remembered.
    #[error("user not found")]
    UserNotFound,
    /// The moment is yet to come.
    #[error("the moment is yet to come")]
    Future,
    /// What was before this moment is not known any more.
    #[error("what was before {0} is not known")]
    Gone(Timestamp),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(AsOfError);

impl Directory<'_> {
    /// A page of those who were in `group` at this moment, by username. Who may list its users may ask; about a group that was deleted, System Administrators. Managers of the
    /// group see summaries.
    pub fn members_as_of(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        (reach, at): (Reach, Timestamp),
        page: &Page,
    ) -> Result<Paged<Former<ShownUser, UserId>>, AsOfError> {
        self.read_about(context, about_group(group, Member::Unnamed), |work, found| {
            let grant = work.authorise(Permission::ReadGroups, found.target())?;
            work.check_known(context, at)?;
            let group = work.former_group(found.group, group)?;
            let shown = |user| match grant {
                Grant::Whole => ShownUser::Whole(Box::new(user)),
                Grant::AsManager => ShownUser::Summary(user.into()),
            };
            Ok(work.members_at(group, reach, at, page)?.map(|user| match user {
                Former::Existing(user) => Former::Existing(shown(user)),
                Former::Deleted(user) => Former::Deleted(user),
            }))
        })
    }

    /// A page of the groups that `user` was in at this moment, by name. Who may list their groups may ask; about a user who was deleted, System Administrators.
    pub fn groups_as_of(
        &self,
        context: &Context,
        user: &UserIdentifier,
        (reach, at): (Reach, Timestamp),
        page: &Page,
    ) -> Result<Paged<FormerGroup>, AsOfError> {
        self.read_about(context, about_user(user), |work, subject| {
            work.authorise(Permission::ReadUsers, subject.as_ref().map_or(Target::All, |subject| subject.target()))?;
            work.check_known(context, at)?;
            let user = work.former_user(subject.map(|subject| subject.id), user)?;
            Ok(work.groups_at(user, reach, at, page)?)
        })
    }

    /// Why `user` was in `group` at this moment, with the first `most` paths, as [`explain_membership`](Self::explain_membership) tells it of the present. About a group or a user
    /// who was deleted, System Administrators may ask.
    pub fn explain_membership_as_of(
        &self,
        context: &Context,
        (group, user): (&GroupIdentifier, &UserIdentifier),
        at: Timestamp,
        most: usize,
    ) -> Result<Explanation, AsOfError> {
        self.read_about(context, about_group(group, Member::User(user)), |work, found| {
            work.authorise(Permission::ExplainMemberships, Target::Membership(found.group, found.user))?;
            work.check_known(context, at)?;
            let group = work.former_group(found.group, group)?;
            let user = work.former_user(found.user, user)?;
            Ok(Explanation::of(&work.membership_graph_at(group, user, at)?, group, most))
        })
    }
}

impl Reading<'_> {
    /// Fails unless everything is known of this moment.
    fn check_known(&mut self, context: &Context, at: Timestamp) -> Result<(), AsOfError> {
        if at > context.now() {
            return Err(AsOfError::Future);
        }
        match self.known_from()? {
            Some(known_from) if at < known_from => Err(AsOfError::Gone(known_from)),
            _ => Ok(()),
        }
    }

    /// The group that was found, or the deleted one that has this id, for System Administrators.
    fn former_group(&mut self, found: Option<GroupId>, named: &GroupIdentifier) -> Result<GroupId, AsOfError> {
        if let Some(found) = found {
            return Ok(found);
        }
        let GroupIdentifier::Id(id) = named else { return Err(AsOfError::GroupNotFound) };
        let deleted = self.deleted_group(*id)?.ok_or(AsOfError::GroupNotFound)?;
        self.authorise(Permission::ReadEvents, Target::All)?;
        Ok(deleted.id)
    }

    /// The user that was found, or the deleted one who has this id, for System Administrators.
    fn former_user(&mut self, found: Option<UserId>, named: &UserIdentifier) -> Result<UserId, AsOfError> {
        if let Some(found) = found {
            return Ok(found);
        }
        let UserIdentifier::Id(id) = named else { return Err(AsOfError::UserNotFound) };
        let deleted = self.deleted_user(*id)?.ok_or(AsOfError::UserNotFound)?;
        self.authorise(Permission::ReadEvents, Target::All)?;
        Ok(deleted.id)
    }
}
