//! Texts that read the same (contract 10 row 28).

use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::sign_in::{PASSWORD, read};
use crate::access::Scopes;
use crate::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use crate::directory::{ApiKeyError, ChangeGroupError, ChangeUserError, CreateGroupError, CreateUserError};
use crate::group::{Group, GroupChanges, GroupDraft};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::Store;
use crate::search::{Field, Filter, Listing, Operand, Operator, UserField};
use crate::user::{User, UserChanges, UserDraft, UserId};
use crate::version::Precondition;

/// Names, and other spellings of each.
const NAMES: [(&str, &[&str]); 7] = [
    (
        "Ren\u{e9}e Caf\u{e9}",
        &["rene\u{301}e cafe\u{301}", "REN\u{c9}E CAF\u{c9}", "\u{3000}Ren\u{e9}e\u{a0}Caf\u{e9}\u{200b}"],
    ),
    (
        "Tyler",
        &[
            "\u{ff34}\u{ff59}\u{ff4c}\u{ff45}\u{ff52}",
            "\u{200b}ty\u{ad}ler\u{feff}",
            "\u{1d4e3}yler\u{2060}",
            "\u{202e}Tyler\u{202c}",
        ],
    ),
    ("Stra\u{df}e", &["STRASSE", "STRA\u{1e9e}E", "stra\u{17f}se"]),
    ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} home", &["\u{1f468}\u{1f469}\u{1f467} HOME"]),
    ("\u{915}\u{94d}\u{200d}\u{937}", &["\u{915}\u{94d}\u{937}", "\u{915}\u{94d}\u{200c}\u{937}"]),
    ("\u{e19}\u{e49}\u{e33}", &["\u{e19}\u{e49}\u{e4d}\u{e32}"]),
    ("\u{1100}\u{1161} \u{fb01}sh", &["\u{ac00} FISH"]),
];

/// Addresses, and other spellings of each.
const ADDRESSES: [(&str, &[&str]); 3] = [
    (
        "Info@M\u{fc}nchen.de",
        &["info@xn--mnchen-3ya.de", "INFO@MU\u{308}NCHEN\u{3002}DE", "in\u{200b}fo\u{ff20}XN--MNCHEN-3YA.de"],
    ),
    ("info@stra\u{df}e.example", &["INFO@xn--strae-oqa.example", "info@STRA\u{1e9e}E.example"]),
    ("\u{7528}\u{6237}@\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", &["\u{7528}\u{6237}@xn--r8jz45g.xn--zckzah"]),
];

fn draft(username: &str, email: &str) -> UserDraft {
    UserDraft {
        username: Some(username.to_owned()),
        email: Some(email.to_owned()),
        password: Some(PASSWORD.to_owned()),
        ..UserDraft::default()
    }
}

pub(super) fn create(fixture: &Fixture, username: &str, email: &str) -> Result<User, CreateUserError> {
    fixture.directory.create_user(&fixture.by(&fixture.admin), draft(username, email))
}

fn find(fixture: &Fixture, text: &str) -> Option<UserId> {
    must(fixture.store.read(|directory| directory.user_id(&UserIdentifier::from(text))))
}

pub(super) fn listing<F: Field>(fixture: &Fixture, filter: Filter<F>) -> Listing<F> {
    Listing { filter, ..fixture.all(must(Page::new(0, 100))) }
}

pub(super) fn users(fixture: &Fixture, filter: Filter<UserField>) -> Vec<UserId> {
    let page = must(fixture.directory.users(&fixture.by(&fixture.admin), &listing(fixture, filter)));
    page.items.iter().map(|user| user.id).collect()
}

pub(super) fn comparing<F: Field>(field: F, operator: Operator, text: &str) -> Filter<F> {
    must(Filter::comparing(field, operator, Operand::Text(text.to_owned())))
}

/// A user is found by every spelling of the username, and nobody else can be called by one, or have it as address.
pub fn usernames_that_read_the_same_are_one(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let other = fixture.user("other");
    for (number, (name, spellings)) in NAMES.into_iter().enumerate() {
        let user = must(create(&fixture, name, &format!("user{number}@fightclub.com")));
        assert_eq!(read(&fixture, &user).username.as_str(), name, "shown as given");
        for spelling in spellings.iter().copied().chain([name]) {
            assert_eq!(find(&fixture, spelling), Some(user.id), "{spelling:?}");
            let taken = create(&fixture, spelling, "free@fightclub.com");
            assert!(matches!(taken, Err(CreateUserError::UsernameTaken(_))), "{spelling:?}");
            let renamed = UserChanges { username: Some(Some(spelling.to_owned())), ..UserChanges::default() };
            let change = |id: UserId| {
                let by = fixture.by(&fixture.admin);
                fixture.directory.change_user(&by, &UserIdentifier::Id(id), &renamed, &Precondition::default())
            };
            assert!(
                matches!(change(other), Err(ChangeUserError::Invalid(faults)) if faults[0].field == "username"),
                "{spelling:?}"
            );
            let own = must(change(user.id));
            assert_eq!(own.username.as_str(), spelling.trim(), "one's own name may be spelled anew");
            let session =
                fixture.directory.sign_in(&fixture.anonymous(), spelling, PASSWORD.to_owned(), &Scopes::all());
            assert_eq!(must(session).caller.user, user.id, "{spelling:?}");
            let key = ApiKeyDraft { name: Some(Some(spelling.to_owned())), ..ApiKeyDraft::default() };
            let key = fixture.directory.create_api_key(&fixture.by(&fixture.admin), key, &[]);
            assert!(matches!(key, Err(ApiKeyError::Taken(_))), "{spelling:?}");
        }
    }
}

/// A group is found by every spelling of its name, and no other group can be called by one.
pub fn group_names_that_read_the_same_are_one(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let other = fixture.group("other");
    let by = || fixture.by(&fixture.admin);
    for (name, spellings) in NAMES {
        let group = fixture.group(name);
        assert_eq!(fixture.read(group).name.as_str(), name, "shown as given");
        for spelling in spellings.iter().copied().chain([name]) {
            let found = must(fixture.directory.group(&by(), &GroupIdentifier::from(spelling)));
            assert_eq!(found.id, group, "{spelling:?}");
            let draft = GroupDraft { name: Some(spelling.to_owned()), ..GroupDraft::default() };
            let taken: Result<Group, _> = fixture.directory.create_group(&by(), draft);
            assert!(matches!(taken, Err(CreateGroupError::NameTaken(_))), "{spelling:?}");
            let changes = GroupChanges { name: Some(Some(spelling.to_owned())), ..GroupChanges::default() };
            let renamed =
                fixture.directory.change_group(&by(), &GroupIdentifier::Id(other), &changes, &Precondition::default());
            assert!(
                matches!(renamed, Err(ChangeGroupError::Invalid(faults)) if faults[0].field == "name"),
                "{spelling:?}"
            );
        }
    }
}

/// A user is found and searched by every spelling of the address, and no other user can have one of them.
pub fn addresses_that_read_the_same_are_one(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let other = must(create(&fixture, "other", "info@strasse.example")).id;
    for (number, (address, spellings)) in ADDRESSES.into_iter().enumerate() {
        let user = must(create(&fixture, &format!("user{number}"), address)).id;
        for spelling in spellings.iter().copied().chain([address]) {
            assert_eq!(find(&fixture, spelling), Some(user), "{spelling:?}");
            let taken = create(&fixture, spelling, "free@fightclub.com");
            assert!(matches!(taken, Err(CreateUserError::UsernameTaken(_))), "{spelling:?}");
            for operator in [Operator::Equal, Operator::Contains, Operator::StartsWith, Operator::EndsWith] {
                let found = users(&fixture, comparing(UserField::Email, operator, spelling));
                assert_eq!(found, [user], "{operator:?} {spelling:?}");
            }
            let among = must(Filter::among(&UserField::Email, vec![Operand::Text(spelling.to_owned())]));
            assert_eq!(users(&fixture, among), [user], "{spelling:?}");
            if spelling.contains('@') {
                let taken = create(&fixture, "free", spelling);
                assert!(matches!(taken, Err(CreateUserError::EmailTaken(_))), "{spelling:?}");
            }
        }
    }
    // Both forms of a domain are looked into, and a part of one is found as people read it.
    for text in ["m\u{fc}nchen", "MU\u{308}NCHEN.de", "xn--mnchen-3ya", "@m\u{fc}nchen.de"] {
        assert_eq!(users(&fixture, Filter::naming(text)).len(), 1, "{text:?}");
    }
    let found = users(&fixture, comparing(UserField::Email, Operator::Contains, "mu\u{308}nch"));
    assert_eq!(found.len(), 1);
    assert_eq!(find(&fixture, "info@strasse.example"), Some(other), "another domain");
}

/// A name in which nothing can be seen is no name, also as it is changed.
pub fn names_with_nothing_visible_are_refused(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (user, group) = (fixture.user("user"), fixture.group("group"));
    let by = || fixture.by(&fixture.admin);
    for name in ["\u{200b}", "\u{ad}\u{2060}", "\u{3164}", "\u{feff} \u{200d}", "\u{e0100}"] {
        let refused = create(&fixture, name, "free@fightclub.com");
        let message = "The username has no visible characters";
        assert!(matches!(refused, Err(CreateUserError::Invalid(faults)) if faults[0].message == message), "{name:?}");
        let changes = UserChanges { username: Some(Some(name.to_owned())), ..UserChanges::default() };
        let refused =
            fixture.directory.change_user(&by(), &UserIdentifier::Id(user), &changes, &Precondition::default());
        assert!(matches!(refused, Err(ChangeUserError::Invalid(faults)) if faults[0].message == message), "{name:?}");
        let message = "The group name has no visible characters";
        let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
        let refused = fixture.directory.create_group(&by(), draft);
        assert!(matches!(refused, Err(CreateGroupError::Invalid(faults)) if faults[0].message == message), "{name:?}");
        let changes = GroupChanges { name: Some(Some(name.to_owned())), ..GroupChanges::default() };
        let refused =
            fixture.directory.change_group(&by(), &GroupIdentifier::Id(group), &changes, &Precondition::default());
        assert!(matches!(refused, Err(ChangeGroupError::Invalid(faults)) if faults[0].message == message), "{name:?}");
        let draft = ApiKeyDraft { name: Some(Some(name.to_owned())), ..ApiKeyDraft::default() };
        assert!(
            matches!(fixture.directory.create_api_key(&by(), draft, &[]), Err(ApiKeyError::Invalid(_))),
            "{name:?}"
        );
        assert_eq!(find(&fixture, name), None, "{name:?}");
        let found = must(fixture.store.read(|directory| directory.api_key(&ApiKeyIdentifier::from(name))));
        assert_eq!(found, None, "{name:?}");
    }
}
