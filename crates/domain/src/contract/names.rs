//! Identifiers: what names whom.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{Outcome, must};
use crate::directory::{CreateGroupError, CreateUserError};
use crate::group::{GroupDraft, GroupId};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::user::{User, UserDraft, UserId};

fn draft(username: &str, email: &str) -> UserDraft {
    UserDraft {
        username: Some(username.to_owned()),
        email: Some(email.to_owned()),
        password: Some("pr0j3ctM4yh3m".to_owned()),
        ..UserDraft::default()
    }
}

fn create(fixture: &Fixture, username: &str, email: &str) -> Result<User, CreateUserError> {
    fixture.directory.create_user(&fixture.by(&fixture.admin), draft(username, email))
}

fn find(fixture: &Fixture, text: &str) -> Option<UserId> {
    must(fixture.store.read(|directory| directory.user_id(&UserIdentifier::from(text))))
}

/// A user by id, username and address, a group by id and name, in any case and any spelling of a GUID.
pub fn names_are_found_in_any_case_and_spelling(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = must(create(&fixture, "Tyler Dürden", "T.Durden@FightClub.com")).id;
    let braced = format!("{{{}}}", user.0.simple()).to_uppercase();
    for text in ["tyler dürden", "TYLER DÜRDEN", " Tyler Dürden ", "t.durden@fightclub.com", &user.to_string(), &braced]
    {
        assert_eq!(find(&fixture, text), Some(user), "{text}");
    }
    for text in ["tyler  dürden", "tyler", "t.durden", "@current"] {
        assert_eq!(find(&fixture, text), None, "{text}");
    }
    let group = fixture.group("Paper Street Soap Company");
    for text in ["PAPER street soap company", &group.to_string()] {
        let found: Outcome<Option<GroupId>> =
            fixture.store.read(|directory| directory.group_id(&GroupIdentifier::from(text)));
        assert_eq!(must(found), Some(group), "{text}");
    }
}

/// An id, a username, an address and a group name are given once, whatever the case.
pub fn names_and_ids_are_taken_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let first = must(create(&fixture, "tyler", "t@fightclub.com"));
    let again = UserDraft { id: Some(first.id.0), ..draft("marla", "m@fightclub.com") };
    assert!(
        matches!(fixture.directory.create_user(&fixture.by(&fixture.admin), again), Err(CreateUserError::IdTaken(id)) if id == first.id)
    );
    assert!(matches!(create(&fixture, "TYLER", "m@fightclub.com"), Err(CreateUserError::UsernameTaken(_))));
    assert!(matches!(create(&fixture, "marla", "T@FIGHTCLUB.COM"), Err(CreateUserError::EmailTaken(_))));
    let group = fixture.group("Soap");
    let named = |id: Option<Uuid>, name: &str| {
        let draft = GroupDraft { id, name: Some(name.to_owned()), ..GroupDraft::default() };
        fixture.directory.create_group(&fixture.by(&fixture.admin), draft)
    };
    assert!(matches!(named(None, "sOAP"), Err(CreateGroupError::NameTaken(_))));
    assert!(matches!(named(Some(group.0), "Lye"), Err(CreateGroupError::IdTaken(id)) if id == group));
}

/// What one user has as username, another cannot have as address, and the other way round.
pub fn a_username_is_never_another_users_address(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    must(create(&fixture, "tyler@fightclub.com", "t@fightclub.com"));
    assert!(matches!(create(&fixture, "marla", "Tyler@FightClub.com"), Err(CreateUserError::EmailTaken(_))));
    assert!(matches!(create(&fixture, "T@FightClub.com", "m@fightclub.com"), Err(CreateUserError::UsernameTaken(_))));
    let own = must(create(&fixture, "bob@fightclub.com", "bob@fightclub.com"));
    assert_eq!(find(&fixture, "bob@fightclub.com"), Some(own.id));
}

/// U+0000, which PostgreSQL takes in no text, is no error.
pub fn nobody_is_found_by_a_name_with_a_null_character(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    assert_eq!(find(&fixture, "a\u{0}dmin"), None);
    let group: Outcome<_> = fixture.store.read(|directory| directory.group_id(&GroupIdentifier::from("\u{0}")));
    assert_eq!(must(group), None);
}
