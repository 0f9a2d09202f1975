//! People and groups with everything in them that a search may stumble over, and what should be found among them.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{must, user_named};
use crate::custom::{Custom, CustomValue};
use crate::directory::Directory;
use crate::group::{Group, GroupId, GroupKind, GroupName};
use crate::identifier::GroupIdentifier;
use crate::page::{Page, Paged};
use crate::ports::{Reach, StoreError};
use crate::search::{Field, Filter, GroupField, GroupListing, Listing, Sort, UserField, UserListing};
use crate::time::{DAY, Timestamp};
use crate::user::{Email, Lockout, Provider, ProviderKind, User, UserId};
use crate::version::Version;

/// Texts that differ by case, by accents, by what is a wildcard somewhere, and by what stands around a word.
pub const TEXTS: [&str; 19] = [
    "",
    "Soap",
    "SOAP maker",
    "soaps",
    "so_ap",
    "100%",
    "a\\b'c\"d",
    "über Straße",
    "ÜBER",
    "Иван Иванов",
    "山田 太郎",
    "e\u{301}cole \u{ff33}oap",
    "\u{200b}\u{fb01}ne \u{e9}cole\u{ad}s",
    "t@mu\u{308}nchen.de",
    "/: \u{663}",
    "9",
    "true",
    "e\u{301}",
    "x*y?z",
];

/// A fixture full of people and groups, and what is in it.
pub struct Crowd {
    /// The fixture.
    pub fixture: Fixture,
    /// Every user, the administrator too.
    pub users: Vec<User>,
    /// Every group, system groups too.
    pub groups: Vec<Group>,
    /// A group that has every third user, and one below it that has every fifth.
    pub nested: [GroupId; 2],
}

impl Crowd {
    /// Fills a fixture.
    #[must_use]
    pub fn over(store: Arc<dyn crate::ports::Store>) -> Self {
        let fixture = Fixture::over(store);
        let mut dice = Dice(7);
        let now = fixture.now();
        let users: Vec<User> = (0..80).map(|number| person(&mut dice, number, now)).collect();
        for user in &users {
            fixture.insert(user);
        }
        for number in 0..40 {
            let group = group(&mut dice, number, now);
            must(fixture.store.write(|directory| directory.insert_group(&group)));
        }
        let nested = [fixture.group("Nested"), fixture.group("Nested below")];
        fixture.nest(nested[0], nested[1]);
        for (group, every) in nested.into_iter().zip([3, 5]) {
            let members: Vec<UserId> = users.iter().step_by(every).map(|user| user.id).collect();
            fixture.join(group, &members);
        }
        let admin = &fixture.admin;
        let everything = must(Page::new(0, 1000));
        let users = must(fixture.directory.users(&fixture.by(admin), &fixture.all(everything.clone()))).items;
        let groups = must(fixture.directory.groups(&fixture.by(admin), &fixture.all(everything))).items;
        assert_eq!((users.len(), groups.len()), (81, 51));
        Self { fixture, users, groups, nested }
    }

    /// Compares what the store lists with what the filter and the order say.
    pub fn agrees_on_users(&self, filter: &Filter<UserField>, order: &[Sort<UserField>], page: &Page) {
        let listing = self.listing(filter, order, page);
        let (directory, admin) = (&self.fixture.directory, &self.fixture.admin);
        compare(&self.users, &listing, &must(directory.users(&self.fixture.by(admin), &listing)));
    }

    /// The same for the members of a group.
    pub fn agrees_on_members(&self, filter: &Filter<UserField>, order: &[Sort<UserField>], page: &Page) {
        let listing = self.listing(filter, order, page);
        let (directory, admin) = (&self.fixture.directory, &self.fixture.admin);
        for reach in [Reach::Direct, Reach::Effective] {
            let of = |group| members(directory, &self.fixture, group, reach);
            let (top, below) = (of(self.nested[0]), of(self.nested[1]));
            let identifier = GroupIdentifier::Id(self.nested[0]);
            for excluded in [&[][..], &[GroupIdentifier::Id(self.nested[1])]] {
                let dropped = if excluded.is_empty() { BTreeSet::new() } else { below.clone() };
                let wanted = |user: &&User| top.contains(&user.id) && !dropped.contains(&user.id);
                let users: Vec<User> = self.users.iter().filter(wanted).cloned().collect();
                compare(
                    &users,
                    &listing,
                    &must(directory.members(&self.fixture.by(admin), &identifier, reach, excluded, &listing)),
                );
            }
        }
    }

    /// The same for groups.
    pub fn agrees_on_groups(&self, filter: &Filter<GroupField>, order: &[Sort<GroupField>], page: &Page) {
        let listing = self.listing(filter, order, page);
        let (directory, admin) = (&self.fixture.directory, &self.fixture.admin);
        compare(&self.groups, &listing, &must(directory.groups(&self.fixture.by(admin), &listing)));
        let top = GroupIdentifier::Id(self.nested[0]);
        let nested: Vec<Group> = self.groups.iter().filter(|group| self.nested.contains(&group.id)).cloned().collect();
        let children = directory.children(&self.fixture.by(admin), &top, (Reach::Effective, true), &[], &listing);
        compare(&nested, &listing, &must(children));
    }

    pub(super) fn listing<F: Clone>(&self, filter: &Filter<F>, order: &[Sort<F>], page: &Page) -> Listing<F> {
        Listing { filter: filter.clone(), order: order.to_vec(), page: page.clone(), now: self.fixture.now() }
    }
}

pub(super) fn members(directory: &Directory, fixture: &Fixture, group: GroupId, reach: Reach) -> BTreeSet<UserId> {
    let everything: UserListing = fixture.all(must(Page::new(0, 1000)));
    let page =
        must(directory.members(&fixture.by(&fixture.admin), &GroupIdentifier::Id(group), reach, &[], &everything));
    page.items.into_iter().map(|user| user.id).collect()
}

fn compare<F: Field + std::fmt::Debug>(all: &[F::Item], listing: &Listing<F>, found: &Paged<F::Item>)
where
    F::Item: Clone + PartialEq + std::fmt::Debug,
{
    let mut wanted: Vec<F::Item> =
        all.iter().filter(|item| listing.filter.lets_pass(item, listing.now)).cloned().collect();
    wanted.sort_by(|one, other| listing.compare(one, other));
    let at = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let items: Vec<F::Item> =
        wanted.iter().skip(at(listing.page.offset())).take(at(listing.page.size())).cloned().collect();
    let ids = |items: &[F::Item]| items.iter().map(|item| F::id().value(item, listing.now)).collect::<Vec<_>>();
    assert_eq!(ids(&found.items), ids(&items), "{listing:?}");
    assert_eq!(
        *found,
        Paged { page: listing.page.clone(), total: wanted.len() as u64, items, next: None },
        "{listing:?}"
    );
}

/// Numbers that are always the same ones.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn text(&mut self) -> Option<String> {
        let roll = self.roll(TEXTS.len() as u64 + 4);
        TEXTS.get(usize::try_from(roll).unwrap_or(usize::MAX)).map(|text| (*text).to_owned())
    }

    fn truth(&mut self) -> bool {
        self.roll(3) == 0
    }

    /// Some days around `now`, or none.
    fn moment(&mut self, now: Timestamp) -> Option<Timestamp> {
        let days = i64::try_from(self.roll(9)).unwrap_or(0) - 4;
        (days != 4).then(|| Timestamp::from_milliseconds(now.milliseconds() + days * DAY))
    }

    fn custom(&mut self) -> Custom {
        let mut custom = Custom::new();
        for name in ["level", "Te\"am' .x", "none"] {
            let value = match self.roll(5) {
                0 => continue,
                1 => CustomValue::Boolean(self.truth()),
                2 => CustomValue::Number(format!("{}.50", self.roll(3))),
                3 => CustomValue::Null,
                _ => CustomValue::Text(self.text().unwrap_or_default()),
            };
            custom.insert(name.to_owned(), value);
        }
        custom
    }
}

pub(super) fn person(dice: &mut Dice, number: u64, now: Timestamp) -> User {
    let name = format!("{} {number}", dice.text().unwrap_or_default());
    let user =
        user_named(&name, Uuid::from_u128(u128::from(dice.roll(u64::from(u32::MAX))) << 64 | u128::from(number)));
    let count = |dice: &mut Dice| u32::try_from(dice.roll(4)).unwrap_or_default();
    User {
        email: Email::try_from(format!("{}{number}@Fight{}.com", if dice.truth() { "X" } else { "y" }, dice.roll(3)))
            .ok(),
        first_name: dice.text(),
        last_name: dice.text(),
        timezone: ["Etc/UTC", "Europe/London"][usize::from(dice.truth())].to_owned(),
        language: ["en-GB", "EN"][usize::from(dice.truth())].to_owned(),
        custom: dice.custom(),
        password_change_frequency: [None, Some(0), Some(2)][usize::try_from(dice.roll(3)).unwrap_or(0)],
        provider: if dice.truth() {
            Provider { kind: ProviderKind::External, name: "Keycloak".to_owned() }
        } else {
            Provider::contensis()
        },
        suspended: dice.truth(),
        lockout: Lockout { failures: 0, locks: 0, until: dice.moment(now) },
        password_reset_required: dice.truth(),
        created: dice.moment(now).unwrap_or(now),
        modified: dice.moment(now).unwrap_or(now),
        last_login: dice.moment(now),
        last_failed_login: dice.moment(now),
        expiry: dice.moment(now),
        password_changed: dice.moment(now),
        opt_out_of_notifications: dice.truth(),
        failed_login_attempts: count(dice),
        failed_login_attempts_since_last_success: count(dice),
        successful_login_attempts: count(dice),
        ..user
    }
}

fn group(dice: &mut Dice, number: u64, now: Timestamp) -> Group {
    Group {
        id: GroupId(Uuid::from_u128(u128::from(dice.roll(u64::from(u32::MAX))) << 64 | u128::from(number) | 1 << 40)),
        name: must(GroupName::try_from(format!("{} {number}", dice.text().unwrap_or_default()))),
        description: dice.text(),
        kind: if dice.truth() { GroupKind::External } else { GroupKind::Contensis },
        user_count: 0,
        child_group_count: 0,
        custom: dice.custom(),
        auto_membership_email_domains: BTreeSet::new(),
        created: dice.moment(now).unwrap_or(now),
        modified: dice.moment(now).unwrap_or(now),
        version: Version::FIRST,
    }
}

/// Every field in both directions, alone and after another one.
fn orders<F: Field>(fields: impl Iterator<Item = F>, other: &F) -> Vec<Vec<Sort<F>>> {
    let sort = |field: &F, is_descending| Sort { field: field.clone(), is_descending };
    fields
        .flat_map(|field| [false, true].map(|is_descending| sort(&field, is_descending)))
        .flat_map(|second| [vec![second.clone()], vec![sort(other, !second.is_descending), second]])
        .collect()
}

/// All orders of users.
pub(super) fn user_orders() -> Vec<Vec<Sort<UserField>>> {
    let custom = UserField::Custom("level".to_owned());
    orders(UserField::named_fields().map(|(_, field)| field).chain([custom]), &UserField::LastName)
}

/// All orders of groups.
pub(super) fn group_orders() -> Vec<Vec<Sort<GroupField>>> {
    let custom = GroupField::Custom("level".to_owned());
    orders(GroupField::named_fields().map(|(_, field)| field).chain([custom]), &GroupField::Type)
}

/// A page of everything that is wanted.
pub(super) fn whole() -> Page {
    must(Page::new(0, 1000))
}

/// The outcome of a listing in a unit of work.
pub(super) fn groups_of(crowd: &Crowd, user: UserId, listing: &GroupListing) -> Vec<Group> {
    let found: Result<_, StoreError> =
        crowd.fixture.store.read(|directory| directory.groups_of(user, Reach::Effective, &BTreeSet::new(), listing));
    must(found).items
}
