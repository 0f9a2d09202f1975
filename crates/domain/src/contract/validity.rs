//! Memberships and edges that begin and end by a date.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fixture::must;
use super::{Fixture, Given};
use crate::directory::{Directory, RemoveChildError, RemoveMemberError, ScheduleMemberError};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{Cancellation, Fault, MemberStanding, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityChange, ValidityDate, ValidityError, ValidityState};
use crate::version::Precondition;

/// A change that clears both dates.
pub(super) const NO_DATES: ValidityChange = ValidityChange { from: Some(None), until: Some(None) };

impl Fixture {
    /// So many milliseconds after the tests begin.
    #[expect(clippy::unused_self, reason = "it reads as the time of the fixture")]
    pub(super) fn at(&self, milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(super::fixture::NOW + milliseconds)
    }

    /// Lets the clock show this moment.
    pub(super) fn set_clock(&self, milliseconds: i64) {
        self.clock.set(self.at(milliseconds));
    }

    /// A change to these dates, in milliseconds after the tests begin.
    pub(super) fn dates(&self, from: Option<i64>, until: Option<i64>) -> ValidityChange {
        let date = |moment: Option<i64>| Some(moment.map(|moment| self.at(moment)));
        ValidityChange { from: date(from), until: date(until) }
    }

    /// Gives a membership dates.
    pub(super) fn schedule(
        &self,
        group: GroupId,
        user: UserId,
        change: ValidityChange,
    ) -> Result<(), ScheduleMemberError> {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        self.directory.schedule_member(&self.by(&self.admin), &group, &user, change)
    }

    /// Gives an edge dates.
    pub(super) fn schedule_edge(&self, parent: GroupId, child: GroupId, change: ValidityChange) {
        let (parent, child) = (GroupIdentifier::Id(parent), GroupIdentifier::Id(child));
        must(self.directory.schedule_child(&self.by(&self.admin), &parent, &child, change));
    }

    /// How a user stands to a group.
    pub(super) fn standing(&self, group: GroupId, user: UserId) -> Option<MemberStanding> {
        let users = BTreeSet::from([user]);
        must(self.store.read(|reader| reader.standings_of_members(group, &users))).remove(&user)
    }
}

/// What is said is set, `null` clears, what is not said stays; without dates, somebody comes in at once or stays as they are.
pub fn dates_change_as_they_are_said(given: Given) {
    let fixture = Fixture::given(given);
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    let standing = |state, from: Option<i64>, until: Option<i64>| {
        let validity = Validity { from: from.map(|at| fixture.at(at)), until: until.map(|at| fixture.at(at)) };
        Some(MemberStanding { state, validity })
    };
    let schedule = |change| fixture.schedule(group, user, change);
    let (from, until) =
        (|at| ValidityChange { from: Some(at), until: None }, |at| ValidityChange { from: None, until: Some(at) });
    let is = |expected: Option<MemberStanding>| {
        must(fixture.directory.authenticate(&fixture.by(&fixture.admin)));
        assert_eq!(fixture.standing(group, user), expected);
        let is_active = expected.is_some_and(|standing| standing.state == ValidityState::Active);
        assert_eq!((fixture.is_in(group, user), fixture.read(group).user_count), (is_active, u64::from(is_active)));
    };
    let (active, scheduled) = (ValidityState::Active, ValidityState::Scheduled);
    must(schedule(fixture.dates(Some(1000), Some(5000))));
    is(standing(scheduled, Some(1000), Some(5000)));
    must(schedule(until(Some(fixture.at(4000)))));
    is(standing(scheduled, Some(1000), Some(4000)));
    must(schedule(ValidityChange::default()));
    is(standing(scheduled, Some(1000), Some(4000)));
    must(schedule(until(None)));
    is(standing(scheduled, Some(1000), None));
    must(schedule(from(Some(fixture.at(500)))));
    must(schedule(until(Some(fixture.at(3000)))));
    // Added by a request that knows no dates, they come in at once, with their end.
    let (id, by) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
    must(fixture.directory.add_member(&fixture.by(&fixture.admin), &id, &by));
    is(standing(active, None, Some(3000)));
    must(fixture.directory.add_member(&fixture.by(&fixture.admin), &id, &by));
    is(standing(active, None, Some(3000)));
    fixture.set_clock(600);
    is(standing(active, None, Some(3000)));
    must(schedule(from(Some(fixture.at(2000)))));
    is(standing(scheduled, Some(2000), Some(3000)));
    must(schedule(from(None)));
    is(standing(active, None, Some(3000)));
    must(schedule(from(Some(fixture.at(100)))));
    is(standing(active, Some(100), Some(3000)));
    must(schedule(fixture.dates(None, None)));
    is(standing(active, None, None));
    must(schedule(from(Some(fixture.at(700)))));
    assert_eq!(fixture.join(group, &[user]), 1);
    is(standing(active, None, None));
    fixture.set_clock(800);
    is(standing(active, None, None));
    must(fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &by));
    must(schedule(from(Some(fixture.at(900)))));
    must(fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &by));
    is(None);
    let again = fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &by);
    assert!(matches!(again, Err(RemoveMemberError::NotAMember)));
    fixture.set_clock(1000);
    is(None);
}

/// Dates that contradict one another or the present are refused with the date, and change nothing.
pub fn impossible_dates_are_refused(given: Given) {
    let fixture = Fixture::given(given);
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    let everyone = fixture.system(SystemGroup::Everyone);
    for (dates, error) in [
        (fixture.dates(Some(1000), Some(1000)), ValidityError::EndsBeforeItBegins(ValidityDate::Until)),
        (fixture.dates(None, Some(0)), ValidityError::HasEnded),
        (fixture.dates(Some(-5000), Some(-1)), ValidityError::HasEnded),
    ] {
        let refused = fixture.schedule(group, user, dates);
        assert!(matches!(refused, Err(ScheduleMemberError::Invalid(found)) if found == error), "{refused:?}");
    }
    must(fixture.schedule(group, user, fixture.dates(None, Some(1000))));
    let later = ValidityChange { from: Some(Some(fixture.at(1000))), until: None };
    let refused = fixture.schedule(group, user, later);
    assert!(matches!(
        refused,
        Err(ScheduleMemberError::Invalid(ValidityError::EndsBeforeItBegins(ValidityDate::From)))
    ));
    assert!(fixture.is_in(group, user));
    let refused = fixture.schedule(everyone, user, fixture.dates(None, Some(1000)));
    assert!(matches!(refused, Err(ScheduleMemberError::Everyone)));
    must(fixture.schedule(everyone, user, fixture.dates(None, None)));
    let (parent, child) = (GroupIdentifier::Id(group), GroupIdentifier::Id(everyone));
    let refused = fixture.directory.remove_child(&fixture.by(&fixture.admin), &parent, &child);
    assert!(matches!(refused, Err(RemoveChildError::NotAChild)));
    fixture.schedule_edge(group, everyone, fixture.dates(Some(10), None));
    must(fixture.directory.remove_child(&fixture.by(&fixture.admin), &parent, &child));
    fixture.set_clock(10);
    assert_eq!(fixture.read(group).child_group_count, 0);
}

/// Who is deleted takes what was scheduled along, and nothing is due that cannot happen.
pub fn what_was_scheduled_goes_with_its_user_and_its_group(given: Given) {
    let fixture = Fixture::given(given);
    let [group, other, child] = ["group", "other", "child"].map(|name| fixture.group(name));
    let (gone, stays) = (fixture.user("gone"), fixture.user("stays"));
    for user in [gone, stays] {
        must(fixture.schedule(group, user, fixture.dates(Some(1000), Some(2000))));
        must(fixture.schedule(other, user, fixture.dates(None, Some(2000))));
    }
    fixture.schedule_edge(other, child, fixture.dates(Some(1000), None));
    fixture.schedule_edge(other, group, fixture.dates(Some(1000), None));
    let delete = |group| {
        let group = GroupIdentifier::Id(group);
        fixture.directory.delete_group(&fixture.by(&fixture.admin), &group, &Precondition::default())
    };
    must(fixture.directory.delete_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::Id(gone),
        &Precondition::default(),
    ));
    must(delete(child));
    fixture.set_clock(1000);
    assert_eq!((fixture.read(group).user_count, fixture.read(other).child_group_count), (1, 1));
    must(delete(group));
    fixture.set_clock(2000);
    assert_eq!((fixture.read(other).user_count, fixture.read(other).child_group_count), (0, 0));
}

/// A store says that something is due before it answers anything, and the directory makes it so.
pub fn a_store_says_what_is_due(given: Given) {
    let fixture = Fixture::given(given);
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    must(fixture.schedule(group, user, fixture.dates(Some(1000), None)));
    must(fixture.store.read(|reader| reader.check_due()));
    fixture.set_clock(1000);
    let fault = |outcome: Result<(), StoreError>| outcome.map_err(|error| error.fault());
    let due = Err(Fault::Due(fixture.at(1000)));
    assert_eq!(fault(fixture.store.read(|reader| reader.check_due())), due);
    assert_eq!(fault(fixture.store.read(|reader| reader.account_status(user).map(drop))), due);
    assert_eq!(fault(fixture.store.account(&Cancellation::new(), user).map(drop)), due);
    // Work that goes on all the same has failed.
    let ignored = fixture.store.write::<_, StoreError>(|writer| {
        let _ = writer.check_due();
        Ok(())
    });
    assert_eq!(fault(ignored), due);
    let elsewhere: Directory<'_> = fixture.directory_over(Arc::clone(&fixture.store));
    must(elsewhere.authenticate(&fixture.by(&fixture.admin)));
    assert!(fixture.is_in(group, user));
}
