//! Managers in responses.

use guildhall_domain::manager::{Author, Manager, ManagerId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::moment::Moment;

/// A user, or a group whose effective members are meant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Manager)]
pub(crate) struct ManagerBody<'a> {
    kind: ManagerKind,
    #[schema(value_type = Uuid, examples("209e4053-f71b-45a9-ba87-3f5595caaeee"))]
    id: String,
    /// The username, or the name of the group.
    #[schema(examples("tdurden"))]
    name: &'a str,
    added: Moment,
    /// Who appointed them; `null` if that was the program itself, or somebody who was deleted since.
    #[schema(required = true)]
    added_by: Option<AuthorBody<'a>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ManagerKind {
    User,
    Group,
}

/// The user who made a change.
#[derive(Serialize, ToSchema)]
#[schema(as = Author)]
pub(crate) struct AuthorBody<'a> {
    #[schema(value_type = Uuid, examples("209e4053-f71b-45a9-ba87-3f5595caaeee"))]
    id: String,
    #[schema(examples("admin"))]
    username: &'a str,
}

impl<'a> From<&'a Author> for AuthorBody<'a> {
    fn from(author: &'a Author) -> Self {
        Self { id: author.id.to_string(), username: &author.username }
    }
}

impl<'a> From<&'a Manager> for ManagerBody<'a> {
    fn from(manager: &'a Manager) -> Self {
        let (kind, id) = match manager.id {
            ManagerId::User(user) => (ManagerKind::User, user.to_string()),
            ManagerId::Group(group) => (ManagerKind::Group, group.to_string()),
        };
        let added_by = manager.added_by.as_ref().map(AuthorBody::from);
        Self { kind, id, name: &manager.name, added: Moment(manager.added), added_by }
    }
}
