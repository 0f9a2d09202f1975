//! What decides about a caller.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{NOW, must, user_named};
use crate::access::Denied;
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};

/// A member of a group two levels below System Administrators administers, until that membership ends.
pub fn standing_tells_an_effective_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (child, grandchild) = (fixture.group("child"), fixture.group("grandchild"));
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), child);
    fixture.nest(child, grandchild);
    let user = fixture.user("user");
    let caller = fixture.caller(user);
    let may = || must(fixture.directory.authorise_administrator(&caller));
    assert_eq!(may(), Err(Denied::NotPermitted));
    fixture.join(grandchild, &[user]);
    assert_eq!(may(), Ok(()));
    must(fixture.directory.remove_member(&fixture.admin, &GroupIdentifier::Id(grandchild), &UserIdentifier::Id(user)));
    assert_eq!(may(), Err(Denied::NotPermitted));
    let unknown = must(fixture.store.read(|directory| directory.standing(UserId(Uuid::from_u128(0xdead)))));
    assert_eq!(unknown, None);
}

/// Suspended, locked or expired, nobody administers; and the one who is left counts.
pub fn an_administrator_counts_while_their_account_is_open(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let now = Timestamp::from_milliseconds(NOW);
    must(fixture.store.write_alone(|directory| directory.remove_member(system, fixture.admin.user)));
    let active = |at| must(fixture.store.read(|directory| directory.has_active_administrator(at)));
    assert!(!active(now));
    let named = |name: &str, number| user_named(name, Uuid::from_u128(number));
    let closed = [
        User { suspended: true, ..named("suspended", 0xfeed) },
        User { locked: true, ..named("locked", 0xfeee) },
        User { expiry: Some(Timestamp::from_milliseconds(NOW + 1)), ..named("expiring", 0xfeef) },
    ];
    for user in &closed {
        must(fixture.store.write(|directory| {
            directory.insert_user(user, None, SecurityStamp(user.id.0))?;
            directory.insert_members(system, &BTreeSet::from([user.id]), now)
        }));
    }
    assert!(active(now));
    assert!(!active(Timestamp::from_milliseconds(NOW + 1)));
    let may: Vec<_> =
        closed.iter().map(|user| must(fixture.directory.authorise_administrator(&fixture.caller(user.id)))).collect();
    assert_eq!(may, [Err(Denied::Unauthenticated), Err(Denied::Unauthenticated), Ok(())]);
}
