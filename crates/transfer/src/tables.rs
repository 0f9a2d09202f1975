//! The files, and what their rows say.

use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName, SystemGroup};
use guildhall_domain::manager::{Author, Manager, ManagerId};
use guildhall_domain::ports::{ListedMember, NamedGroup, Person};
use guildhall_domain::user::{Email, ProviderKind, User, UserId};

use crate::cell::Cell;

/// A file: its name without an ending, and its columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    /// One of each is told by every file.
    pub(crate) keys: &'static [&'static [&'static str]],
}

/// Users. The first nine columns are those that the platform exports (contract 9).
pub(crate) const USERS: Table = Table {
    name: "users",
    columns: &[
        "firstName",
        "lastName",
        "email",
        "userName",
        "created",
        "modified",
        "language",
        "lastLogin",
        "passwordChanged",
        "id",
        "timezone",
        "custom",
        "passwordChangeFrequency",
        "providerType",
        "providerName",
        "suspended",
        "passwordResetRequired",
        "expiry",
        "lastFailedLogin",
        "optOutOfNotifications",
        "failedLoginAttempts",
        "failedLoginAttemptsSinceLastSuccess",
        "successfulLoginAttempts",
    ],
    keys: &[&["id", "userName", "email"]],
};

pub(crate) fn user(user: &User) -> serde_json::Result<Vec<Cell>> {
    let provider = match user.provider.kind {
        ProviderKind::Contensis => "contensis",
        ProviderKind::External => "external",
    };
    Ok(vec![
        Cell::maybe(user.first_name.as_deref()),
        Cell::maybe(user.last_name.as_deref()),
        Cell::maybe(user.email.as_ref().map(Email::as_str)),
        Cell::text(user.username.as_str()),
        Cell::text(&user.created),
        Cell::text(&user.modified),
        Cell::text(&user.language),
        Cell::moment(user.last_login),
        Cell::moment(user.password_changed),
        Cell::text(&user.id),
        Cell::text(&user.timezone),
        Cell::custom(&user.custom)?,
        user.password_change_frequency.map_or(Cell::None, |days| Cell::Number(days.into())),
        Cell::text(provider),
        Cell::text(&user.provider.name),
        Cell::Flag(user.suspended),
        Cell::Flag(user.password_reset_required),
        Cell::moment(user.expiry),
        Cell::moment(user.last_failed_login),
        Cell::Flag(user.opt_out_of_notifications),
        Cell::Number(user.failed_login_attempts.into()),
        Cell::Number(user.failed_login_attempts_since_last_success.into()),
        Cell::Number(user.successful_login_attempts.into()),
    ])
}

/// Groups, system groups among them.
pub(crate) const GROUPS: Table = Table {
    name: "groups",
    columns: &["id", "name", "type", "description", "custom", "autoMembershipEmailDomains", "created", "modified"],
    keys: &[&["id", "name"]],
};

/// The id of a group. A system group has none: it has another one in each installation, and is found by its name.
fn id_of(id: GroupId, name: &GroupName) -> Cell {
    if is_system(name) { Cell::None } else { Cell::text(&id) }
}

fn is_system(name: &GroupName) -> bool {
    SystemGroup::ALL.iter().any(|system| system.key() == name.key())
}

pub(crate) fn group(group: &Group) -> serde_json::Result<Vec<Cell>> {
    let kind = match group.kind {
        GroupKind::System => "sys",
        GroupKind::Contensis => "contensis",
        GroupKind::External => "external",
    };
    let domains: Vec<String> = group.auto_membership_email_domains.iter().map(EmailDomain::to_unicode).collect();
    Ok(vec![
        id_of(group.id, &group.name),
        Cell::text(group.name.as_str()),
        Cell::text(kind),
        Cell::maybe(group.description.as_deref()),
        Cell::custom(&group.custom)?,
        Cell::list(&domains)?,
        Cell::text(&group.created),
        Cell::text(&group.modified),
    ])
}

/// Which groups are in which directly, with those that are to be.
pub(crate) const EDGES: Table = Table {
    name: "edges",
    columns: &["parentId", "parent", "childId", "child", "added", "addedBy", "validFrom", "validUntil"],
    keys: &[&["parentId", "parent"], &["childId", "child"]],
};

/// Who added an edge between system groups, and when, is left out: the installation makes some of its own.
pub(crate) fn edge(edge: &ListedMember<NamedGroup>, is_told: impl Fn(UserId) -> bool) -> Vec<Cell> {
    let member = [id_of(edge.member.id, &edge.member.name), Cell::text(edge.member.name.as_str())];
    if is_system(&edge.group.name) && is_system(&edge.member.name) {
        return listed(&ListedMember { added: None, added_by: None, ..edge.clone() }, member, is_told);
    }
    listed(edge, member, is_told)
}

/// Who is in which group directly, with those who are to be. Everybody is in `Everyone`, so that is left out.
pub(crate) const MEMBERSHIPS: Table = Table {
    name: "memberships",
    columns: &["groupId", "group", "userId", "userName", "added", "addedBy", "validFrom", "validUntil"],
    keys: &[&["groupId", "group"], &["userId", "userName"]],
};

pub(crate) fn membership(membership: &ListedMember<Person>, is_told: impl Fn(UserId) -> bool) -> Vec<Cell> {
    let member = [Cell::text(&membership.member.id), Cell::text(&membership.member.username)];
    listed(membership, member, is_told)
}

fn listed<M>(listed: &ListedMember<M>, [id, name]: [Cell; 2], is_told: impl Fn(UserId) -> bool) -> Vec<Cell> {
    vec![
        id_of(listed.group.id, &listed.group.name),
        Cell::text(listed.group.name.as_str()),
        id,
        name,
        Cell::moment(listed.added),
        author(listed.added_by.as_ref(), is_told),
        Cell::moment(listed.validity.from),
        Cell::moment(listed.validity.until),
    ]
}

/// Who added something, if they are among the users that are told.
fn author(author: Option<&Author>, is_told: impl Fn(UserId) -> bool) -> Cell {
    Cell::maybe(author.map(|author| &author.id).filter(|id| is_told(**id)))
}

/// Who manages which group.
pub(crate) const MANAGERS: Table = Table {
    name: "managers",
    columns: &["groupId", "group", "managerType", "managerId", "manager", "added", "addedBy"],
    keys: &[&["groupId", "group"], &["managerId", "manager"]],
};

pub(crate) fn manager(group: &Group, manager: &Manager, is_told: impl Fn(UserId) -> bool) -> Vec<Cell> {
    let (kind, id) = match manager.id {
        ManagerId::User(user) => ("user", Cell::text(&user)),
        ManagerId::Group(id) => ("group", id_of(id, &GroupName::stored(manager.name.clone()))),
    };
    vec![
        id_of(group.id, &group.name),
        Cell::text(group.name.as_str()),
        Cell::text(kind),
        id,
        Cell::text(&manager.name),
        Cell::text(&manager.added),
        author(manager.added_by.as_ref(), is_told),
    ]
}
