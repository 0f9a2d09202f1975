//! What is read in order to be changed, held to the long forms that define it, and what becomes of it.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::checks::{comparable_account, populate};
use super::concurrency::together;
use super::fixture::must;
use crate::access::Caller;
use crate::api_key::{ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::external::IdentityLink;
use crate::group::{GroupChanges, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::page::Page;
use crate::password::PasswordHash;
use crate::ports::{
    AccountStatus, Accounts, ApiKeyForUpdate, Cancellation, Credentials, FoundFor, GroupForUpdate, LinkedAccount,
    Member, PasswordUpdate, Purpose, Store, StoreError, UserForUpdate, Writer,
};
use crate::user::{UserChanges, UserId};
use crate::version::{Precondition, Version};

/// The answers of both forms, with and without a transaction, are the same. A `caller` who does not exist is told nothing.
fn agree<T: PartialEq + std::fmt::Debug + Default>(
    fixture: &Fixture,
    ask: impl Fn(&mut dyn Writer) -> Result<T, StoreError>,
    long_form: impl Fn(&mut dyn Writer) -> Result<T, StoreError>,
    comparable: impl Fn(T) -> T,
    asked: &dyn std::fmt::Debug,
) -> T {
    let expected = comparable(must(fixture.store.write_alone(|writer| long_form(writer))));
    assert_eq!(comparable(must(fixture.store.write_once(|writer| ask(writer)))), expected, "{asked:?}");
    assert_eq!(comparable(must(fixture.store.write_alone(|writer| ask(writer)))), expected, "{asked:?}");
    expected
}

fn callers_of(callers: &[Caller]) -> Vec<Option<UserId>> {
    callers.iter().map(|caller| Some(caller.user)).chain([None]).collect()
}

/// A caller who does not exist.
struct Nobody;

/// The account of the caller as it must be told.
fn told(caller: Option<UserId>, account: Option<AccountStatus>) -> Result<Option<AccountStatus>, Nobody> {
    match (caller, account) {
        (Some(_), None) => Err(Nobody),
        (_, account) => Ok(account.map(comparable_account)),
    }
}

/// For every kind of caller, identifier and purpose, a user who is to be changed is what the long form says.
pub fn users_are_found_for_update_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, _) = populate(&fixture);
    let member = must(fixture.store.read(|reader| reader.user_id(&UserIdentifier::from("member"))));
    let member = must(member.ok_or("no member"));
    let issuer = || "https://id.example".to_owned();
    let link = IdentityLink {
        issuer: issuer(),
        subject: "1".to_owned(),
        user: member,
        linked: fixture.now(),
        latest_token: None,
    };
    must(fixture.store.write(|writer| writer.insert_identity(&link)));
    let password = Some(PasswordUpdate::Changed(PasswordHash("hash".to_owned())));
    let credentials = Credentials { password, ..Credentials::default() };
    must(fixture.store.write(|writer| {
        let user = writer.user(member)?;
        user.map(|user| writer.update_user(&user, &user, &credentials)).transpose()
    }));
    let [both, address, free] = ["both", "member@example.com", "free"].map(NameKey::of);
    let purposes = [
        Purpose::Change([None, None]),
        Purpose::Change([Some(&both), Some(&address)]),
        Purpose::Change([Some(&free), Some(&both)]),
        Purpose::Deletion,
    ];
    let (mut found, mut linked, mut hashed, mut owned) = (0, 0, 0, 0);
    for caller in callers_of(&callers) {
        for (user, purpose) in users.iter().flat_map(|user| purposes.map(|purpose| (user, purpose))) {
            let expected = agree(
                &fixture,
                |writer| writer.user_for_update(caller, user, purpose),
                |writer| UserForUpdate::by_locking(writer, caller, user, purpose),
                |answer| match told(caller, answer.caller) {
                    Ok(account) => UserForUpdate { caller: account, ..answer },
                    Err(Nobody) => UserForUpdate::default(),
                },
                &(caller, user, purpose),
            );
            owned += expected.owners.iter().flatten().count();
            if let Some(user) = expected.user {
                found += 1;
                linked += usize::from(user.is_linked);
                hashed += usize::from(user.password.is_some());
            }
        }
    }
    let counts = [found, linked, hashed, owned];
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

/// For every kind of caller and identifier, a group that is to be changed is what the long form says.
pub fn groups_are_found_for_update_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, _, groups) = populate(&fixture);
    let [taken, free] = ["bottom", "free"].map(GroupIdentifier::from);
    let (mut found, mut taken_names, mut administrators) = (0, 0, 0);
    for caller in callers_of(&callers) {
        for name in groups.iter().map(String::as_str).chain(SystemGroup::ADMINISTRATORS.map(SystemGroup::name)) {
            let group = &GroupIdentifier::from(name);
            for member in [Member::Unnamed, Member::Group(&taken), Member::Group(&free)] {
                let expected = agree(
                    &fixture,
                    |writer| writer.group_for_update(caller, group, member),
                    |writer| GroupForUpdate::by_locking(writer, caller, group, member),
                    |mut answer| match told(caller, answer.members.caller.take()) {
                        Ok(account) => {
                            answer.members.caller = account;
                            answer
                        }
                        Err(Nobody) => GroupForUpdate::default(),
                    },
                    &(caller, group, member),
                );
                found += usize::from(expected.group.is_some());
                taken_names += usize::from(expected.members.child.is_some());
                administrators += expected.members.administrators.len();
            }
        }
    }
    assert!(found > 100 && taken_names > 100 && administrators > 100, "{found} {taken_names} {administrators}");
}

/// For every kind of caller, identifier and purpose, an API key that is to be read or changed is what the long form says.
pub fn api_keys_are_found_for_update_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, ..) = populate(&fixture);
    let off = ApiKeyDraft { name: Some(Some("off".to_owned())), enabled: Some(false), ..ApiKeyDraft::default() };
    let off = must(fixture.directory.create_api_key(&fixture.operator(), off, &[])).key.id;
    let [both, free] = ["both", "free"].map(NameKey::of);
    let purposes = [
        Purpose::Change([None, None]),
        Purpose::Change([Some(&both), None]),
        Purpose::Change([Some(&free), None]),
        Purpose::Deletion,
    ];
    let keys = ["KEY", "off", "member", "nothing", ""].map(ApiKeyIdentifier::from).into_iter();
    let keys: Vec<_> = keys.chain([off, ApiKeyId(Uuid::from_u128(0xdead))].map(ApiKeyIdentifier::Id)).collect();
    let (mut found, mut owned, wanted) = (0, 0, Cancellation::new());
    for caller in callers_of(&callers) {
        for (key, purpose) in keys.iter().flat_map(|key| purposes.map(|purpose| (key, purpose))) {
            let expected = agree(
                &fixture,
                |writer| writer.api_key_for_update(caller, key, purpose),
                |writer| ApiKeyForUpdate::by_locking(writer, caller, key, purpose),
                |answer| match told(caller, answer.caller) {
                    Ok(account) => ApiKeyForUpdate { caller: account, ..answer },
                    Err(Nobody) => ApiKeyForUpdate::default(),
                },
                &(caller, key, purpose),
            );
            owned += usize::from(expected.owner.is_some());
            found += usize::from(expected.key.is_some());
            if let Some(caller) = caller {
                let answer = must(fixture.store.api_key_for(&wanted, caller, key));
                // For a caller who does not exist, the key may be left out.
                let found = answer.found.filter(|_| answer.caller.is_some());
                let read = FoundFor { caller: answer.caller.map(comparable_account), found };
                let key = expected.key.map(|found| found.key);
                assert_eq!(read, FoundFor { caller: expected.caller, found: key }, "{caller:?}");
            }
        }
    }
    assert!(found > 100 && owned > 10, "{found} {owned}");
}

/// For every kind of caller and identifier, the links of a user are what the long form says.
pub fn links_are_found_with_their_accounts(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, _) = populate(&fixture);
    let member = must(fixture.store.read(|reader| reader.user_id(&UserIdentifier::from("member"))));
    let user = must(member.ok_or("no member"));
    for (issuer, subject) in [("b", "\u{e9}"), ("b", "1"), ("a", "b"), ("a", "B"), ("a", "\"[]")] {
        let latest_token = (subject == "1").then(|| fixture.now());
        let (issuer, subject, linked) = (issuer.to_owned(), subject.to_owned(), fixture.now());
        let link = IdentityLink { issuer, subject, user, linked, latest_token };
        must(fixture.store.write(|writer| writer.insert_identity(&link)));
    }
    let (mut found, wanted) = (0, Cancellation::new());
    for Caller { user: caller, .. } in &callers {
        for user in &users {
            let expected = must(fixture.store.read(|reader| LinkedAccount::by_reading(reader, Some(*caller), user)));
            found += expected.links.len();
            let answer = must(fixture.store.identities_for(&wanted, *caller, user));
            let [answer, expected] = [answer, expected].map(|found| match found.accounts.caller {
                Some(account) => {
                    let accounts = Accounts { caller: Some(comparable_account(account)), ..found.accounts };
                    LinkedAccount { accounts, ..found }
                }
                None => LinkedAccount { accounts: Accounts { caller: None, user: None }, links: Vec::new() },
            });
            assert_eq!(answer, expected, "{caller:?} {user:?}");
        }
    }
    assert!(found > 100, "{found}");
    let admin = fixture.by(&fixture.admin);
    let listed = |user: &str| fixture.directory.identities(&admin, &UserIdentifier::from(user), &Page::default());
    assert_eq!((must(listed("member")).total, must(listed("both")).total), (5, 0));
    assert!(listed("nobody").is_err());
}

/// However many change one user, one group or one API key at once, each change is made, once.
pub fn every_one_of_many_changes_of_one_thing_is_made(store: Arc<dyn Store>) {
    const CHANGES: usize = 24;
    let fixture = Fixture::over(store);
    let (user, group) = (fixture.user("user"), fixture.group("Soap"));
    let draft = ApiKeyDraft { name: Some(Some("key".to_owned())), ..ApiKeyDraft::default() };
    let key = must(fixture.directory.create_api_key(&fixture.operator(), draft, &[])).key;
    let any = Precondition::default();
    together(3 * CHANGES, |number| {
        let (by, text) = (fixture.by(&fixture.admin), Some(Some(format!("{number}"))));
        match number % 3 {
            0 => {
                let changes = UserChanges { first_name: text, ..UserChanges::default() };
                must(fixture.directory.change_user(&by, &UserIdentifier::Id(user), &changes, &any));
            }
            1 => {
                let changes = GroupChanges { description: text, ..GroupChanges::default() };
                must(fixture.directory.change_group(&by, &GroupIdentifier::Id(group), &changes, &any));
            }
            _ => {
                let changes = ApiKeyDraft { description: text, ..ApiKeyDraft::default() };
                must(fixture.directory.change_api_key(&by, &ApiKeyIdentifier::Id(key.id), &changes));
            }
        }
    });
    let (user, group, key) = must(
        fixture
            .store
            .read(|reader| Ok::<_, StoreError>((reader.user(user)?, reader.group(group)?, reader.user(key.user)?))),
    );
    let versions = [user.map(|user| user.version), group.map(|group| group.version), key.map(|key| key.version)];
    assert_eq!(versions, [Some(Version(1 + CHANGES as u64)); 3]);
}

/// A change of a user who was changed since they were read leaves nothing behind: neither names nor the changes of a key.
pub fn a_change_of_what_was_changed_meanwhile_leaves_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let draft = ApiKeyDraft { name: Some(Some("key".to_owned())), ..ApiKeyDraft::default() };
    let key = must(fixture.directory.create_api_key(&fixture.operator(), draft, &[])).key;
    let id = ApiKeyIdentifier::Id(key.id);
    let mut runs = 0;
    let outcome: Result<(), StoreError> = fixture.store.write_once(|writer| {
        runs += 1;
        let found = writer.api_key_for_update(None, &id, Purpose::Change([None; 2]))?.key;
        let Some(found) = found else { return Err(StoreError::failed("no key")) };
        let mut before = found.user.clone();
        // As if somebody else had made a change since.
        before.version = if runs == 1 { Version(99) } else { before.version };
        let username = must(crate::user::Username::try_from(format!("run {runs}")));
        let user = crate::user::User { username: username.clone(), ..found.user };
        let description = Some(format!("run {runs}"));
        let changed = crate::api_key::ApiKey { name: username, description, ..found.key };
        writer.update_user_and_api_key((&before, &user), &Credentials::default(), (&changed, None))
    });
    let named = |name: &str| must(fixture.store.read(|reader| reader.user_id(&UserIdentifier::from(name))));
    let read = must(fixture.directory.api_key(&fixture.by(&fixture.admin), &id));
    match outcome {
        // A store whose units of work that write take turns never sees that, and need not compare.
        Ok(()) if runs == 1 => assert_eq!(read.description.as_deref(), Some("run 1")),
        outcome => {
            must(outcome);
            assert_eq!((runs, read.description.as_deref()), (2, Some("run 2")));
            assert_eq!((named("run 1"), named("key"), named("run 2")), (None, None, Some(key.user)));
        }
    }
}
