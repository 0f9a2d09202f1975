//! Explanations in responses.

use guildhall_domain::directory::{Explanation, MembershipPath};
use guildhall_domain::ports::PathMembership;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::moment::Moment;
use crate::respond::problem::NamedGroup;
use crate::security::managers::body::AuthorBody;

/// Why a user is in a group, or that they are not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Explanation)]
pub(crate) struct ExplanationBody<'a> {
    /// Whether the user is in the group, in itself or by a group below.
    member: bool,
    /// The membership of the group itself; `null` if there is none.
    #[schema(required = true)]
    direct: Option<PathMembershipBody<'a>>,
    /// How many paths there are: exactly, up to 1000.
    #[schema(maximum = 1000, examples(2))]
    path_count: u64,
    /// There, and `true`, if there are more paths than `pathCount`.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    path_count_is_lower_bound: bool,
    /// The first of them: the shortest first, then by the names of their groups.
    #[schema(max_items = 100)]
    paths: Vec<PathBody<'a>>,
}

/// A way by which a user is in a group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MembershipPath)]
struct PathBody<'a> {
    /// From the group asked about down to the group that the user is directly in.
    #[schema(min_items = 1)]
    groups: Vec<NamedGroup<'a>>,
    membership: PathMembershipBody<'a>,
    /// When the first part of the path ends; never if `null`.
    #[schema(required = true)]
    valid_until: Option<Moment>,
}

/// A direct membership.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PathMembership)]
struct PathMembershipBody<'a> {
    added: Moment,
    /// Who added the user; `null` if nobody who has an account did.
    #[schema(required = true)]
    added_by: Option<AuthorBody<'a>>,
    /// Since when the user is in by date; from `added` on if `null`.
    #[schema(required = true)]
    valid_from: Option<Moment>,
    /// Until when the user is in; for ever if `null`.
    #[schema(required = true)]
    valid_until: Option<Moment>,
}

// `skip_serializing_if` gives a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl<'a> From<&'a Explanation> for ExplanationBody<'a> {
    fn from(explanation: &'a Explanation) -> Self {
        Self {
            member: explanation.is_member(),
            direct: explanation.direct.as_ref().map(PathMembershipBody::from),
            path_count: explanation.path_count,
            path_count_is_lower_bound: explanation.has_more,
            paths: explanation.paths.iter().map(PathBody::from).collect(),
        }
    }
}

impl<'a> From<&'a MembershipPath> for PathBody<'a> {
    fn from(path: &'a MembershipPath) -> Self {
        let groups = path.groups.iter().map(|(id, name)| NamedGroup { id: id.to_string(), name: name.as_str() });
        Self { groups: groups.collect(), membership: (&path.membership).into(), valid_until: path.until.map(Moment) }
    }
}

impl<'a> From<&'a PathMembership> for PathMembershipBody<'a> {
    fn from(membership: &'a PathMembership) -> Self {
        Self {
            added: Moment(membership.added),
            added_by: membership.added_by.as_ref().map(AuthorBody::from),
            valid_from: membership.from.map(Moment),
            valid_until: membership.until.map(Moment),
        }
    }
}
