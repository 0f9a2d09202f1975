//! How many statements the use cases of each route take, with those that begin and end transactions.

use std::collections::BTreeSet;

use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use guildhall_domain::contract::Fixture;
use guildhall_domain::group::{GroupChanges, GroupDraft, GroupId, SystemGroup};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;
use guildhall_domain::user::{UserChanges, UserDraft, UserId};
use guildhall_domain::version::Precondition;
use guildhall_persistence::Database;

use super::counting::{count_from_now_on, statements};
use super::databases;

/// For each route, the statements on SQLite and on PostgreSQL. Those of a password, whose number hides who is here, are in `statements`.
const STATEMENTS: [(&str, [usize; 2]); 34] = [
    ("HEAD /groups/{group}/users/{user}", [1, 1]),
    ("HEAD /users/{user}/groups/{groups}", [1, 1]),
    ("GET /users/{user}", [1, 1]),
    ("GET /users/@current", [1, 1]),
    ("GET /groups/{group}", [1, 1]),
    ("PUT /groups/{group}/users/{user}", [7, 2]),
    ("PUT /groups/{group}/users/{user}, a member", [4, 2]),
    ("DELETE /groups/{group}/users/{user}", [9, 5]),
    ("DELETE /groups/{group}/users/{user}, an administrator", [13, 9]),
    ("POST /groups/{group}/users", [9, 7]),
    ("grant refresh_token", [4, 2]),
    ("grant client_credentials", [6, 6]),
    ("GET /users", [4, 4]),
    ("GET /groups", [4, 4]),
    ("GET /groups/{group}/users", [6, 6]),
    ("GET /groups/{group}/groups", [4, 4]),
    ("GET /users/{user}/groups", [4, 4]),
    ("POST /groups", [6, 2]),
    ("PUT /groups/{group}", [6, 2]),
    ("DELETE /groups/{group}", [14, 7]),
    ("POST /users", [11, 3]),
    ("PUT /users/{user}", [6, 2]),
    ("POST /users/{user}/actions", [6, 5]),
    ("DELETE /users/{user}", [9, 5]),
    ("PUT /groups/{group}/groups/{child}", [8, 5]),
    ("DELETE /groups/{group}/groups/{child}", [10, 5]),
    ("POST /groups/{group}/groups", [10, 6]),
    ("GET /users/{user}/identities", [1, 1]),
    ("POST /apiKeys", [11, 2]),
    ("GET /apiKeys", [5, 5]),
    ("GET /apiKeys/{key}", [1, 1]),
    ("PUT /apiKeys/{key}", [11, 2]),
    ("POST /apiKeys/{key}/secret", [7, 2]),
    ("DELETE /apiKeys/{key}", [9, 5]),
];

/// The statements of the use case of each route, in the order of the table, without the question for the permission before a body is read.
fn taken(database: &Database) -> Vec<usize> {
    let fixture = Fixture::over(database.store());
    let (directory, by) = (&fixture.directory, || fixture.by(&fixture.admin));
    let [user, other, third] = ["user", "other", "third"].map(|name| fixture.user(name));
    let [group, child] = ["group", "child"].map(|name| fixture.group(name));
    let (in_group, in_child) = (GroupIdentifier::Id(group), GroupIdentifier::Id(child));
    let (id, other_id) = (UserIdentifier::Id(user), UserIdentifier::Id(other));
    let administrators = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[third]);
    let (page, any) = (Page::default(), Precondition::default());
    let (all_users, all_groups) = (|| fixture.all(Page::default()), || fixture.all(Page::default()));
    let password = "F1ghtC1ub1234!".to_owned();
    let session = directory.sign_in(&fixture.anonymous(), "admin", password, &Scopes::all()).expect("signed in");
    let draft = |name: &str| ApiKeyDraft { name: Some(Some(name.to_owned())), ..ApiKeyDraft::default() };
    let issued = directory.create_api_key(&by(), draft("program"), &[]).expect("created");
    let key = ApiKeyIdentifier::Id(issued.key.id);
    let members = || BTreeSet::<UserId>::from([user, other]);
    vec![
        statements(|| directory.is_member(&by(), &in_group, &id).expect("checked")),
        statements(|| directory.is_member_of_any(&by(), &id, "group,child").expect("checked")),
        statements(|| directory.user(&by(), &id).expect("read")),
        statements(|| directory.user(&by(), &UserIdentifier::Current).expect("read")),
        statements(|| directory.group(&by(), &in_group).expect("read")),
        statements(|| directory.add_member(&by(), &in_group, &id).expect("added")),
        statements(|| directory.add_member(&by(), &in_group, &id).expect("there")),
        statements(|| directory.remove_member(&by(), &in_group, &id).expect("removed")),
        statements(|| directory.remove_member(&by(), &administrators, &UserIdentifier::Id(third)).expect("removed")),
        statements(|| directory.add_members(&by(), &in_group, &members()).expect("added")),
        statements(|| {
            let token = session.refresh_token.reveal();
            directory.refresh(&fixture.anonymous(), token, &Scopes::all()).expect("refreshed")
        }),
        statements(|| {
            let (id, secret) = (issued.key.id.to_string(), issued.secret.reveal());
            directory.sign_in_client(&fixture.anonymous(), &id, &[secret], &Scopes::all()).expect("signed in")
        }),
        statements(|| directory.users(&by(), &all_users()).expect("listed")),
        statements(|| directory.groups(&by(), &all_groups()).expect("listed")),
        statements(|| directory.members(&by(), &in_group, Reach::Effective, &[], &all_users()).expect("listed")),
        statements(|| {
            directory.children(&by(), &in_group, (Reach::Effective, false), &[], &all_groups()).expect("listed")
        }),
        statements(|| directory.groups_of_user(&by(), &id, Reach::Effective, &[], &all_groups()).expect("listed")),
        statements(|| {
            let draft = GroupDraft { name: Some("new".to_owned()), ..GroupDraft::default() };
            directory.create_group(&by(), draft).expect("created")
        }),
        statements(|| {
            let changes = GroupChanges { name: Some(Some("renamed".to_owned())), ..GroupChanges::default() };
            directory.change_group(&by(), &in_group, &changes, &any).expect("changed")
        }),
        statements(|| directory.delete_group(&by(), &GroupIdentifier::from("new"), &any).expect("deleted")),
        statements(|| {
            let draft = UserDraft {
                email: Some("new@fightclub.com".to_owned()),
                password: Some("pr0j3ctM4yh3m".to_owned()),
                ..UserDraft::default()
            };
            directory.create_user(&by(), draft).expect("created")
        }),
        statements(|| {
            let changes = UserChanges { first_name: Some(Some("Robert".to_owned())), ..UserChanges::default() };
            directory.change_user(&by(), &id, &changes, &any).expect("changed")
        }),
        statements(|| {
            directory.act(&by(), &other_id, "suspend").expect("suspended");
        }),
        statements(|| directory.delete_user(&by(), &other_id, &any).expect("deleted")),
        statements(|| directory.add_child(&by(), &in_group, &in_child).expect("added")),
        statements(|| directory.remove_child(&by(), &in_group, &in_child).expect("removed")),
        statements(|| {
            directory.add_children(&by(), &in_group, &BTreeSet::<GroupId>::from([child])).expect("added");
        }),
        statements(|| directory.identities(&by(), &id, &page).expect("listed")),
        statements(|| directory.create_api_key(&by(), draft("another"), &[]).expect("created")),
        statements(|| directory.api_keys(&by(), &page).expect("listed")),
        statements(|| directory.api_key(&by(), &key).expect("read")),
        statements(|| directory.change_api_key(&by(), &key, &draft("renamed")).expect("changed")),
        statements(|| directory.rotate_api_key(&by(), &key).expect("rotated")),
        statements(|| directory.delete_api_key(&by(), &key).expect("deleted")),
    ]
}

fn take_as_many_as_in_the_table(database: &Database, which: usize) {
    let taken = taken(database);
    let found: Vec<_> = STATEMENTS.iter().map(|(route, _)| *route).zip(taken).collect();
    assert_eq!(found, STATEMENTS.map(|(route, statements)| (route, statements[which])));
}

#[test]
fn on_sqlite_routes_take_as_many_statements_as_in_the_table() {
    count_from_now_on();
    let (database, _, _folder) = databases::sqlite();
    take_as_many_as_in_the_table(&database, 0);
}

#[test]
fn on_postgres_routes_take_as_many_statements_as_in_the_table() {
    count_from_now_on();
    let (database, _, _dropped) = databases::postgres();
    take_as_many_as_in_the_table(&database, 1);
}
