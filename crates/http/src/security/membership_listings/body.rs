//! Direct memberships and edges in responses.

use guildhall_domain::ports::{ListedMember, NamedGroup as Named, Person};
use guildhall_domain::validity::ValidityState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::moment::Moment;
use crate::respond::preview::PersonBody;
use crate::respond::problem::NamedGroup;
use crate::security::managers::body::AuthorBody;

/// A direct membership.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Membership)]
pub(crate) struct MembershipBody<'a> {
    user: PersonBody<'a>,
    group: NamedGroup<'a>,
    /// When it was made or scheduled; `null` if that was before it was recorded.
    #[schema(required = true)]
    added: Option<Moment>,
    /// Who made it; `null` if nobody who has an account did.
    #[schema(required = true)]
    added_by: Option<AuthorBody<'a>>,
    /// From when on it counts by date; from `added` on if `null`.
    #[schema(required = true)]
    valid_from: Option<Moment>,
    /// The first moment at which it counts no more; it has no end if `null`.
    #[schema(required = true)]
    valid_until: Option<Moment>,
    state: StateBody,
}

/// A group directly below another.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edge)]
pub(crate) struct EdgeBody<'a> {
    child: NamedGroup<'a>,
    /// The group above it.
    group: NamedGroup<'a>,
    /// When it was made or scheduled; `null` if that was before it was recorded.
    #[schema(required = true)]
    added: Option<Moment>,
    /// Who made it; `null` if nobody who has an account did.
    #[schema(required = true)]
    added_by: Option<AuthorBody<'a>>,
    /// From when on it counts by date; from `added` on if `null`.
    #[schema(required = true)]
    valid_from: Option<Moment>,
    /// The first moment at which it counts no more; it has no end if `null`.
    #[schema(required = true)]
    valid_until: Option<Moment>,
    state: StateBody,
}

/// Whether it counts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MembershipState)]
enum StateBody {
    /// It does.
    Active,
    /// It begins later.
    Scheduled,
}

impl<'a> From<&'a ListedMember<Person>> for MembershipBody<'a> {
    fn from(membership: &'a ListedMember<Person>) -> Self {
        Self {
            user: (&membership.member).into(),
            group: named(&membership.group),
            added: membership.added.map(Moment),
            added_by: membership.added_by.as_ref().map(AuthorBody::from),
            valid_from: membership.validity.from.map(Moment),
            valid_until: membership.validity.until.map(Moment),
            state: membership.state.into(),
        }
    }
}

impl<'a> From<&'a ListedMember<Named>> for EdgeBody<'a> {
    fn from(edge: &'a ListedMember<Named>) -> Self {
        Self {
            child: named(&edge.member),
            group: named(&edge.group),
            added: edge.added.map(Moment),
            added_by: edge.added_by.as_ref().map(AuthorBody::from),
            valid_from: edge.validity.from.map(Moment),
            valid_until: edge.validity.until.map(Moment),
            state: edge.state.into(),
        }
    }
}

impl From<ValidityState> for StateBody {
    fn from(state: ValidityState) -> Self {
        match state {
            ValidityState::Active => Self::Active,
            ValidityState::Scheduled => Self::Scheduled,
        }
    }
}

fn named(group: &Named) -> NamedGroup<'_> {
    NamedGroup { id: group.id.to_string(), name: group.name.as_str() }
}
