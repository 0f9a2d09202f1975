//! The answer to a preview: what a change would do to effective memberships.

use guildhall_domain::directory::{Effects, GroupEffect};
use guildhall_domain::ports::Person;
use serde::Serialize;
use utoipa::ToSchema;

/// What a change would do. Nothing was changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Preview)]
pub(crate) struct PreviewBody<'a> {
    /// Always `true`.
    dry_run: bool,
    effects: EffectsBody<'a>,
}

/// The effects of a change on effective memberships.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Effects)]
pub(crate) struct EffectsBody<'a> {
    /// First the largest change, then by name; 1,000 at most.
    #[schema(max_items = 1000)]
    groups: Vec<GroupEffectBody<'a>>,
    administrators: AdministratorsEffectBody<'a>,
    /// Whether more groups would change than are listed.
    truncated: bool,
    /// For a manager: how many groups would change that they do not manage, which are not listed.
    #[schema(required = false, value_type = u64, minimum = 0)]
    #[serde(skip_serializing_if = "Option::is_none")]
    other_groups: Option<u64>,
}

/// What a change would do to the effective members of a group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupEffect)]
struct GroupEffectBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    #[schema(examples("Paper Street Soap Company"))]
    name: &'a str,
    /// How many users would become effective members.
    users_gained: u64,
    /// How many would be effective members no more.
    users_lost: u64,
    /// The first of those who would come, by username.
    #[schema(max_items = 20)]
    gained: Vec<PersonBody<'a>>,
    /// The first of those who would go, by username.
    #[schema(max_items = 20)]
    lost: Vec<PersonBody<'a>>,
}

/// Who could administer, or could no more: effective members of System Administrators whose account is open.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AdministratorsEffect)]
struct AdministratorsEffectBody<'a> {
    /// The first, by username.
    #[schema(max_items = 20)]
    gained: Vec<PersonBody<'a>>,
    /// The first, by username.
    #[schema(max_items = 20)]
    lost: Vec<PersonBody<'a>>,
}

/// A user, in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub(crate) struct PersonBody<'a> {
    #[schema(value_type = Uuid)]
    id: String,
    #[schema(examples("tdurden"))]
    username: &'a str,
    #[schema(required = true, examples("t.durden@fightclub.com"))]
    email: Option<&'a str>,
    #[schema(required = true, examples("Tyler"))]
    first_name: Option<&'a str>,
    #[schema(required = true, examples("Durden"))]
    last_name: Option<&'a str>,
}

impl<'a> From<&'a Effects> for PreviewBody<'a> {
    fn from(effects: &'a Effects) -> Self {
        Self { dry_run: true, effects: effects.into() }
    }
}

impl<'a> From<&'a Effects> for EffectsBody<'a> {
    fn from(effects: &'a Effects) -> Self {
        Self {
            groups: effects.groups.iter().map(GroupEffectBody::from).collect(),
            administrators: AdministratorsEffectBody {
                gained: people(&effects.administrators_gained),
                lost: people(&effects.administrators_lost),
            },
            truncated: effects.truncated,
            other_groups: effects.other_groups,
        }
    }
}

impl<'a> From<&'a GroupEffect> for GroupEffectBody<'a> {
    fn from(group: &'a GroupEffect) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.as_str(),
            users_gained: group.users_gained,
            users_lost: group.users_lost,
            gained: people(&group.gained),
            lost: people(&group.lost),
        }
    }
}

fn people(people: &[Person]) -> Vec<PersonBody<'_>> {
    people.iter().map(PersonBody::from).collect()
}

impl<'a> From<&'a Person> for PersonBody<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            id: person.id.to_string(),
            username: &person.username,
            email: person.email.as_deref(),
            first_name: person.first_name.as_deref(),
            last_name: person.last_name.as_deref(),
        }
    }
}
