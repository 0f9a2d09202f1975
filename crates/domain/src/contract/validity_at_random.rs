//! Histories of dates made up at random, against a model that looks at each date by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::fixture::must;
use super::numbers::Numbers;
use super::patches::ATOMIC;
use super::{Fixture, Given};
use crate::directory::{MemberList, Patch, PatchMembersError, ScheduleMemberError};
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{MembershipListing, MembershipOrder, Reach};
use crate::search::Filter;
use crate::user::UserId;
use crate::validity::{Validity, ValidityChange, ValidityState};
use crate::version::Precondition;

const GROUPS: usize = 6;
const USERS: usize = 5;

/// Memberships and edges by their numbers, each with its dates in milliseconds. What has ended is not in it.
#[derive(Default)]
struct Model {
    now: i64,
    members: BTreeMap<(usize, usize), Dates>,
    edges: BTreeMap<(usize, usize), Dates>,
}

/// From when, until when.
type Dates = (Option<i64>, Option<i64>);

fn counts((from, until): Dates, now: i64) -> bool {
    from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
}

impl Model {
    fn move_on(&mut self, to: i64) {
        self.now = to;
        for all in [&mut self.members, &mut self.edges] {
            all.retain(|_, (_, until)| until.is_none_or(|until| to < until));
        }
    }

    fn below(&self, group: usize, is_edge: impl Fn(Dates) -> bool) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::from([group]), vec![group]);
        while let Some(next) = open.pop() {
            let children = self.edges.iter().filter(|((parent, _), dates)| *parent == next && is_edge(**dates));
            open.extend(children.map(|((_, child), _)| *child).filter(|child| found.insert(*child)));
        }
        found
    }

    fn is_in(&self, group: usize, user: usize) -> bool {
        let below = self.below(group, |dates| counts(dates, self.now));
        below.iter().any(|group| self.members.get(&(*group, user)).is_some_and(|dates| counts(*dates, self.now)))
    }

    fn number(&self, all: &BTreeMap<(usize, usize), Dates>, group: usize) -> u64 {
        all.iter().filter(|((of, _), dates)| *of == group && counts(**dates, self.now)).count() as u64
    }
}

/// What a change makes of the dates; `None`: it is refused.
#[expect(clippy::option_option, reason = "as in the type that it models")]
fn changed(
    before: Option<Dates>,
    (from, until): (Option<Option<i64>>, Option<Option<i64>>),
    now: i64,
) -> Option<Dates> {
    let before = before.unwrap_or_default();
    let after = (from.unwrap_or(before.0), until.unwrap_or(before.1));
    let is_possible = after.1.is_none_or(|until| until > now && after.0.is_none_or(|from| until > from));
    is_possible.then_some(after)
}

/// After any history of dates, additions, removals and deletions, everything is as each date by itself says, at every moment.
pub fn dates_come_to_what_a_model_says(given: Given) {
    let fixture = Fixture::given(given);
    let mut random = Numbers(17);
    let mut groups: Vec<GroupId> = (0..GROUPS).map(|number| fixture.group(&format!("g{number}"))).collect();
    let mut users: Vec<UserId> = (0..USERS).map(|number| fixture.user(&format!("u{number}"))).collect();
    let mut model = Model::default();
    for step in 0..260 {
        let date = |random: &mut Numbers, now: i64| match random.below(4) {
            0 => None,
            1 => Some(None),
            _ => Some(Some(now - 20 + i64::try_from(random.below(120)).unwrap_or_default())),
        };
        let said = (date(&mut random, model.now), date(&mut random, model.now));
        let moment = |said: Option<Option<i64>>| said.map(|date| date.map(|at| fixture.at(at)));
        let change = ValidityChange { from: moment(said.0), until: moment(said.1) };
        let (group, user, child) = (random.below(GROUPS), random.below(USERS), random.below(GROUPS));
        let (id, by) = (GroupIdentifier::Id(groups[group]), fixture.by(&fixture.admin));
        let before = model.members.get(&(group, user)).copied();
        match random.below(12) {
            0..=3 => {
                let expected = changed(before, said, model.now);
                let refused = fixture.schedule(groups[group], users[user], change);
                assert_eq!(refused.is_ok(), expected.is_some(), "{step}: {refused:?}");
                assert!(matches!(refused, Ok(()) | Err(ScheduleMemberError::Invalid(_))));
                model.members.extend(expected.map(|dates| ((group, user), dates)));
            }
            4 => {
                must(fixture.directory.add_member(&by, &id, &UserIdentifier::Id(users[user])));
                let until = before.and_then(|(_, until)| until);
                let from = before.and_then(|(from, _)| from).filter(|from| *from <= model.now);
                model.members.insert((group, user), (from, until));
            }
            5 => {
                let removed = fixture.directory.remove_member(&by, &id, &UserIdentifier::Id(users[user]));
                assert_eq!(removed.is_ok(), before.is_some());
                model.members.remove(&(group, user));
            }
            6 => {
                // A patch says the same as single requests.
                let others: BTreeSet<usize> = (0..USERS).filter(|_| random.below(2) == 0).collect();
                let mut set: MemberList<UserId> = [UserIdentifier::Id(users[user])].into_iter().collect();
                set.date_last(change);
                set.extend(
                    others.iter().filter(|other| **other != user).map(|other| UserIdentifier::Id(users[*other])),
                );
                let patched = fixture.directory.patch_members(&by, &id, &Patch::Set(set), ATOMIC);
                let expected = changed(before, said, model.now);
                if change == ValidityChange::default() || expected.is_some() {
                    must(patched);
                    let now = model.now;
                    model.members.retain(|(of, member), _| *of != group || *member == user || others.contains(member));
                    for other in &others {
                        let dates = model.members.entry((group, *other)).or_default();
                        if *other != user {
                            dates.0 = dates.0.filter(|from| *from <= now);
                        }
                    }
                    if change == ValidityChange::default() {
                        let dates = model.members.entry((group, user)).or_default();
                        dates.0 = dates.0.filter(|from| *from <= now);
                    } else {
                        model.members.extend(expected.map(|dates| ((group, user), dates)));
                    }
                } else {
                    assert!(matches!(patched, Err(PatchMembersError::Invalid(place, _)) if place.index == 0));
                }
            }
            7 | 8 => {
                let (edge, child_id) = ((group, child), GroupIdentifier::Id(groups[child]));
                let expected = changed(model.edges.get(&edge).copied(), said, model.now)
                    .filter(|_| !model.below(child, |_| true).contains(&group));
                let nested = fixture.directory.schedule_child(&by, &id, &child_id, change);
                assert_eq!(nested.is_ok(), expected.is_some(), "{step}: {nested:?}");
                model.edges.extend(expected.map(|dates| (edge, dates)));
            }
            9 => {
                let child_id = GroupIdentifier::Id(groups[child]);
                let removed = fixture.directory.remove_child(&by, &id, &child_id);
                assert_eq!(removed.is_ok(), model.edges.remove(&(group, child)).is_some());
            }
            10 if step % 4 == 0 => {
                must(fixture.directory.delete_group(&by, &id, &Precondition::default()));
                groups[group] = fixture.group(&format!("g{group} at {step}"));
                model.members.retain(|(of, _), _| *of != group);
                model.edges.retain(|(parent, child), _| *parent != group && *child != group);
            }
            10 if step % 4 == 1 => {
                let gone = UserIdentifier::Id(users[user]);
                must(fixture.directory.delete_user(&by, &gone, &Precondition::default()));
                users[user] = fixture.user(&format!("u{user} at {step}"));
                model.members.retain(|(_, member), _| *member != user);
            }
            _ => {
                model.move_on(model.now + i64::try_from(random.below(40)).unwrap_or_default());
                fixture.set_clock(model.now);
            }
        }
        agrees(&fixture, &model, &groups, &users, step);
    }
}

fn agrees(fixture: &Fixture, model: &Model, groups: &[GroupId], users: &[UserId], step: i32) {
    let by = || fixture.by(&fixture.admin);
    let page = fixture.all(must(Page::new(0, 100)));
    for (number, group) in groups.iter().enumerate() {
        let found = fixture.read(*group);
        let expected = (model.number(&model.members, number), model.number(&model.edges, number));
        assert_eq!((found.user_count, found.child_group_count), expected, "{step}");
        let id = GroupIdentifier::Id(*group);
        let members = must(fixture.directory.members(&by(), &id, Reach::Effective, &[], &page));
        let members: BTreeSet<UserId> = members.items.iter().map(|user| user.id).collect();
        let expected = (0..users.len()).filter(|user| model.is_in(number, *user)).map(|user| users[user]).collect();
        assert_eq!(members, expected, "{step}");
        let listing = MembershipListing {
            state: None,
            expiring_before: None,
            filter: Filter::all(),
            order: MembershipOrder::Name,
            is_descending: false,
            page: must(Page::new(0, 100)),
            now: fixture.now(),
        };
        let listed = must(fixture.directory.memberships_of_group(&by(), &id, &listing)).items;
        let listed: BTreeMap<UserId, (Validity, ValidityState)> =
            listed.into_iter().map(|item| (item.member.id, (item.validity, item.state))).collect();
        let dated = model.members.iter().filter(|((of, _), _)| *of == number).map(|((_, user), (from, until))| {
            let validity = Validity { from: from.map(|at| fixture.at(at)), until: until.map(|at| fixture.at(at)) };
            (users[*user], (validity, validity.state(fixture.now())))
        });
        assert_eq!(listed, dated.collect(), "{step}");
        let above =
            must(fixture.store.read(|reader| reader.at_or_above_among(*group, &groups.iter().copied().collect())));
        let above_in_model = (0..groups.len()).filter(|other| model.below(*other, |_| true).contains(&number));
        assert_eq!(above, above_in_model.map(|other| groups[other]).collect(), "{step}");
    }
}
