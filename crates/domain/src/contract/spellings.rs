//! Texts that read the same (contract 10 row 28).

use std::sync::Arc;

use super::Fixture;
use super::fixture::{must, user_named};
use super::sign_in::{PASSWORD, person, read};
use crate::access::Scopes;
use crate::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use crate::directory::{
    ApiKeyError, ChangeGroupError, ChangeUserError, CreateGroupError, CreateUserError, SignInError,
};
use crate::group::{Group, GroupChanges, GroupDraft};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::password::PasswordHash;
use crate::ports::{Credentials, Store};
use crate::search::{Field, Filter, GroupField, Listing, Operand, Operator, UserField};
use crate::user::{User, UserChanges, UserDraft, UserId};
use crate::version::Precondition;

/// Names, and other spellings of each.
const NAMES: [(&str, &[&str]); 7] = [
    (
        "Ren\u{e9}e Caf\u{e9}",
        &["rene\u{301}e cafe\u{301}", "REN\u{c9}E CAF\u{c9}", "\u{3000}Ren\u{e9}e\u{a0}Caf\u{e9}\u{200b}"],
    ),
    ("Tyler", &["\u{ff34}\u{ff59}\u{ff4c}\u{ff45}\u{ff52}", "\u{200b}ty\u{ad}ler\u{feff}", "\u{1d4e3}yler\u{2060}"]),
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

fn create(fixture: &Fixture, username: &str, email: &str) -> Result<User, CreateUserError> {
    fixture.directory.create_user(&fixture.by(&fixture.admin), draft(username, email))
}

fn find(fixture: &Fixture, text: &str) -> Option<UserId> {
    must(fixture.store.read(|directory| directory.user_id(&UserIdentifier::from(text))))
}

fn listing<F: Field>(fixture: &Fixture, filter: Filter<F>) -> Listing<F> {
    Listing { filter, ..fixture.all(must(Page::new(0, 100))) }
}

fn users(fixture: &Fixture, filter: Filter<UserField>) -> Vec<UserId> {
    let page = must(fixture.directory.users(&fixture.by(&fixture.admin), &listing(fixture, filter)));
    page.items.iter().map(|user| user.id).collect()
}

fn comparing<F: Field>(field: F, operator: Operator, text: &str) -> Filter<F> {
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

/// Every operator compares names, and texts of all kinds, by what they read.
pub fn texts_that_read_the_same_are_found(store: Arc<dyn Store>) {
    use Operator::{Contains, EndsWith, Equal, FreeText, GreaterOrEqual, StartsWith};
    let fixture = Fixture::over(store);
    let user = User {
        first_name: Some("Ren\u{e9}e".to_owned()),
        last_name: Some("\u{200b}D\u{fc}rden".to_owned()),
        ..user_named("Caf\u{e9} \u{ff21}", uuid::Uuid::from_u128(77))
    };
    fixture.insert(&user);
    let group = fixture.group("Caf\u{e9} \u{ff21}");
    for (operator, text) in [
        (Equal, "cafe\u{301} a"),
        (Equal, "\u{200b}CAFE\u{301} A "),
        (Contains, "fe\u{301}"),
        (Contains, "c*\u{c9} ?"),
        (StartsWith, "C\u{ff41}fe\u{301}"),
        (EndsWith, "\u{e9}\u{200d} a"),
        (FreeText, "CAFE\u{301}"),
    ] {
        assert_eq!(users(&fixture, comparing(UserField::Username, operator, text)), [user.id], "{operator:?} {text:?}");
        let filter = comparing(GroupField::Name, operator, text);
        let found = must(fixture.directory.groups(&fixture.by(&fixture.admin), &listing(&fixture, filter)));
        assert_eq!(found.items.iter().map(|found| found.id).collect::<Vec<_>>(), [group], "{operator:?} {text:?}");
    }
    for (field, operator, text) in [
        (UserField::FirstName, Equal, "RENE\u{301}E"),
        (UserField::FirstName, Contains, "ne\u{301}"),
        (UserField::LastName, Equal, "du\u{308}rden"),
        (UserField::LastName, GreaterOrEqual, "du\u{308}r"),
        (UserField::LastName, StartsWith, "du\u{308}"),
        (UserField::LastName, EndsWith, "u\u{308}rden\u{ad}"),
    ] {
        assert_eq!(users(&fixture, comparing(field, operator, text)), [user.id], "{operator:?} {text:?}");
    }
    for text in [
        "rene\u{301}e d\u{fc}r",
        "\u{ff23}afe\u{301}",
        "e\u{301} \u{ff41}",
        "\u{200b}urde\u{200b}n".trim_start_matches('\u{200b}'),
    ] {
        let expected: &[UserId] = if text.starts_with('u') { &[] } else { &[user.id] };
        assert_eq!(users(&fixture, Filter::naming(text)), expected, "{text:?}");
    }
    assert_eq!(users(&fixture, Filter::with_words("DU\u{308}RDEN caf\u{e9}")), [user.id]);
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

/// A new user joins the groups of their domain, in whichever form either was written, and those of no other domain.
pub fn a_domain_is_one_in_both_of_its_forms(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for (number, (listed, address, joins)) in [
        ("M\u{dc}NCHEN.de", "t1@mu\u{308}nchen.DE", true),
        ("@m\u{fc}nchen.de", "t2@XN--mnchen-3ya.de", true),
        ("xn--mnchen-3ya.de", "t3@m\u{fc}nchen.de", true),
        ("stra\u{df}e.example", "t4@xn--strae-oqa.example", true),
        ("strasse.example", "t5@stra\u{df}e.example", false),
        ("m\u{fc}nchen.de", "t6@mail.m\u{fc}nchen.de", false),
    ]
    .into_iter()
    .enumerate()
    {
        let draft = GroupDraft {
            name: Some(format!("group {number}")),
            auto_membership_email_domains: vec![listed.to_owned()],
            ..GroupDraft::default()
        };
        let group = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
        let user = must(create(&fixture, &format!("user{number}"), address)).id;
        assert_eq!(fixture.is_in(group, user), joins, "{listed:?} {address:?}");
        let shown: Vec<String> =
            fixture.read(group).auto_membership_email_domains.iter().map(|domain| domain.to_unicode()).collect();
        assert!(["m\u{fc}nchen.de", "stra\u{df}e.example", "strasse.example"].contains(&shown[0].as_str()));
    }
}

/// A password signs in however it was typed (RFC 8265), and one that was hashed as it was typed, as it was typed.
pub fn passwords_that_are_the_same_by_their_profile_sign_in(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let identifier = UserIdentifier::Id(user.id);
    let sign_in = |password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), "tdurden", password.to_owned(), &Scopes::all())
    };
    let change = |existing: &str, new: &str| {
        let caller = fixture.caller(user.id);
        let (existing, new) = (Some(existing.to_owned()), Some(new.to_owned()));
        fixture.directory.change_password(&fixture.by(&caller), &identifier, existing, new)
    };
    must(change(PASSWORD, "Cafe\u{301}\u{a0}1234"));
    for same in ["Caf\u{e9} 1234", "Cafe\u{301} 1234", "Caf\u{e9}\u{3000}1234"] {
        assert_eq!(must(sign_in(same)).caller.user, user.id, "{same:?}");
        assert!(change(same, "Cafe\u{301} 1234").is_err(), "the new one is the old one");
    }
    for other in ["caf\u{e9} 1234", "Cafe 1234", "Caf\u{e9}1234", "Caf\u{e9} \u{ff11}234"] {
        assert!(matches!(sign_in(other), Err(SignInError::Incorrect)), "{other:?}");
    }
    // Hashed before there was the profile, one of them of characters that it does not allow.
    for stored in ["Cafe\u{301}\u{a0}5678", "Caf\u{e9}\u{ad}5678\u{7}"] {
        let current = must(must(fixture.store.read(|directory| directory.user(user.id))).ok_or("no user"));
        let credentials = Credentials { password: Some(PasswordHash(stored.to_owned())), ..Credentials::default() };
        must(fixture.store.write(|directory| directory.update_user(&current, &credentials)));
        assert_eq!(must(sign_in(stored)).caller.user, user.id, "{stored:?}");
        let new = format!("Caf\u{e9} {}", stored.len());
        must(change(stored, &format!("{new} 1A")));
        assert!(matches!(sign_in(stored), Err(SignInError::Incorrect)), "{stored:?}");
    }
}
