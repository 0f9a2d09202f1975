//! Units of work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{NOW, Outcome, must, user_named};
use crate::access::Refused;
use crate::audit::AuditNote;
use crate::custom::CustomValue;
use crate::directory::{CreateUserError, Finish, FirstAdministratorError, Turn, Writing};
use crate::email_domain::EmailDomain;
use crate::group::{Group, GroupId, GroupKind, GroupName, SystemGroup};
use crate::identifier::UserIdentifier;
use crate::password::PasswordHash;
use crate::ports::{NameSource, Store, StoreError, Undo, Writer};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{Email, Lockout, Provider, ProviderKind, SecurityStamp, User, UserId};
use crate::version::Version;

/// Every property of a user and of a group comes back as it was given.
pub fn what_was_written_is_read(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let moment = |milliseconds| Some(Timestamp::from_milliseconds(NOW + milliseconds));
    let custom = BTreeMap::from([
        ("Rank".to_owned(), CustomValue::Number("1.50e400".to_owned())),
        ("big".to_owned(), CustomValue::Number("18446744073709551615".to_owned())),
        ("motto".to_owned(), CustomValue::Text("\"don't\" \\ 🥊 \u{7f}".to_owned())),
        ("nothing".to_owned(), CustomValue::Null),
        ("soap".to_owned(), CustomValue::Boolean(true)),
    ]);
    let user = User {
        email: Email::try_from("T.Durden@FightClub.com".to_owned()).ok(),
        first_name: Some("Tyler".to_owned()),
        last_name: Some(String::new()),
        timezone: "America/New_York".to_owned(),
        language: "en".to_owned(),
        custom: custom.clone(),
        password_change_frequency: None,
        provider: Provider { kind: ProviderKind::External, name: "AD".to_owned() },
        suspended: true,
        lockout: Lockout { failures: 2, locks: 3, until: moment(4) },
        password_reset_required: true,
        created: Timestamp::from_milliseconds(-1),
        last_login: moment(1),
        last_failed_login: moment(2),
        expiry: moment(3),
        password_changed: None,
        opt_out_of_notifications: true,
        failed_login_attempts: 3,
        failed_login_attempts_since_last_success: 2,
        successful_login_attempts: 1,
        ..user_named("TDurden", Uuid::from_u128(0xfeed))
    };
    let group = Group {
        id: GroupId(Uuid::from_u128(0xbeef)),
        name: must(GroupName::try_from("Paper Street Soap Company".to_owned())),
        description: Some("First rule".to_owned()),
        kind: GroupKind::External,
        user_count: 0,
        child_group_count: 0,
        custom,
        auto_membership_email_domains: ["fightclub.com", "soap.example"]
            .map(|domain| must(EmailDomain::try_from(domain)))
            .into(),
        created: Timestamp::from_milliseconds(NOW),
        modified: Timestamp::from_milliseconds(NOW + 1),
        version: Version::FIRST,
    };
    let stamp = SecurityStamp(Uuid::from_u128(0xabc));
    let hash = PasswordHash("hash".to_owned());
    must(fixture.store.write(|directory| -> Outcome<()> {
        directory.insert_user(&user, Some(&hash), stamp, NameSource::Authority)?;
        directory.insert_group(&group)
    }));
    let read = must(fixture.store.read(|directory| -> Outcome<_> {
        Ok((
            directory.user(user.id)?,
            directory.group(group.id)?,
            directory.account_status(user.id)?.map(|status| status.stamp),
        ))
    }));
    assert_eq!(read, (Some(user), Some(group), Some(stamp)));
}

/// Work that ends with an error leaves no trace, however it was run.
pub fn refused_work_leaves_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, member) = (fixture.group("Soap"), fixture.user("member"));
    let refuse = || StoreError::failed("refused");
    let user = user_named("undone", Uuid::from_u128(0xfeed));
    let refused: Outcome<()> = fixture.store.write(|directory| {
        directory.insert_user(&user, None, SecurityStamp(Uuid::nil()), NameSource::Authority)?;
        directory.insert_members(group, &BTreeSet::from([user.id, member]), Provenance::at(user.created))?;
        Err(refuse())
    });
    assert!(refused.is_err());
    let child = fixture.system(SystemGroup::AdUsers);
    let refused: Outcome<()> = fixture.store.write_alone(|directory| {
        directory.insert_children(group, &BTreeSet::from([child]), Provenance::at(user.created))?;
        Err(refuse())
    });
    assert!(refused.is_err());
    let read = must(fixture.store.read(|directory| -> Outcome<_> {
        Ok((directory.user(user.id)?, directory.is_effective_member(group, member)?))
    }));
    assert_eq!(read, (None, false));
    assert_eq!((fixture.read(group).user_count, fixture.read(group).child_group_count), (0, 0));
}

/// Work that ignores the failure of one of its calls is not committed, and its error is reported.
pub fn work_that_ignores_a_failure_is_not_committed(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, taken) = (fixture.group("Soap"), fixture.user("taken"));
    let twin = user_named("twin", taken.0);
    let ended: Outcome<Vec<UserId>> = fixture.store.write(|directory| {
        let new = directory.insert_members(group, &BTreeSet::from([taken]), Provenance::at(twin.created))?;
        let _ = directory.insert_user(&twin, None, SecurityStamp(taken.0), NameSource::Unverified);
        Ok(new)
    });
    assert!(ended.is_err());
    assert!(!fixture.is_in(group, taken));
}

/// Where work makes one change, it is made wholly or not at all, and not after a call that failed.
pub fn one_change_is_made_wholly_or_not_at_all(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, taken) = (fixture.group("Soap"), fixture.user("taken"));
    let joined = BTreeSet::from([group]);
    let [free, twin] = [("free", Uuid::from_u128(0xfeed)), ("twin", taken.0)].map(|(name, id)| user_named(name, id));
    let named_alike =
        User { email: Email::try_from("taken".to_owned()).ok(), ..user_named("TAKEN", Uuid::from_u128(0xbeef)) };
    let everyone = fixture.read(fixture.system(SystemGroup::Everyone)).user_count;
    for refused in [&twin, &named_alike] {
        let ended: Outcome<()> = fixture.store.write_once(|directory| {
            let stamp = SecurityStamp(refused.id.0);
            directory.insert_member_of(
                (&joined, Provenance::at(refused.created)),
                refused,
                None,
                stamp,
                NameSource::Authority,
            )
        });
        assert!(ended.is_err(), "{refused:?}");
    }
    let ended: Outcome<Vec<UserId>> = fixture.store.write_once(|directory| {
        let _ = directory.insert_user(&twin, None, SecurityStamp(taken.0), NameSource::Unverified);
        directory.insert_members(group, &BTreeSet::from([taken]), Provenance::at(twin.created))
    });
    assert!(ended.is_err());
    let ended: Outcome<()> = fixture.store.write_once(|_| Err(StoreError::failed("refused")));
    assert!(ended.is_err());
    let names = must(fixture.store.read(|directory| {
        let twin = directory.user_id(&UserIdentifier::from("twin"))?;
        Ok::<_, StoreError>((twin, directory.user(named_alike.id)?))
    }));
    assert_eq!((names, fixture.read(group).user_count), ((None, None), 0));
    let made = must(fixture.store.write_once(|directory| -> Outcome<_> {
        let before = directory.user(free.id)?;
        directory.insert_member_of(
            (&joined, Provenance::at(free.created)),
            &free,
            None,
            SecurityStamp(free.id.0),
            NameSource::Authority,
        )?;
        Ok(before)
    }));
    assert_eq!(made, None);
    assert!(fixture.is_in(group, free.id));
    assert_eq!(fixture.read(group).user_count, 1);
    assert_eq!(fixture.read(fixture.system(SystemGroup::Everyone)).user_count, everyone);
}

/// A use case may undo what it did and return a value all the same. Notes are kept of committed changes alone.
pub fn a_wanted_rollback_returns_its_value_and_leaves_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, member) = (fixture.group("Soap"), fixture.user("member"));
    for (finish, is_kept) in [(Finish::Rollback as fn(u64) -> Finish<u64>, false), (Finish::Commit, true)] {
        for turn in [Turn::Any, Turn::Alone] {
            let context = fixture.by(&fixture.admin);
            let join = |work: &mut Writing<'_>| {
                let new = work.insert_members(group, &BTreeSet::from([member]), Provenance::at(fixture.now()))?;
                work.note([AuditNote::Locked { user: member }]);
                Ok::<_, Refused>(finish(new.len() as u64))
            };
            let new = fixture.directory.write(&context, turn, join);
            assert_eq!(must(new), u64::from(!is_kept || turn == Turn::Any));
            assert_eq!((fixture.is_in(group, member), context.take_notes().len()), (is_kept, usize::from(is_kept)));
        }
    }
}

/// What a part did that is undone leaves no trace, in the rest of the unit of work either; the rest stays.
pub fn a_part_is_undone_by_itself(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [one, two, three] = ["one", "two", "three"].map(|name| fixture.user(name));
    let [group, child, doomed] = ["Soap", "Suds", "Doomed"].map(|name| fixture.group(name));
    fixture.join(doomed, &[three]);
    let added = Provenance::at(fixture.now());
    let join = |user: UserId| BTreeSet::from([user]);
    let joined: (Vec<UserId>, Vec<UserId>) = must(fixture.store.write_alone(|store| -> Outcome<_> {
        store.insert_members(group, &join(one), added)?;
        store.within_savepoint(&mut |part| {
            let work = |part: &mut dyn Writer| -> Outcome<()> {
                part.insert_members(group, &join(two), added)?;
                part.remove_member(group, one, fixture.now())?;
                part.insert_children(group, &BTreeSet::from([child]), added)?;
                part.delete_group(doomed, fixture.now())?;
                part.within_savepoint(&mut |inner| {
                    inner.insert_members(child, &join(three), added).map(drop).map_err(|_| Undo)
                })?;
                assert!(part.is_effective_member(group, three)?);
                Ok(())
            };
            must(work(part));
            Err(Undo)
        })?;
        let inside = store.is_effective_member(group, one)? && !store.is_effective_member(group, two)?;
        assert!(inside && !store.is_effective_member(group, three)?);
        assert!(store.is_effective_member(doomed, three)?);
        store
            .within_savepoint(&mut |part| part.insert_members(child, &join(two), added).map(drop).map_err(|_| Undo))?;
        Ok((store.insert_members(group, &join(one), added)?, store.insert_members(child, &join(two), added)?))
    }));
    assert_eq!(joined, (Vec::new(), Vec::new()));
    let read =
        [group, child, doomed].map(|group| (fixture.read(group).user_count, fixture.read(group).child_group_count));
    assert_eq!(read, [(1, 0), (1, 0), (1, 0)]);
    assert!(fixture.is_in(group, one) && fixture.is_in(child, two) && fixture.is_in(doomed, three));
    assert!(!fixture.is_in(group, two) && !fixture.is_in(child, three));
}

/// A store that takes changes is ready, also while another unit of work writes.
pub fn a_store_that_takes_changes_is_ready(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    must(fixture.directory.ready());
    let user = user_named("busy", Uuid::from_u128(0xfeed));
    let written: Outcome<()> = fixture.store.write_alone(|directory| {
        directory.insert_user(&user, None, SecurityStamp(Uuid::nil()), NameSource::Authority)?;
        fixture.store.ready()
    });
    must(written);
    must(fixture.directory.ready());
}

/// Whenever nobody administers for good, an administrator can be made, also where there are users. A user of the name gets no power by that.
pub fn an_administrator_is_made_whenever_nobody_administers(store: Arc<dyn Store>) {
    let fixture = Fixture::empty(store);
    fixture.user("tyler");
    let create = |name: &str| fixture.directory.create_first_administrator(&fixture.operator(), name, "F1ghtC1ub1234!");
    let taken = create("tyler");
    let is_taken = matches!(taken, Err(FirstAdministratorError::User(CreateUserError::UsernameTaken(ref name))) if name == "tyler");
    assert!(is_taken, "{taken:?}");
    let admin = must(must(create("admin")).ok_or("nobody was made"));
    assert!(fixture.is_in(fixture.system(SystemGroup::SystemAdministrators), admin.id));
    assert!(must(create("another")).is_none());
}

/// There are nine system groups, `Everyone` below `CMS Editors`, and one first administrator, however often one asks.
pub fn preparing_twice_changes_nothing(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let before: Vec<Group> = SystemGroup::ALL.into_iter().map(|group| fixture.read(fixture.system(group))).collect();
    must(fixture.directory.prepare(&fixture.operator()));
    assert!(
        must(fixture.directory.create_first_administrator(&fixture.operator(), "another", "F1ghtC1ub1234!")).is_none()
    );
    let after: Vec<Group> = SystemGroup::ALL.into_iter().map(|group| fixture.read(fixture.system(group))).collect();
    assert_eq!(before, after);
    assert!(fixture.is_in(fixture.system(SystemGroup::CmsEditors), fixture.admin.user));
    assert!(fixture.is_in(fixture.system(SystemGroup::SystemAdministrators), fixture.admin.user));
}
