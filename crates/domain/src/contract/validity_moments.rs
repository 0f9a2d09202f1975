//! The moments at which memberships and edges begin and end.

use super::fixture::must;
use super::{Fixture, Given};
use crate::access::{Denied, Permission};
use crate::directory::{MemberCheck, MembershipCheck};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::Reach;
use crate::user::UserId;

impl Fixture {
    /// Every answer that the directory has about whether a user is in a group, the first of them from `first`.
    fn answers(&self, first: usize, group: GroupId, user: UserId) -> Vec<bool> {
        let count = ANSWERS.len();
        (0..count).map(|number| ANSWERS[(first + number) % count](self, group, user)).collect()
    }
}

type Answer = fn(&Fixture, GroupId, UserId) -> bool;

/// Ways to ask whether a user is in a group, each by an administrator.
const ANSWERS: [Answer; 9] = [
    |fixture, group, user| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        must(fixture.directory.is_member(&fixture.by(&fixture.admin), &group, &user))
    },
    |fixture, group, user| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        let context = fixture.by(&fixture.admin);
        let check = MemberCheck { context: &context, group: &group, user: &user };
        let answers = fixture.directory.are_members(&[check, check]);
        answers.into_iter().all(|answer| must(must(answer.ok_or("undecided"))))
    },
    |fixture, group, user| {
        let listing = fixture.all(must(Page::new(0, 100)));
        let group = GroupIdentifier::Id(group);
        let page = fixture.directory.members(&fixture.by(&fixture.admin), &group, Reach::Effective, &[], &listing);
        let page = must(page);
        assert_eq!(page.total, page.items.len() as u64);
        page.items.iter().any(|member| member.id == user)
    },
    |fixture, group, user| {
        let (user, listing) = (UserIdentifier::Id(user), fixture.all(must(Page::new(0, 100))));
        let page =
            fixture.directory.groups_of_user(&fixture.by(&fixture.admin), &user, Reach::Effective, &[], &listing);
        must(page).items.iter().any(|listed| listed.id == group)
    },
    |fixture, group, user| {
        let check = MembershipCheck { user: UserIdentifier::Id(user), group: GroupIdentifier::Id(group) };
        let checked = fixture.directory.check_memberships(&fixture.by(&fixture.admin), &[check]);
        must(checked) == [true]
    },
    |fixture, group, user| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        must(fixture.directory.explain_membership(&fixture.by(&fixture.admin), &group, &user, 10)).is_member()
    },
    |fixture, group, user| {
        let names = group.to_string();
        must(fixture.directory.is_member_of_any(&fixture.by(&fixture.admin), &UserIdentifier::Id(user), &names))
    },
    |fixture, group, user| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        must(fixture.directory.is_member(&fixture.operator(), &group, &user))
    },
    |fixture, group, user| {
        // A group and a user are read by one question each.
        must(fixture.directory.group(&fixture.by(&fixture.admin), &GroupIdentifier::Id(group)));
        must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(user)));
        fixture.is_in(group, user)
    },
];

/// A membership counts from its first moment on, and at its last one no more, whoever asks first and however.
pub fn a_membership_counts_exactly_between_its_dates(given: Given) {
    let fixture = Fixture::given(given);
    let (above, group) = (fixture.group("above"), fixture.group("group"));
    fixture.nest(above, group);
    for (number, _) in ANSWERS.iter().enumerate() {
        let begin = i64::try_from(number).unwrap_or_default() * 10_000;
        fixture.set_clock(begin);
        let user = fixture.user(&format!("u{number}"));
        must(fixture.schedule(group, user, fixture.dates(Some(begin + 1000), Some(begin + 2000))));
        for (moment, is_in) in [(0, false), (999, false), (1000, true), (1999, true), (2000, false), (2001, false)] {
            fixture.set_clock(begin + moment);
            for group in [above, group] {
                assert_eq!(fixture.answers(number, group, user), [is_in; ANSWERS.len()], "{number} at {moment}");
            }
            assert_eq!(fixture.read(group).user_count, u64::from(is_in));
        }
        assert_eq!(fixture.standing(group, user), None);
    }
}

/// The same of an edge, with everybody below it.
pub fn an_edge_counts_exactly_between_its_dates(given: Given) {
    let fixture = Fixture::given(given);
    let [top, above, below, bottom] = ["top", "above", "below", "bottom"].map(|name| fixture.group(name));
    fixture.nest(top, above);
    fixture.nest(below, bottom);
    let user = fixture.user("user");
    fixture.join(bottom, &[user]);
    for (number, _) in ANSWERS.iter().enumerate() {
        let begin = i64::try_from(number).unwrap_or_default() * 10_000;
        fixture.set_clock(begin);
        fixture.schedule_edge(above, below, fixture.dates(Some(begin + 1000), Some(begin + 2000)));
        for (moment, is_there) in [(0, false), (999, false), (1000, true), (1999, true), (2000, false), (2001, false)] {
            fixture.set_clock(begin + moment);
            for group in [top, above] {
                assert_eq!(fixture.answers(number, group, user), [is_there; ANSWERS.len()], "{number} at {moment}");
            }
            assert_eq!(fixture.read(above).child_group_count, u64::from(is_there));
            assert!(fixture.is_in(below, user));
        }
    }
}

/// What was due while nobody asked happens before the next question, all of it, in whatever order it began and ended.
pub fn what_was_due_meanwhile_has_happened(given: Given) {
    let fixture = Fixture::given(given);
    let groups: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|name| fixture.group(name)).collect();
    let users: Vec<_> = (0..5).map(|number| fixture.user(&format!("u{number}"))).collect();
    let dates = |from, until| fixture.dates(from, until);
    // a above b above c, until 300 at last; d above a from 200 on; e above d for a while that is over.
    fixture.schedule_edge(groups[0], groups[1], dates(Some(100), None));
    fixture.schedule_edge(groups[1], groups[2], dates(Some(150), Some(300)));
    fixture.schedule_edge(groups[3], groups[0], dates(Some(200), None));
    fixture.schedule_edge(groups[4], groups[3], dates(Some(110), Some(290)));
    for (user, (from, until)) in users.iter().zip([
        (None, Some(120)),
        (Some(50), None),
        (Some(60), Some(70)),
        (Some(500), None),
        (Some(310), None),
    ]) {
        must(fixture.schedule(groups[2], *user, dates(from, until)));
        must(fixture.schedule(groups[1], *user, dates(from, until)));
    }
    fixture.set_clock(310);
    let expected = |group: usize, user: usize| matches!((group, user), (0..=3, 1 | 4));
    for (group, id) in groups.iter().enumerate() {
        for (user, of) in users.iter().enumerate() {
            assert_eq!(fixture.answers(group, *id, *of), [expected(group, user); ANSWERS.len()], "{group} {user}");
        }
    }
    let counts: Vec<_> = groups.iter().map(|group| fixture.read(*group)).collect();
    assert_eq!(counts.iter().map(|group| group.user_count).collect::<Vec<_>>(), [0, 2, 2, 0, 0]);
    assert_eq!(counts.iter().map(|group| group.child_group_count).collect::<Vec<_>>(), [1, 0, 0, 1, 0]);
    let nothing = must(fixture.store.write_alone(|writer| writer.make_due(fixture.now(), true)));
    assert_eq!(nothing, Some(Vec::new()));
}

/// Whoever administers until a date may do nothing from that moment on, also if nobody asked before.
pub fn a_permission_ends_with_the_membership(given: Given) {
    let fixture = Fixture::given(given);
    let system = fixture.system(SystemGroup::SystemAdministrators);
    let between = fixture.group("between");
    fixture.schedule_edge(system, between, fixture.dates(Some(1000), Some(2000)));
    let user = fixture.user("user");
    fixture.join(between, &[user]);
    let caller = fixture.caller(user);
    for (moment, expected) in
        [(999, Err(Denied::NotPermitted)), (1000, Ok(())), (1999, Ok(())), (2000, Err(Denied::NotPermitted))]
    {
        fixture.set_clock(moment);
        assert_eq!(fixture.may(&caller, Permission::ManageApiKeys), expected, "{moment}");
        let added = fixture.directory.add_member(
            &fixture.by(&caller),
            &GroupIdentifier::Id(between),
            &UserIdentifier::Id(fixture.admin.user),
        );
        assert_eq!(added.is_ok(), expected.is_ok());
    }
}
