//! What is read together with the account of a caller, held to the long forms that define it.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::checks::{LongForm, comparable_account, compare_use_cases, populate};
use super::fixture::must;
use crate::access::{Caller, On, Permission, Scopes};
use crate::api_key::{ApiKeyDraft, ApiKeyId, ApiKeyIdentifier};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{
    Accounts, Cancellation, ClientAccount, FoundFor, Member, MembersChange, RefreshGrant, Store, StoreError,
};
use crate::secret::SecretDigest;

/// For every kind of caller and identifier, a user, a group and an account are what the long form finds.
pub fn single_things_are_found_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, groups) = populate(&fixture);
    let groups: Vec<_> = groups.iter().map(|name| GroupIdentifier::from(name.as_str())).collect();
    let (long_form, wanted) = (LongForm(Arc::clone(&fixture.store)), Cancellation::new());
    let mut found = 0;
    for Caller { user: caller, .. } in &callers {
        let account = |store: &dyn Store| must(store.account(&wanted, *caller)).map(comparable_account);
        assert_eq!(account(&*fixture.store), account(&long_form), "{caller:?}");
        for user in &users {
            let answer = |store: &dyn Store| comparable_found(must(store.user_for(&wanted, *caller, user)));
            let expected = answer(&long_form);
            found += usize::from(expected.found.is_some());
            assert_eq!(answer(&*fixture.store), expected, "{caller:?} {user:?}");
        }
        for group in &groups {
            let answer = |store: &dyn Store| comparable_found(must(store.group_for(&wanted, *caller, group)));
            let expected = answer(&long_form);
            found += usize::from(expected.found.is_some());
            assert_eq!(answer(&*fixture.store), expected, "{caller:?} {group:?}");
        }
    }
    assert!(found > 100, "{found}");
}

/// For every kind of caller and identifier, with and without delegates, users and groups are shown and refused, and permissions granted, as
/// over a store that has only the long form.
pub fn single_things_are_shown_and_refused_as_by_the_long_form(store: Arc<dyn Store>) {
    compare_use_cases(store, |comparison, users, groups| {
        comparison.agrees(&|directory, context| format!("{:?}", directory.authenticate(context)));
        for permission in PERMISSIONS {
            comparison.agrees(&|directory, context| format!("{:?}", directory.authorise(context, permission, On::All)));
        }
        for user in users {
            comparison.agrees(&|directory, context| format!("{user:?} {:?}", directory.user(context, user)));
            comparison.agrees(&|directory, context| {
                format!("{user:?} {:?}", directory.identities(context, user, &Page::default()))
            });
            for permission in PERMISSIONS {
                comparison.agrees(&|directory, context| {
                    format!("{permission:?} {user:?} {:?}", directory.authorise(context, permission, On::User(user)))
                });
            }
        }
        for group in groups.iter().map(|name| GroupIdentifier::from(name.as_str())) {
            comparison.agrees(&|directory, context| format!("{group:?} {:?}", directory.group(context, &group)));
        }
        for key in ["key", "member", "nothing"].map(ApiKeyIdentifier::from) {
            comparison.agrees(&|directory, context| format!("{key:?} {:?}", directory.api_key(context, &key)));
        }
    });
}

const PERMISSIONS: [Permission; 13] = [
    Permission::ReadUsers,
    Permission::CheckMemberships,
    Permission::CreateUsers,
    Permission::ManageUsers,
    Permission::ChangeUsers,
    Permission::ChangePasswords,
    Permission::ReadGroups,
    Permission::CheckMembers,
    Permission::CheckManyMemberships,
    Permission::ManageGroups,
    Permission::ChangeMembers,
    Permission::NestGroups,
    Permission::ManageApiKeys,
];

/// For every kind of caller and identifier, what decides about a change of members is what the long form says.
pub fn changes_of_members_are_decided_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, groups) = populate(&fixture);
    let callers = callers.iter().map(|caller| Some(caller.user)).chain([None]).collect::<Vec<_>>();
    let children = groups.iter().map(|name| GroupIdentifier::from(name.as_str())).collect::<Vec<_>>();
    let members = users.iter().map(Member::User).chain(children.iter().map(Member::Group)).chain([Member::Unnamed]);
    let members = members.collect::<Vec<_>>();
    let (mut found, mut nested, mut administrators) = (0, 0, 0);
    for caller in callers {
        for name in groups.iter().map(String::as_str).chain(SystemGroup::ADMINISTRATORS.map(SystemGroup::name)) {
            let group = GroupIdentifier::from(name);
            for member in &members {
                let (answer, expected) = must(fixture.store.read(|reader| {
                    let answer = reader.members_change(caller, &group, *member)?;
                    Ok::<_, StoreError>((answer, MembersChange::by_reading(reader, caller, &group, *member)?))
                }));
                found += usize::from(expected.group.is_some() && expected.user.is_some());
                nested += usize::from(expected.group.is_some() && expected.child.is_some());
                administrators += expected.administrators.len();
                let [answer, expected] = [answer, expected].map(|change| match (caller, change.caller) {
                    (Some(_), None) => MembersChange::default(),
                    (_, account) => MembersChange { caller: account.map(comparable_account), ..change },
                });
                assert_eq!(answer, expected, "{caller:?} {name} {member:?}");
            }
        }
    }
    assert!(found > 100 && nested > 100 && administrators > 100, "{found} {nested} {administrators}");
}

/// For every kind of caller and identifier, the accounts of both are what the long form says.
pub fn accounts_are_found_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, mut users, _) = populate(&fixture);
    users.extend(callers.iter().map(|caller| UserIdentifier::Id(caller.user)));
    let mut found = 0;
    for caller in callers.iter().map(|caller| Some(caller.user)).chain([None]) {
        for user in &users {
            let (answer, expected) = must(fixture.store.read(|reader| {
                let answer = reader.accounts(caller, user)?;
                Ok::<_, StoreError>((answer, Accounts::by_reading(reader, caller, user)?))
            }));
            found += usize::from(expected.user.is_some());
            let [answer, expected] = [answer, expected].map(|accounts| match (caller, accounts.caller) {
                (Some(_), None) => Accounts { caller: None, user: None },
                (_, account) => Accounts { caller: account.map(comparable_account), ..accounts },
            });
            assert_eq!(answer, expected, "{caller:?} {user:?}");
        }
    }
    assert!(found > 100, "{found}");
}

/// For every kind of account, what a refresh token grants is what the long form says.
pub fn refresh_tokens_are_found_with_their_accounts(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, ..) = populate(&fixture);
    let unknown = SecretDigest([255; 32]);
    for (caller, number) in callers.iter().zip(0..) {
        let digest = SecretDigest([number; 32]);
        let (user, stamp, expires) = (caller.user, caller.stamp, fixture.now());
        let grant = RefreshGrant { user, stamp, scopes: Scopes::all(), expires };
        let exists = must(fixture.store.read(|reader| Ok::<_, StoreError>(reader.user(user)?.is_some())));
        if exists {
            must(fixture.store.write(|writer| writer.insert_refresh_token(&digest, &grant)));
        }
        let (found, account) = must(fixture.store.read(|reader| {
            assert_eq!(reader.refresh_grant_and_account(&unknown)?, None);
            let found = reader.refresh_grant_and_account(&digest)?;
            Ok::<_, StoreError>((found, reader.account_status(user)?.map(comparable_account)))
        }));
        let expected = account.map(|account| (grant, account));
        assert_eq!(found.map(|(grant, account)| (grant, comparable_account(account))), expected, "{caller:?}");
        assert_eq!(expected.is_some(), exists);
    }
}

/// For every kind of account, what an API key signs in to is what the long form says.
pub fn clients_are_found_as_by_the_long_form(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, ..) = populate(&fixture);
    let keys = must(fixture.store.read(|reader| {
        let keys = callers.iter().map(|caller| reader.api_key_of(caller.user)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>(keys)
    }));
    let (long_form, wanted) = (LongForm(Arc::clone(&fixture.store)), Cancellation::new());
    let known: Vec<_> = keys.into_iter().flatten().collect();
    assert!(!known.is_empty());
    let suspended = ApiKeyDraft { name: Some(Some("off".to_owned())), enabled: Some(false), ..ApiKeyDraft::default() };
    let suspended = must(fixture.directory.create_api_key(&fixture.operator(), suspended, &[])).key.id;
    for key in known.iter().copied().chain([suspended, ApiKeyId(Uuid::from_u128(0xdead))]) {
        let answer = |store: &dyn Store| {
            let found = must(store.client(&wanted, key));
            found.map(|client| ClientAccount { account: comparable_account(client.account), ..client })
        };
        assert_eq!(answer(&*fixture.store), answer(&long_form), "{key:?}");
        assert_eq!(answer(&long_form).is_some(), key == suspended || known.contains(&key));
    }
}

fn comparable_found<T>(answer: FoundFor<T>) -> FoundFor<T> {
    match answer.caller {
        Some(caller) => FoundFor { caller: Some(comparable_account(caller)), ..answer },
        None => FoundFor { caller: None, found: None },
    }
}
