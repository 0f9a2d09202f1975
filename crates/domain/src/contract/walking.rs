//! Walking listings by positions.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::crowd::{Crowd, Dice, group_orders, members, person, user_orders};
use super::fixture::must;
use crate::api_key::{ApiKey, ApiKeyDraft};
use crate::external::IdentityLink;
use crate::group::{Group, GroupDraft};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::{Page, Paged};
use crate::ports::{Credentials, Reach, Store};
use crate::position::Position;
use crate::search::{Field, Filter, GroupField, Listing, Operand, Operator, Sort, UserField};
use crate::user::{Email, User, UserId, Username};

/// The most bytes of a position: sealed and written in base64 it fits into the head of a request.
const LONGEST_POSITION: usize = 9 * 1024;

fn first(size: u64) -> Page {
    must(Page::first(size))
}

/// The pages of a walk. `between` is called after each page with what it holds.
fn pages<T>(size: u64, read: impl Fn(Page) -> Paged<T>, mut between: impl FnMut(&Paged<T>)) -> Vec<Paged<T>> {
    let mut pages = Vec::new();
    let mut page = first(size);
    loop {
        let found = read(page);
        between(&found);
        let next = found.next.clone();
        pages.push(found);
        let Some(position) = next else { return pages };
        let bytes = position.encode();
        assert!(bytes.len() <= LONGEST_POSITION, "{} bytes", bytes.len());
        page = must(Page::after(must(Position::decode(&bytes).ok_or("not a position")), size));
        assert!(pages.len() < 500, "the walk does not end");
    }
}

/// Walks a listing in which nothing changes, and compares with what the filter and the order say.
fn walk<F: Field + std::fmt::Debug>(
    all: &[F::Item],
    listing: &Listing<F>,
    size: u64,
    read: impl Fn(&Listing<F>) -> Paged<F::Item>,
) where
    F::Item: Clone,
{
    let mut wanted: Vec<F::Item> =
        all.iter().filter(|item| listing.filter.lets_pass(item, listing.now)).cloned().collect();
    wanted.sort_by(|one, other| listing.compare(one, other));
    let ids = |items: &[F::Item]| items.iter().map(|item| F::id().value(item, listing.now)).collect::<Vec<_>>();
    let found = pages(size, |page| read(&Listing { page, ..listing.clone() }), |_| ());
    let expected: Vec<_> = ids(&wanted).chunks(usize::try_from(size).unwrap_or(1)).map(<[_]>::to_vec).collect();
    let expected = if expected.is_empty() { vec![Vec::new()] } else { expected };
    assert_eq!(found.iter().map(|page| ids(&page.items)).collect::<Vec<_>>(), expected, "{listing:?}");
    for page in &found {
        assert_eq!((page.total, page.page.index()), (wanted.len() as u64, 0), "{listing:?}");
    }
}

/// A walk meets all users, members and those that a filter lets pass, in every order, once each.
pub fn a_walk_meets_every_user_once_in_every_order(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let (fixture, directory, admin) = (&crowd.fixture, &crowd.fixture.directory, &crowd.fixture.admin);
    let text = |text: &str| Operand::Text(text.to_owned());
    let some = must(Filter::comparing(UserField::Names, Operator::Contains, text("o")));
    let suspended = must(Filter::comparing(UserField::Suspended, Operator::Equal, Operand::Boolean(true)));
    let group = GroupIdentifier::Id(crowd.nested[0]);
    let below = members(directory, fixture, crowd.nested[1], Reach::Effective);
    for order in user_orders() {
        for (filter, size) in [(Filter::all(), 9), (some.clone(), 7), (suspended.clone(), 5)] {
            let listing = crowd.listing(&filter, &order, &first(size));
            walk(&crowd.users, &listing, size, |listing| must(directory.users(&fixture.by(admin), listing)));
        }
        for reach in [Reach::Direct, Reach::Effective] {
            let within = members(directory, fixture, crowd.nested[0], reach);
            for excluded in [&[][..], &[GroupIdentifier::Id(crowd.nested[1])]] {
                let wanted =
                    |user: &&User| within.contains(&user.id) && (excluded.is_empty() || !below.contains(&user.id));
                let users: Vec<User> = crowd.users.iter().filter(wanted).cloned().collect();
                let listing = crowd.listing(&Filter::all(), &order, &first(11));
                walk(&users, &listing, 11, |listing| {
                    must(directory.members(&fixture.by(admin), &group, reach, excluded, listing))
                });
            }
        }
    }
}

/// The same for all groups, for children and for the groups of a user.
pub fn a_walk_meets_every_group_once_in_every_order(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let (fixture, directory, admin) = (&crowd.fixture, &crowd.fixture.directory, &crowd.fixture.admin);
    let named = must(Filter::comparing(GroupField::Name, Operator::Contains, Operand::Text("e".to_owned())));
    let top = GroupIdentifier::Id(crowd.nested[0]);
    let user = must(crowd.users.iter().find(|user| user.username.as_str() != "admin").ok_or("nobody")).id;
    for group in crowd.groups.iter().step_by(2) {
        fixture.join(group.id, &[user]);
        if !crowd.nested.contains(&group.id) {
            let _ = directory.add_child(&fixture.by(admin), &top, &GroupIdentifier::Id(group.id));
        }
    }
    let everything = || fixture.all(must(Page::new(0, 1000)));
    let groups: Vec<Group> = must(directory.groups(&fixture.by(admin), &everything())).items;
    let below = |include_self| {
        must(directory.children(&fixture.by(admin), &top, (Reach::Effective, include_self), &[], &everything())).items
    };
    let of_user = |reach, listing: &_| {
        must(directory.groups_of_user(&fixture.by(admin), &UserIdentifier::Id(user), reach, &[], listing))
    };
    assert!(below(true).len() > 20);
    for order in group_orders() {
        for (filter, size) in [(Filter::all(), 9), (named.clone(), 7)] {
            let listing = crowd.listing(&filter, &order, &first(size));
            walk(&groups, &listing, size, |listing| must(directory.groups(&fixture.by(admin), listing)));
        }
        let listing = crowd.listing(&Filter::all(), &order, &first(8));
        for include_self in [false, true] {
            walk(&below(include_self), &listing, 8, |listing| {
                must(directory.children(&fixture.by(admin), &top, (Reach::Effective, include_self), &[], listing))
            });
        }
        for reach in [Reach::Direct, Reach::Effective] {
            walk(&of_user(reach, &everything()).items, &listing, 8, |listing| of_user(reach, listing));
        }
    }
}

/// Whoever stays where they are comes once, whoever else comes, goes or moves between two pages, the last one of a page too.
pub fn a_walk_keeps_its_place_whatever_changes(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let (fixture, directory, admin) = (&crowd.fixture, &crowd.fixture.directory, &crowd.fixture.admin);
    let group = crowd.nested[0];
    let mut dice = Dice(11);
    let mut number = 1000;
    let everybody = || must(directory.users(&fixture.by(admin), &fixture.all(must(Page::new(0, 1000))))).items;
    let in_group = || members(directory, fixture, group, Reach::Direct);
    for (round, order) in user_orders().into_iter().enumerate() {
        let of_group = round % 2 == 1;
        let before = everybody();
        let before_count = before.len() - 1;
        let scope: BTreeSet<UserId> = if of_group { in_group() } else { before.iter().map(|user| user.id).collect() };
        let mut touched = BTreeSet::new();
        let mut change = |page: &Paged<User>| {
            let now = everybody();
            let mut pick = || now.get(usize::try_from(dice.roll(now.len() as u64)).unwrap_or(0)).cloned();
            let (moved, left) = (must(pick().ok_or("nobody")), must(pick().ok_or("nobody")));
            // The last one of the page moves, leaves or is deleted.
            let last = page.items.last().filter(|last| last.id != admin.user).cloned();
            for (step, user) in [Some(moved), Some(left), last].into_iter().flatten().enumerate() {
                if user.id == admin.user || touched.contains(&user.id) {
                    continue;
                }
                number += 1;
                touched.insert(user.id);
                let other = person(&mut dice, number, fixture.now());
                match (step, number % 3) {
                    (0, _) | (2, 0) => must(fixture.store.write(|work| {
                        let Some(stored) = work.user(user.id)? else { return Ok(()) };
                        let moved = User { id: user.id, version: stored.version, ..other.clone() };
                        work.update_user(&stored, &moved, &Credentials::default())
                    })),
                    (1, _) | (2, 1) => {
                        let id = UserIdentifier::Id(user.id);
                        let _ = directory.remove_member(&fixture.by(admin), &GroupIdentifier::Id(group), &id);
                    }
                    _ => must(fixture.store.write(|work| work.delete_user(user.id, fixture.now()))),
                }
            }
            number += 1;
            let newcomer = person(&mut dice, number, fixture.now());
            touched.insert(fixture.insert(&newcomer));
            fixture.join(group, &[newcomer.id]);
        };
        let listing = crowd.listing(&Filter::all(), &order, &first(9));
        let read = |page| {
            let listing = Listing { page, ..listing.clone() };
            let id = GroupIdentifier::Id(group);
            if of_group {
                must(directory.members(&fixture.by(admin), &id, Reach::Direct, &[], &listing))
            } else {
                must(directory.users(&fixture.by(admin), &listing))
            }
        };
        let found: Vec<User> = pages(9, read, &mut change).into_iter().flat_map(|page| page.items).collect();
        let mut stayed: Vec<User> =
            before.into_iter().filter(|user| scope.contains(&user.id) && !touched.contains(&user.id)).collect();
        stayed.sort_by(|one, other| listing.compare(one, other));
        let ids = |users: &[User]| users.iter().map(|user| user.id).collect::<Vec<_>>();
        let untouched: Vec<User> = found.into_iter().filter(|user| !touched.contains(&user.id)).collect();
        assert_eq!(ids(&untouched), ids(&stayed), "{listing:?}");
        // The crowd stays as large as it was.
        for user in everybody().iter().filter(|user| user.id != admin.user).skip(before_count) {
            must(fixture.store.write(|work| work.delete_user(user.id, fixture.now())));
        }
    }
}

/// Texts far longer than a position may be do not confuse a walk, even if they differ in nothing but their last characters.
pub fn long_texts_keep_a_position_short(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    let ending = ["", "a", "b", "\u{20000}"];
    for (number, (length, end)) in
        [0, 254, 255, 256, 257, 8000].into_iter().flat_map(|length| ending.map(|end| (length, end))).enumerate()
    {
        let description = Some(format!("{}{end}", "\u{20000}".repeat(length)));
        let draft = GroupDraft { name: Some(format!("group {number}")), description, ..GroupDraft::default() };
        must(directory.create_group(&fixture.by(admin), draft));
    }
    let groups = must(directory.groups(&fixture.by(admin), &fixture.all(must(Page::new(0, 1000))))).items;
    for is_descending in [false, true] {
        for size in [1, 2, 5] {
            let order = vec![Sort { field: GroupField::Description, is_descending }];
            let listing = Listing { order, ..fixture.all(first(size)) };
            walk(&groups, &listing, size, |listing| must(directory.groups(&fixture.by(admin), listing)));
        }
    }
    // Names that are as long as names may be, in all fields at once.
    let long = |letter: char| letter.to_string().repeat(250);
    for number in 0..4_u128 {
        fixture.insert(&User {
            username: must(Username::try_from(format!("{}{number}", long('\u{20000}')))),
            email: Email::try_from(format!("user{number}@example.com")).ok(),
            first_name: Some(long('\u{fdfb}')),
            last_name: Some(long('\u{20001}')),
            ..super::user_named("user", Uuid::from_u128(1 << 90 | number))
        });
    }
    let users = must(directory.users(&fixture.by(admin), &fixture.all(must(Page::new(0, 1000))))).items;
    let fields = [UserField::FirstName, UserField::LastName, UserField::Email, UserField::Username];
    let order = fields.map(|field| Sort { field, is_descending: true }).into();
    let listing = Listing { order, ..fixture.all(first(1)) };
    walk(&users, &listing, 1, |listing| must(directory.users(&fixture.by(admin), listing)));
}

/// API keys and identities are walked too, while the last of a page goes.
pub fn api_keys_and_identities_are_walked(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, admin) = (&fixture.directory, &fixture.admin);
    for name in ["b", "_a", "C", "1", "a", "\u{e9}"] {
        let draft = ApiKeyDraft { name: Some(Some(name.to_owned())), ..ApiKeyDraft::default() };
        must(directory.create_api_key(&fixture.by(admin), draft, &[]));
    }
    let names = |pages: Vec<Paged<ApiKey>>| -> Vec<Vec<String>> {
        let names = |page: Paged<ApiKey>| page.items.iter().map(|key| key.name.as_str().to_owned()).collect();
        pages.into_iter().map(names).collect()
    };
    let read = |page: Page| must(directory.api_keys(&fixture.by(admin), &page));
    assert_eq!(names(pages(2, read, |_| ())), [["_a", "1"], ["a", "b"], ["C", "\u{e9}"]]);
    let drop_last = |page: &Paged<ApiKey>| {
        if let Some(last) = page.items.last() {
            must(directory.delete_api_key(&fixture.by(admin), &crate::api_key::ApiKeyIdentifier::Id(last.id)));
        }
    };
    assert_eq!(names(pages(2, read, drop_last)), [["_a", "1"], ["a", "b"], ["C", "\u{e9}"]]);
    assert_eq!(names(pages(2, read, |_| ())), [vec!["_a", "a"], vec!["C"]]);

    let user = fixture.user("user");
    let link = |issuer: &str, subject: &str| IdentityLink {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        user,
        linked: fixture.now(),
        latest_token: None,
    };
    let links = [("a", "1"), ("a", "B"), ("a", "b"), ("b", "1"), ("b", "\u{e9}")].map(|(one, two)| link(one, two));
    for link in &links {
        must(fixture.store.write(|work| work.insert_identity(link)));
    }
    let read = |page: Page| must(directory.identities(&fixture.by(admin), &UserIdentifier::Id(user), &page));
    let drop_last = |page: &Paged<IdentityLink>| {
        if let Some(last) = page.items.last() {
            must(fixture.store.write(|work| work.delete_identities(last.user, std::slice::from_ref(last))));
        }
    };
    let found: Vec<_> = pages(2, read, drop_last).into_iter().map(|page| page.items).collect();
    assert_eq!(found, links.chunks(2).map(<[_]>::to_vec).collect::<Vec<_>>());
}
