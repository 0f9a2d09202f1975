//! API keys.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, Denied, Permission, Refused, SECURITY_ADMINISTRATOR, Scopes};
use crate::api_key::{ApiKey, ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::directory::{ActError, ApiKeyError, ChangePasswordError, ClientError, FirstApiKey, IssuedApiKey};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::Store;
use crate::secret::Secret;
use crate::user::Username;
use crate::version::Precondition;

fn named(name: &str) -> ApiKeyDraft {
    ApiKeyDraft { name: Some(Some(name.to_owned())), ..ApiKeyDraft::default() }
}

fn create(fixture: &Fixture, name: &str) -> IssuedApiKey {
    must(fixture.directory.create_api_key(&fixture.by(&fixture.admin), named(name), &[]))
}

fn sign_in(fixture: &Fixture, issued: &IssuedApiKey) -> bool {
    let id = issued.key.id.to_string();
    fixture.directory.sign_in_client(&fixture.anonymous(), &id, &[issued.secret.reveal()], &Scopes::all()).is_ok()
}

/// A key is read as it was made, by id and by name, and acts as a user of its own who is in `Everyone`.
pub fn an_api_key_acts_as_a_user_of_its_own(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let draft = ApiKeyDraft {
        description: Some(Some("Makes soap".to_owned())),
        scopes: Some(vec!["openid".to_owned(), "Security_Administrator".to_owned()]),
        ..named("!! New key")
    };
    let issued = must(fixture.directory.create_api_key(&fixture.by(&fixture.admin), draft, &[]));
    let key = &issued.key;
    assert_eq!(key.created_by.as_deref(), Some("admin"));
    for identifier in [ApiKeyIdentifier::Id(key.id), ApiKeyIdentifier::from("!! NEW KEY")] {
        assert_eq!(&must(fixture.directory.api_key(&fixture.operator(), &identifier)), key);
    }
    let user = must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(key.user)));
    assert_eq!((user.username.as_str(), &user.email, user.suspended), ("!! New key", &None, false));
    assert!(fixture.is_in(fixture.system(SystemGroup::Everyone), key.user));
    let client = key.id.to_string().to_uppercase();
    let (id, caller) = must(fixture.directory.sign_in_client(
        &fixture.anonymous(),
        &client,
        &[issued.secret.reveal()],
        &Scopes::all(),
    ));
    assert_eq!((id, caller.user, &caller.scopes), (key.id, key.user, &key.scopes));
    assert_eq!(must(fixture.directory.user(&fixture.by(&caller), &UserIdentifier::Current)).id, key.user);
    for (client, secret) in [
        (client.as_str(), "another"),
        (client.as_str(), ""),
        ("!! New key", issued.secret.reveal()),
        ("00000000-0000-0000-0000-000000000001", issued.secret.reveal()),
    ] {
        let refused = fixture.directory.sign_in_client(&fixture.anonymous(), client, &[secret], &Scopes::all());
        assert!(matches!(refused, Err(ClientError::Invalid)), "{client} {secret}");
    }
    // It has no password, so nobody can lock it by wrong ones.
    for _ in 0..9 {
        let secret = issued.secret.reveal().to_owned();
        assert!(fixture.directory.sign_in(&fixture.anonymous(), "!! New key", secret, &Scopes::all()).is_err());
    }
    let unharmed = must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(key.user)));
    assert_eq!((unharmed.is_locked(fixture.now()), unharmed.failed_login_attempts), (false, 0));
    assert!(sign_in(&fixture, &issued));
}

/// Disabled, rotated, suspended or deleted with its user, a key and its tokens end at once.
pub fn a_key_and_its_tokens_end_at_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let id = |issued: &IssuedApiKey| ApiKeyIdentifier::Id(issued.key.id);
    let [disabled, rotated, suspended, deleted, with_user] =
        ["disabled", "rotated", "suspended", "deleted", "with user"].map(|name| create(&fixture, name));
    let all = [&disabled, &rotated, &suspended, &deleted, &with_user];
    let callers = all.map(|issued| fixture.caller(issued.key.user));
    assert!(all.iter().all(|issued| sign_in(&fixture, issued)));
    let switch = |enabled| ApiKeyDraft { enabled: Some(enabled), ..ApiKeyDraft::default() };
    let off = must(directory.change_api_key(&fixture.by(admin), &id(&disabled), &switch(false)));
    assert_eq!(off, ApiKey { enabled: false, modified_by: Some("admin".to_owned()), ..disabled.key.clone() });
    let renewed = must(directory.rotate_api_key(&fixture.operator(), &id(&rotated)));
    assert_eq!((renewed.key.id, renewed.key.modified_by.as_deref()), (rotated.key.id, None));
    must(directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(suspended.key.user), "suspend"));
    must(directory.delete_api_key(&fixture.by(admin), &id(&deleted)));
    must(directory.delete_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(with_user.key.user),
        &Precondition::default(),
    ));
    assert!(all.iter().all(|issued| !sign_in(&fixture, issued)));
    assert!(callers.iter().all(|caller| directory.user(&fixture.by(caller), &UserIdentifier::Current).is_err()));
    assert!(sign_in(&fixture, &renewed));
    let gone = |issued: &IssuedApiKey| {
        matches!(directory.api_key(&fixture.by(admin), &id(issued)), Err(ApiKeyError::NotFound))
    };
    assert!(gone(&deleted) && gone(&with_user));
    assert!(directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(deleted.key.user)).is_err());
    must(directory.change_api_key(&fixture.by(admin), &id(&disabled), &switch(true)));
    assert!(sign_in(&fixture, &disabled));
    // The tokens of before stay dead.
    assert!(directory.user(&fixture.by(&callers[0]), &UserIdentifier::Current).is_err());
    let users: Vec<_> = must(directory.api_keys(&fixture.by(admin), &must(Page::new(0, 10))))
        .items
        .into_iter()
        .map(|key| key.name)
        .collect();
    assert_eq!(users.iter().map(Username::as_str).collect::<Vec<_>>(), ["disabled", "rotated", "suspended"]);
}

/// A token that was issued before a key's scopes were narrowed is good for the narrower ones at once.
pub fn narrower_scopes_of_a_key_bite_on_the_next_call(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let issued = create(&fixture, "soap");
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[issued.key.user]);
    let id = issued.key.id.to_string();
    let (_, caller) =
        must(fixture.directory.sign_in_client(&fixture.anonymous(), &id, &[issued.secret.reveal()], &Scopes::all()));
    let may = || fixture.may(&caller, Permission::ManageGroups);
    assert_eq!(may(), Ok(()));
    let key = ApiKeyIdentifier::Id(issued.key.id);
    for (scopes, expected) in
        [(vec!["openid"], Err(Denied::NotPermitted)), (vec!["openid", SECURITY_ADMINISTRATOR], Ok(()))]
    {
        let scopes = Some(scopes.into_iter().map(str::to_owned).collect());
        let changes = ApiKeyDraft { scopes, ..ApiKeyDraft::default() };
        must(fixture.directory.change_api_key(&fixture.operator(), &key, &changes));
        assert_eq!(may(), expected);
    }
}

/// A key's name is its user's, so it is taken once among keys and users.
pub fn a_keys_name_is_its_users(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let issued = create(&fixture, "soap");
    let id = ApiKeyIdentifier::Id(issued.key.id);
    assert!(matches!(directory.create_api_key(&fixture.by(admin), named("ADMIN"), &[]), Err(ApiKeyError::Taken(_))));
    assert!(matches!(directory.create_api_key(&fixture.by(admin), named("Soap"), &[]), Err(ApiKeyError::Taken(_))));
    assert!(matches!(directory.create_api_key(&fixture.by(admin), named("@soap"), &[]), Err(ApiKeyError::Invalid(_))));
    assert!(matches!(directory.change_api_key(&fixture.by(admin), &id, &named("admin")), Err(ApiKeyError::Invalid(_))));
    must(directory.change_api_key(&fixture.by(admin), &id, &named("Lye")));
    let user = must(directory.user(&fixture.by(&fixture.admin), &UserIdentifier::from("lye")));
    assert_eq!(user.id, issued.key.user);
    let password = directory.change_password(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(user.id),
        None,
        Some("F1ghtC1ub1234!".to_owned()),
    );
    assert!(matches!(password, Err(ChangePasswordError::Invalid(_))));
    let reset = directory.act(&fixture.by(&fixture.admin), &UserIdentifier::Id(user.id), "forcePasswordReset");
    assert!(matches!(reset, Err(ActError::Invalid(_))));
}

/// System Administrators and API Key Administrators manage keys; the latter none that administers users or groups.
pub fn only_administrators_of_keys_manage_them(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let directory = &fixture.directory;
    let [nobody, manager] = ["nobody", "manager"].map(|name| fixture.user(name));
    fixture.join(fixture.system(SystemGroup::ApiKeyAdministrators), &[manager]);
    let [nobody, manager] = [nobody, manager].map(|user| fixture.caller(user));
    let issued = create(&fixture, "plain");
    let id = ApiKeyIdentifier::Id(issued.key.id);
    let page = must(Page::new(0, 10));
    let denied = |error: ApiKeyError| matches!(error, ApiKeyError::Refused(Refused::Denied(Denied::NotPermitted)));
    let refusals = |caller: &Caller, id: &ApiKeyIdentifier| {
        [
            directory.api_keys(&fixture.by(caller), &page).err(),
            directory.api_key(&fixture.by(caller), id).err(),
            directory.create_api_key(&fixture.by(caller), named("new"), &[]).err(),
            directory.change_api_key(&fixture.by(caller), id, &named("renamed")).err(),
            directory.rotate_api_key(&fixture.by(caller), id).err(),
            directory.delete_api_key(&fixture.by(caller), id).err(),
        ]
        .map(|error| error.is_some_and(denied))
    };
    assert_eq!(refusals(&nobody, &id), [true; 6]);
    assert_eq!(refusals(&manager, &id), [false; 6]);
    for (group, name) in [
        (SystemGroup::SystemAdministrators, "system"),
        (SystemGroup::UserAdministrators, "users"),
        (SystemGroup::GroupAdministrators, "groups"),
    ] {
        let powerful = create(&fixture, name);
        fixture.join(fixture.system(group), &[powerful.key.user]);
        let id = ApiKeyIdentifier::Id(powerful.key.id);
        let refused = refusals(&manager, &id);
        assert_eq!(refused[3..], [true; 3], "{name}");
        assert!(sign_in(&fixture, &powerful));
    }
    let group = GroupIdentifier::Id(fixture.system(SystemGroup::SystemAdministrators));
    let refused = directory.create_api_key(&fixture.by(&manager), named("joined"), std::slice::from_ref(&group));
    assert!(refused.is_err_and(denied));
    let joined = must(directory.create_api_key(&fixture.operator(), named("joined"), &[group]));
    assert!(fixture.is_in(fixture.system(SystemGroup::SystemAdministrators), joined.key.user));
}

/// The key of the first start administers; it is made with the first user or never, and may be the last administrator.
pub fn the_first_start_may_make_a_key(store: Arc<dyn Store>) {
    let fixture = Fixture::empty(store);
    let (directory, id) = (&fixture.directory, ApiKeyId(Uuid::from_u128(0xface)));
    let first = FirstApiKey { id, secret: Secret::given("a secret of their own".to_owned()) };
    let admin = must(
        must(directory.create_first_accounts(&fixture.operator(), "admin", "F1ghtC1ub1234!", Some(&first)))
            .ok_or("no admin"),
    );
    assert!(
        must(directory.create_first_accounts(&fixture.operator(), "other", "F1ghtC1ub1234!", Some(&first))).is_none()
    );
    let (_, key) = must(directory.sign_in_client(
        &fixture.anonymous(),
        &id.to_string(),
        &["a secret of their own"],
        &Scopes::all(),
    ));
    must(directory.delete_user(&fixture.by(&key), &UserIdentifier::Id(admin.id), &Precondition::default()));
    let by_id = ApiKeyIdentifier::Id(id);
    assert!(matches!(directory.delete_api_key(&fixture.operator(), &by_id), Err(ApiKeyError::LastAdministrator)));
    let off = ApiKeyDraft { enabled: Some(false), ..ApiKeyDraft::default() };
    assert!(matches!(directory.change_api_key(&fixture.operator(), &by_id, &off), Err(ApiKeyError::Invalid(_))));
    assert!(matches!(
        directory.delete_api_key(&fixture.by(&key), &by_id),
        Err(ApiKeyError::Refused(Refused::Denied(Denied::NotPermitted)))
    ));
    must(directory.sign_in_client(&fixture.anonymous(), &id.to_string(), &["a secret of their own"], &Scopes::all()));
}
