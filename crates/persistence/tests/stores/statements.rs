//! How many statements work takes: the same, however much it is about.

use std::collections::BTreeSet;

use guildhall_domain::access::{Denied, Refused, Scopes};
use guildhall_domain::api_key::ApiKeyDraft;
use guildhall_domain::context::Context;
use guildhall_domain::contract::Fixture;
use guildhall_domain::directory::{
    Directory, MemberError, MemberList, MembershipCheck, Patch, PatchEffect, PatchMode, PatchOptions, ReadUserError,
};
use guildhall_domain::group::{GroupId, SystemGroup};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;
use guildhall_domain::user::{UserDraft, UserId};
use guildhall_persistence::Database;

use super::counting::{count_from_now_on, statements};
use super::databases;

/// What each kind of work takes, after `size` users and groups more.
fn costs(fixture: &Fixture, prefix: &str, size: usize) -> Vec<usize> {
    let users: BTreeSet<UserId> = (0..size).map(|number| fixture.user(&format!("{prefix} {number}"))).collect();
    let groups: BTreeSet<GroupId> = (0..size).map(|number| fixture.group(&format!("{prefix} {number}"))).collect();
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    for number in 0..size {
        let draft = ApiKeyDraft { name: Some(Some(format!("{prefix} key {number}"))), ..ApiKeyDraft::default() };
        directory.create_api_key(&fixture.operator(), draft, &[]).expect("created");
    }
    let (top, page) = (fixture.group(&format!("{prefix} top")), Page::new(0, 1000).expect("a page"));
    let (id, everybody) = (GroupIdentifier::Id(top), users.iter().next().copied());
    let user = UserIdentifier::Id(everybody.expect("a user"));
    let administrators = GroupIdentifier::Name(SystemGroup::SystemAdministrators.key());
    // By id and by name, and one of all groups.
    let named = |user: &str, group: &str| MembershipCheck { user: user.into(), group: group.into() };
    let checks: Vec<MembershipCheck> = users
        .iter()
        .zip(&groups)
        .enumerate()
        .flat_map(|(number, (user, group))| {
            let name = format!("{prefix} {number}");
            [named(&name, &name), named(&user.to_string(), &group.to_string())]
        })
        .collect();
    let oneself = fixture.caller(everybody.expect("a user"));
    let own: Vec<MembershipCheck> =
        (0..size).map(|number| named(&format!("{prefix} 0"), &format!("{prefix} {number}"))).collect();
    let preview_members =
        |directory: &Directory<'_>, context: &Context| directory.add_members(context, &id, &users).map(drop);
    let preview_children = |directory: &Directory<'_>, context: &Context| directory.add_children(context, &id, &groups);
    let costs = vec![
        statements(|| directory.preview(&fixture.by(admin), preview_members).expect("previewed")),
        statements(|| directory.preview(&fixture.by(admin), preview_children).expect("previewed")),
        statements(|| directory.add_members(&fixture.by(admin), &id, &users).expect("added")),
        statements(|| directory.add_children(&fixture.by(admin), &id, &groups).expect("added")),
        statements(|| directory.add_child(&fixture.by(admin), &administrators, &id).expect("added")),
        statements(|| {
            let detach =
                |directory: &Directory<'_>, context: &Context| directory.remove_child(context, &administrators, &id);
            directory.preview(&fixture.by(admin), detach).expect("previewed")
        }),
        statements(|| directory.add_member(&fixture.by(admin), &id, &user).expect("added")),
        statements(|| directory.users(&fixture.by(admin), &fixture.all(page.clone())).expect("listed")),
        statements(|| directory.groups(&fixture.by(admin), &fixture.all(page.clone())).expect("listed")),
        statements(|| {
            directory
                .members(&fixture.by(admin), &id, Reach::Effective, &[], &fixture.all(page.clone()))
                .expect("listed")
        }),
        statements(|| {
            directory
                .children(&fixture.by(admin), &id, (Reach::Effective, true), &[], &fixture.all(page.clone()))
                .expect("listed")
        }),
        statements(|| {
            directory
                .groups_of_user(&fixture.by(admin), &user, Reach::Effective, &[], &fixture.all(page.clone()))
                .expect("listed")
        }),
        statements(|| directory.api_keys(&fixture.by(admin), &page).expect("listed")),
        statements(|| directory.is_member(&fixture.by(admin), &id, &user).expect("checked")),
        statements(|| directory.check_memberships(&fixture.by(admin), &checks).expect("checked")),
        statements(|| directory.check_memberships_in_detail(&fixture.by(admin), &checks).expect("checked")),
        statements(|| directory.check_memberships(&fixture.by(&oneself), &own).expect("checked")),
        statements(|| patches(fixture, &id, &users, &groups)),
        {
            let group = groups.first().copied().expect("a group");
            for group in &groups {
                fixture.join(*group, &[everybody.expect("a user")]);
            }
            directory.remove_member(&fixture.by(admin), &id, &user).expect("removed");
            let removed =
                statements(|| directory.remove_member(&fixture.by(admin), &id, &user).expect_err("inherited"));
            let below = GroupIdentifier::Id(group);
            removed
                + statements(|| directory.remove_child(&fixture.by(admin), &administrators, &below).expect_err("below"))
        },
    ];
    assert!(costs.iter().all(|cost| *cost > 0), "{costs:?}");
    costs
}

/// Patches of each kind, by names and ids, the last of which leaves things as they were.
fn patches(fixture: &Fixture, id: &GroupIdentifier, users: &BTreeSet<UserId>, groups: &BTreeSet<GroupId>) {
    let (directory, context) = (&fixture.directory, fixture.by(&fixture.admin));
    let members = || users.iter().copied().map(UserIdentifier::Id).chain([UserIdentifier::from("admin")]);
    let children = || groups.iter().copied().map(GroupIdentifier::Id);
    let nobody = || UserIdentifier::from("nobody");
    for mode in [PatchMode::Partial, PatchMode::Atomic] {
        let options = PatchOptions { mode, effect: PatchEffect::Lasting };
        for patch in [
            Patch::Set(MemberList::default()),
            Patch::Set(members().collect()),
            Patch::Change { add: MemberList::default(), remove: members().collect() },
            Patch::Change { add: members().collect(), remove: MemberList::default() },
        ] {
            directory.patch_members(&context, id, &patch, options).expect("patched");
        }
        for patch in [
            Patch::Set(MemberList::default()),
            Patch::Set(children().collect()),
            Patch::Change { add: MemberList::default(), remove: children().collect() },
            Patch::adding(children().collect()),
        ] {
            directory.patch_children(&context, id, &patch, options).expect("patched");
        }
    }
    let partial = PatchOptions { mode: PatchMode::Partial, effect: PatchEffect::DryRun };
    let unknown = Patch::Set((0..users.len()).map(|_| nobody()).collect());
    assert_eq!(directory.patch_members(&context, id, &unknown, partial).expect("patched").not_found.len(), users.len());
}

fn costs_stay(database: &Database) {
    let fixture = Fixture::over(database.store());
    let few = costs(&fixture, "few", 2);
    assert_eq!(costs(&fixture, "many", 300), few);
}

/// So that the time an answer takes does not tell who is here.
fn a_stranger_costs_what_a_wrong_password_costs(database: &Database) {
    let fixture = Fixture::over(database.store());
    let sign_in = |name: &str| {
        statements(|| {
            fixture
                .directory
                .sign_in(&fixture.anonymous(), name, "wrong".to_owned(), &Scopes::all())
                .expect_err("refused")
        })
    };
    fixture.user("external@fightclub.com");
    let draft = ApiKeyDraft { name: Some(Some("key".to_owned())), ..ApiKeyDraft::default() };
    fixture.directory.create_api_key(&fixture.operator(), draft, &[]).expect("a key");
    let suspended = UserDraft {
        username: Some("suspended".to_owned()),
        email: Some("suspended@fightclub.com".to_owned()),
        password: Some("pr0j3ctM4yh3m".to_owned()),
        suspended: true,
        ..UserDraft::default()
    };
    fixture.directory.create_user(&fixture.by(&fixture.admin), suspended).expect("a user");
    let known = sign_in("admin");
    assert!(known > 0);
    let issued = fixture.directory.create_api_key(
        &fixture.operator(),
        ApiKeyDraft { name: Some(Some("another".to_owned())), ..ApiKeyDraft::default() },
        &[],
    );
    let client = |id: &str| {
        statements(|| {
            fixture.directory.sign_in_client(&fixture.anonymous(), id, &["wrong"], &Scopes::all()).expect_err("refused")
        })
    };
    let stranger = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";
    assert_eq!(client(stranger), client(&issued.expect("a key").key.id.to_string()));
    outsiders_cost_the_same(&fixture);
    // From the first to those while they are locked.
    for _ in 0..7 {
        let costs = ["admin", "nobody", "external@fightclub.com", "key", "suspended"].map(sign_in);
        assert_eq!(costs, [known; 5]);
    }
}

/// Whoever may not check a membership is refused by as many statements, whatever exists.
fn outsiders_cost_the_same(fixture: &Fixture) {
    let outsider = fixture.caller(fixture.user("outsider"));
    let somebody = fixture.user("somebody").to_string();
    let soap = fixture.group("Soap").to_string();
    let denied = |outcome: Refused| assert!(matches!(outcome, Refused::Denied(Denied::NotPermitted)), "{outcome:?}");
    let (mut costs, mut costs_of_many) = (BTreeSet::new(), BTreeSet::new());
    for user in ["somebody", "nobody", "75490b0f-56f7-4690-a20a-6f2a822f1d3f"].map(UserIdentifier::from) {
        for group in ["Soap", "Nothing", "Soap,Nothing"] {
            costs.insert(statements(|| {
                match fixture.directory.is_member(&fixture.by(&outsider), &GroupIdentifier::from(group), &user) {
                    Err(MemberError::Refused(refused)) => denied(refused),
                    other => panic!("{other:?}"),
                }
            }));
            costs_of_many.insert(statements(|| {
                match fixture.directory.is_member_of_any(&fixture.by(&outsider), &user, group) {
                    Err(ReadUserError::Refused(refused)) => denied(refused),
                    other => panic!("{other:?}"),
                }
            }));
        }
    }
    assert_eq!((costs.len(), costs_of_many.len()), (1, 1), "{costs:?} {costs_of_many:?}");
    // The same of many at once, by names and by ids.
    for (users, groups) in [
        (["somebody", "nobody"], ["Soap", "Nothing"]),
        [
            ["75490b0f-56f7-4690-a20a-6f2a822f1d3f", somebody.as_str()],
            ["75490b0f-56f7-4690-a20a-6f2a822f1d3f", soap.as_str()],
        ]
        .into(),
    ] {
        let mut costs = BTreeSet::new();
        for (user, group) in users.iter().flat_map(|user| groups.iter().map(move |group| (*user, *group))) {
            let checks = ["@current", user].map(|user| MembershipCheck { user: user.into(), group: group.into() });
            costs.insert(statements(|| {
                denied(
                    fixture
                        .directory
                        .check_memberships_in_detail(&fixture.by(&outsider), &checks)
                        .expect_err("refused"),
                );
            }));
        }
        assert_eq!(costs.len(), 1, "{costs:?}");
    }
}

#[test]
fn sqlite_takes_as_many_statements_for_many_as_for_few() {
    count_from_now_on();
    let (database, _, _folder) = databases::sqlite();
    costs_stay(&database);
}

#[test]
fn postgres_takes_as_many_statements_for_many_as_for_few() {
    count_from_now_on();
    let (database, _, _dropped) = databases::postgres();
    costs_stay(&database);
}

#[test]
fn sqlite_takes_as_many_statements_for_a_stranger_as_for_a_wrong_password() {
    count_from_now_on();
    let (database, _, _folder) = databases::sqlite();
    a_stranger_costs_what_a_wrong_password_costs(&database);
}

#[test]
fn postgres_takes_as_many_statements_for_a_stranger_as_for_a_wrong_password() {
    count_from_now_on();
    let (database, _, _dropped) = databases::postgres();
    a_stranger_costs_what_a_wrong_password_costs(&database);
}
