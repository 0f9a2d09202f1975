//! Why somebody is in a group.

mod paths;
#[cfg(test)]
mod tests;

use super::Directory;
use super::members::MemberError;
use super::opening::about_group;
use crate::access::{Permission, Target};
use crate::context::Context;
use crate::group::{GroupId, GroupName};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{Member, MembershipGraph, PathMembership};
use crate::time::Timestamp;
use paths::Paths;

/// Why a user is in a group, or that they are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The direct membership, if there is one.
    pub direct: Option<PathMembership>,
    /// How many paths there are, of which at most [`MOST_COUNTED`](Self::MOST_COUNTED) are counted; the direct membership is one.
    pub path_count: u64,
    /// Whether there are more than were counted.
    pub has_more: bool,
    /// The first paths: shortest first, then by the names of their groups.
    pub paths: Vec<MembershipPath>,
}

impl Explanation {
    /// The most paths that are counted.
    pub const MOST_COUNTED: u64 = 1000;
    /// How many paths are shown unless somebody asks for more or fewer.
    pub const DEFAULT_PATHS: usize = 10;
    /// The most paths that are shown.
    pub const MOST_PATHS: usize = 100;

    /// What the graph tells about `group`, with the first `most` paths.
    pub(super) fn of(graph: &MembershipGraph, group: GroupId, most: usize) -> Self {
        let mut paths = Paths::of(graph, group);
        let counted = paths.count(Self::MOST_COUNTED + 1);
        Self {
            direct: graph.memberships.get(&group).cloned(),
            path_count: counted.min(Self::MOST_COUNTED),
            has_more: counted > Self::MOST_COUNTED,
            paths: paths.first(most.min(Self::MOST_PATHS)),
        }
    }

    /// Whether the user is an effective member of the group.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.path_count > 0
    }
}

/// A way by which a user is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipPath {
    /// The groups from the one asked about down to the one that the user is directly in.
    pub groups: Vec<(GroupId, GroupName)>,
    /// The membership of the last group.
    pub membership: PathMembership,
    /// When the first part of the path ends; `None`: never.
    pub until: Option<Timestamp>,
}

impl Directory<'_> {
    /// Why `user` is in `group`, with the first `most` paths. The work is bounded by the size of the graph between the group and the user's groups,
    /// however many paths there are.
    pub fn explain_membership(
        &self,
        context: &Context,
        group: &GroupIdentifier,
        user: &UserIdentifier,
        most: usize,
    ) -> Result<Explanation, MemberError> {
        self.read_about(context, about_group(group, Member::User(user)), |work, found| {
            work.authorise(Permission::ExplainMemberships, Target::Membership(found.group, found.user))?;
            let group = found.group.ok_or(MemberError::GroupNotFound)?;
            let user = found.user.ok_or(MemberError::UserNotFound)?;
            Ok(Explanation::of(&work.membership_graph(group, user)?, group, most))
        })
    }
}
