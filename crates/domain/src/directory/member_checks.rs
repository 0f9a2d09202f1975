//! Whether a user is in a group, in itself or by a group below (contract 5.j and 5.2).

use super::Directory;
use super::members::MemberError;
use super::unit_of_work::question;
use crate::access::Permission;
use crate::context::Context;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{CheckedGroups, MembershipAnswer, MembershipQuestion};

/// One call of [`Directory::are_members`].
#[derive(Clone, Copy)]
pub struct MemberCheck<'a> {
    /// Who asks, and when.
    pub context: &'a Context,
    /// The group.
    pub group: &'a GroupIdentifier,
    /// The user.
    pub user: &'a UserIdentifier,
}

impl<'a> MemberCheck<'a> {
    fn question(&self) -> Option<MembershipQuestion<'a>> {
        question(self.context, self.user, &CheckedGroups::One(self.group))
    }
}

fn membership(answer: &MembershipAnswer) -> Result<bool, MemberError> {
    if !answer.has_group {
        return Err(MemberError::GroupNotFound);
    }
    if answer.user.is_none() {
        return Err(MemberError::UserNotFound);
    }
    Ok(answer.is_member)
}

impl Directory<'_> {
    /// Whether `user` belongs to `group` or to any group below it.
    pub fn is_member(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        user: &UserIdentifier,
    ) -> Result<bool, MemberError> {
        let answer: Result<_, MemberError> =
            self.check(context, Permission::CheckMembers, user, &CheckedGroups::One(group));
        membership(&answer?)
    }

    /// The results of [`is_member`](Self::is_member) for several calls, in their order. Each sees a state of the store that is not older than
    /// this call; a store may answer all of them in one round trip. `None`: that answer does not decide whether the actor may ask, and
    /// `is_member` has to be asked.
    pub fn are_members(&self, checks: &[MemberCheck<'_>]) -> Vec<Option<Result<bool, MemberError>>> {
        let questions: Vec<_> = checks.iter().filter_map(MemberCheck::question).collect();
        let mut answers = match (checks, questions.as_slice()) {
            ([check], [question]) => vec![self.store.check(check.context.cancellation(), question)],
            _ => self.store.check_together(&questions),
        }
        .into_iter();
        let result = |check: &MemberCheck<'_>| {
            let answer = check.question().and_then(|_| answers.next())?;
            let decided = answer
                .map_err(MemberError::from)
                .and_then(|answer| Ok(self.decided(check.context, Permission::CheckMembers, answer)?));
            Some(decided.transpose()?.and_then(|answer| membership(&answer)))
        };
        checks.iter().map(result).collect()
    }
}
