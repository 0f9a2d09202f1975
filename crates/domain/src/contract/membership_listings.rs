//! Listings of memberships and edges with their dates.

use super::fixture::must;
use super::numbers::Numbers;
use super::{Fixture, Given};
use crate::access::{Denied, Refused};
use crate::directory::{ReadGroupError, ReadUserError};
use crate::group::SystemGroup;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::page::{Page, Paged};
use crate::ports::{ListedMember, MembershipListing, MembershipOrder, NamedGroup, Person};
use crate::position::Position;
use crate::search::{Field, Filter, GroupField, UserField};
use crate::user::UserId;
use crate::validity::{Validity, ValidityState};

const ORDERS: [MembershipOrder; 4] =
    [MembershipOrder::Name, MembershipOrder::Added, MembershipOrder::From, MembershipOrder::Until];

fn listing<F: Field>(fixture: &Fixture, state: Option<ValidityState>, page: Page) -> MembershipListing<F> {
    MembershipListing {
        state,
        expiring_before: None,
        filter: Filter::all(),
        order: MembershipOrder::Name,
        is_descending: false,
        page,
        now: fixture.now(),
    }
}

/// All items of a listing, walked in pages of `size`, and by pages with a number: both are the same.
fn walk<M: Clone + std::fmt::Debug + PartialEq>(
    size: u64,
    page_of: impl Fn(Page) -> Paged<ListedMember<M>>,
) -> Vec<ListedMember<M>> {
    let (mut items, mut position) = (Vec::new(), None::<Position>);
    loop {
        let page = page_of(must(position.map_or_else(|| Page::first(size), |position| Page::after(position, size))));
        items.extend(page.items);
        match page.next {
            Some(next) => position = Some(next),
            None => break,
        }
    }
    let mut numbered = Vec::new();
    for index in 0.. {
        let page = page_of(must(Page::new(index, size)));
        assert_eq!(page.total, items.len() as u64);
        if page.items.is_empty() {
            break;
        }
        numbered.extend(page.items);
    }
    assert_eq!(numbered, items);
    items
}

/// Every order, both ways, in every state: each item once, in the order of its values, with the total.
pub fn memberships_are_walked_in_every_order(given: Given) {
    let fixture = Fixture::given(given);
    let mut random = Numbers(23);
    let users: Vec<_> = (0..9).map(|number| fixture.user(&format!("user{number}"))).collect();
    let groups: Vec<_> = (0..9).map(|number| fixture.group(&format!("Group {number}"))).collect();
    let (group, user) = (groups[0], users[0]);
    for (number, member) in users.iter().enumerate() {
        fixture.set_clock(i64::try_from(number / 3).unwrap_or_default());
        let date = |random: &mut Numbers| Some(1000 * (1 + i64::try_from(random.below(3)).unwrap_or_default()));
        let (from, until) = match random.below(4) {
            0 => (None, None),
            1 => (date(&mut random), None),
            2 => (None, date(&mut random)),
            _ => (date(&mut random), Some(9000)),
        };
        must(fixture.schedule(group, *member, fixture.dates(from, until)));
        if number > 0 {
            must(fixture.schedule(groups[number], user, fixture.dates(from, until)));
            fixture.schedule_edge(group, groups[number], fixture.dates(from, until));
        }
    }
    fixture.set_clock(1000);
    let (id, by) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
    for state in [Some(ValidityState::Active), Some(ValidityState::Scheduled), None] {
        for (order, is_descending) in ORDERS.into_iter().flat_map(|order| [(order, false), (order, true)]) {
            for size in [1, 2, 100] {
                let sorted = |places: Vec<Position>| {
                    assert!(places.is_sorted_by(|one, other| {
                        if is_descending { other.precedes(one) } else { one.precedes(other) }
                    }));
                };
                let members = walk(size, |page| {
                    let listing = MembershipListing { order, is_descending, ..listing(&fixture, state, page) };
                    must(fixture.directory.memberships_of_group(&fixture.by(&fixture.admin), &id, &listing))
                });
                sorted(members.iter().map(|item| item.place_of_user(order)).collect());
                let of_user = walk(size, |page| {
                    let listing = MembershipListing { order, is_descending, ..listing(&fixture, state, page) };
                    must(fixture.directory.memberships_of_user(&fixture.by(&fixture.admin), &by, &listing))
                });
                sorted(of_user.iter().map(|item| item.place_of_group(order)).collect());
                let edges = walk(size, |page| {
                    let listing = MembershipListing { order, is_descending, ..listing(&fixture, state, page) };
                    must(fixture.directory.edges_of_group(&fixture.by(&fixture.admin), &id, &listing))
                });
                sorted(edges.iter().map(|item| item.place_of_child(order)).collect());
                let states = members.iter().map(|item| item.state).chain(edges.iter().map(|item| item.state));
                assert!(
                    states
                        .chain(of_user.iter().map(|item| item.state))
                        .all(|found| state.is_none_or(|state| state == found))
                );
                assert!(
                    members.iter().all(|item| item.group == NamedGroup { id: group, name: fixture.read(group).name })
                );
                assert!(of_user.iter().all(|item| item.member.id == user));
                if state.is_none() {
                    assert_eq!((members.len(), of_user.len(), edges.len()), (9, 9, 8));
                }
            }
        }
    }
}

/// An item tells who was added by whom and when, from when until when; what has ended is in no listing.
pub fn a_membership_is_listed_with_its_dates(given: Given) {
    let fixture = Fixture::given(given);
    let (group, child) = (fixture.group("group"), fixture.group("child"));
    let [early, late] = ["early", "late"].map(|name| fixture.user(name));
    must(fixture.schedule(group, early, fixture.dates(None, Some(1000))));
    fixture.set_clock(500);
    must(fixture.schedule(group, late, fixture.dates(Some(800), Some(2000))));
    fixture.schedule_edge(group, child, fixture.dates(Some(800), None));
    let id = GroupIdentifier::Id(group);
    let list = |state, page: MembershipListing<UserField>| {
        let listing = MembershipListing { state, ..page };
        must(fixture.directory.memberships_of_group(&fixture.by(&fixture.admin), &id, &listing)).items
    };
    let all = || listing::<UserField>(&fixture, None, Page::default());
    let names =
        |items: Vec<ListedMember<Person>>| items.into_iter().map(|item| item.member.username).collect::<Vec<_>>();
    assert_eq!(names(list(Some(ValidityState::Active), all())), ["early"]);
    let scheduled = list(Some(ValidityState::Scheduled), all());
    let [item] = &*scheduled else { must(Err(format!("{scheduled:?}"))) };
    let validity = Validity { from: Some(fixture.at(800)), until: Some(fixture.at(2000)) };
    assert_eq!((item.member.id, item.added, item.validity), (late, Some(fixture.at(500)), validity));
    assert_eq!(item.added_by.as_ref().map(|author| author.id), Some(fixture.admin.user));
    // When it has begun, it is the one that was scheduled.
    fixture.set_clock(800);
    let active = list(Some(ValidityState::Active), all());
    let of_late: Vec<_> = active.iter().filter(|item| item.member.id == late).collect();
    assert_eq!(of_late.len(), 1);
    assert_eq!((of_late[0].added, of_late[0].validity), (Some(fixture.at(500)), validity));
    assert_eq!(of_late[0].added_by, item.added_by);
    let until = |moment| list(None, MembershipListing { expiring_before: Some(fixture.at(moment)), ..all() });
    assert_eq!(names(until(2000)), ["early"]);
    assert_eq!(names(until(2001)), ["early", "late"]);
    let naming = MembershipListing { filter: Filter::naming("LAT"), ..all() };
    assert_eq!(names(list(None, naming)), ["late"]);
    let edges = |text: &str| {
        let listing = MembershipListing {
            filter: Filter::naming(text),
            ..listing::<GroupField>(&fixture, None, Page::default())
        };
        must(fixture.directory.edges_of_group(&fixture.by(&fixture.admin), &id, &listing)).items
    };
    assert_eq!((edges("chi").len(), edges("group").len()), (1, 0));
    assert_eq!(edges("").first().map(|edge| (edge.member.id, edge.added)), Some((child, Some(fixture.at(500)))));
    fixture.set_clock(1000);
    assert_eq!(names(list(None, all())), ["late"]);
    fixture.set_clock(2000);
    assert_eq!(names(list(None, all())), Vec::<String>::new());
}

/// Managers list the memberships of what they manage, users their own, and nobody else any.
pub fn memberships_are_listed_for_those_who_may(given: Given) {
    let fixture = Fixture::given(given);
    let [soap, lye, keys] = ["Soap", "Lye", "Keys"].map(|name| fixture.group(name));
    let [marla, bob] = ["marla", "bob"].map(|name| fixture.user(name));
    fixture.appoint(soap, ManagerId::User(marla));
    must(fixture.schedule(soap, bob, fixture.dates(Some(1000), None)));
    fixture.schedule_edge(soap, lye, fixture.dates(Some(1000), None));
    fixture.schedule_edge(soap, keys, fixture.dates(Some(1000), None));
    fixture.schedule_edge(fixture.system(SystemGroup::ApiKeyAdministrators), keys, fixture.dates(Some(2000), None));
    let lists = |user: UserId, group| {
        let group = GroupIdentifier::Id(group);
        let by = fixture.by(fixture.caller(user));
        let members = fixture.directory.memberships_of_group(&by, &group, &listing(&fixture, None, Page::default()));
        let by = fixture.by(fixture.caller(user));
        let edges = fixture.directory.edges_of_group(&by, &group, &listing(&fixture, None, Page::default()));
        (members.map(|page| page.total), edges.map(|page| page.total))
    };
    assert!(matches!(lists(marla, soap), (Ok(1), Ok(1))));
    let denied = |outcome: Result<u64, ReadGroupError>| {
        matches!(outcome, Err(ReadGroupError::Refused(Refused::Denied(Denied::NotPermitted))))
    };
    for (user, group) in [(bob, soap), (marla, lye), (marla, keys)] {
        let (members, edges) = lists(user, group);
        assert!(denied(members) && denied(edges));
    }
    let of = |user: UserId, whose: &UserIdentifier| {
        let by = fixture.by(fixture.caller(user));
        fixture
            .directory
            .memberships_of_user(&by, whose, &listing(&fixture, None, Page::default()))
            .map(|page| page.total)
    };
    assert!(matches!(of(bob, &UserIdentifier::Current), Ok(1)));
    let refused = of(marla, &UserIdentifier::Id(bob));
    assert!(matches!(refused, Err(ReadUserError::Refused(Refused::Denied(Denied::NotPermitted)))));
    // A manager does not filter by what they do not see.
    let hidden = must(UserField::named("lastLogin").ok_or("no such field"));
    let filter = Filter::Is(hidden, crate::search::Test::Null);
    let by = fixture.by(fixture.caller(marla));
    let hidden = MembershipListing { filter, ..listing(&fixture, None, Page::default()) };
    let refused = fixture.directory.memberships_of_group(&by, &GroupIdentifier::Id(soap), &hidden);
    assert!(matches!(refused, Err(ReadGroupError::HiddenField(_))));
    let unknown = fixture.directory.memberships_of_user(
        &fixture.by(&fixture.admin),
        &UserIdentifier::from("nobody"),
        &listing(&fixture, None, Page::default()),
    );
    assert!(matches!(unknown, Err(ReadUserError::UserNotFound)));
}
