//! Finding users and groups.

use std::sync::Arc;

use super::crowd::{Crowd, TEXTS, groups_of, whole};
use super::fixture::must;
use crate::page::Page;
use crate::ports::Store;
use crate::search::{Field, Filter, GroupField, Listing, Operand, Operator, Sort, UserField};
use crate::time::{DAY, Timestamp};

/// Every test of a field that makes sense, with operands of all kinds.
fn filters<F: Field>(field: &F, ids: &[uuid::Uuid], now: Timestamp) -> Vec<Filter<F>> {
    let texts =
        TEXTS.into_iter().chain(["soap", "ER", "x*z", "o?p", "?", "*", "%", "_", "0.50", "false", " 1", "contensis"]);
    let texts = texts.chain([r"\*", r"\?", r"\\", r"\", r"x\*y\?z", r"x\*y?z", r"a\\b", r"\*?\?", r"\%", "x\\"]);
    let mut operands: Vec<Operand> = texts.map(|text| Operand::Text(text.to_owned())).collect();
    operands.extend((0..3).map(Operand::Integer));
    operands.extend([true, false].map(Operand::Boolean));
    operands.extend((-2..3).map(|days| Operand::Moment(Timestamp::from_milliseconds(now.milliseconds() + days * DAY))));
    operands.extend(ids.iter().take(3).copied().map(Operand::Id));
    operands.push(Operand::Null);
    let mut filters = vec![Filter::without(field.clone()), Filter::with(field.clone())];
    for operator in Operator::ALL {
        let made = operands.iter().map(|operand| Filter::comparing(field.clone(), operator, operand.clone()));
        filters.extend(made.filter_map(Result::ok));
    }
    filters
}

/// Every field of users by every operator, and the negation of each.
pub fn users_are_found_by_every_field(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let ids: Vec<_> = crowd.users.iter().map(|user| user.id.0).collect();
    let custom = ["level", "Te\"am' .x", "none", "absent"].map(|name| UserField::Custom(name.to_owned()));
    for field in UserField::named_fields().map(|(_, field)| field).chain(custom).chain([UserField::Names]) {
        for filter in filters(&field, &ids, crowd.fixture.now()) {
            crowd.agrees_on_users(&filter, &[], &whole());
            crowd.agrees_on_users(&filter.negated(), &[], &whole());
        }
    }
}

/// Every field of groups by every operator, and the negation of each.
pub fn groups_are_found_by_every_field(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let ids: Vec<_> = crowd.groups.iter().map(|group| group.id.0).collect();
    let custom = ["level", "Te\"am' .x"].map(|name| GroupField::Custom(name.to_owned()));
    for field in GroupField::named_fields().map(|(_, field)| field).chain(custom) {
        for filter in filters(&field, &ids, crowd.fixture.now()) {
            crowd.agrees_on_groups(&filter, &[], &whole());
            crowd.agrees_on_groups(&filter.negated(), &[], &whole());
        }
    }
}

/// Every field sorts in both directions, alone and after another one, and pages fit together.
pub fn every_field_sorts_both_ways(store: Arc<dyn Store>) {
    fn orders<F: Field>(fields: Vec<F>, first: &F) -> Vec<Vec<Sort<F>>> {
        let sort = |field: &F, is_descending| Sort { field: field.clone(), is_descending };
        let both = |field: F| [false, true].map(|descending| (sort(&field, descending), descending));
        let of = |(second, descending): (Sort<F>, bool)| [vec![second.clone()], vec![sort(first, !descending), second]];
        fields.into_iter().flat_map(both).flat_map(of).collect()
    }
    let crowd = Crowd::over(store);
    let pages = [(0, 1000), (0, 7), (3, 7), (11, 7), (40, 7)].map(|(index, size)| must(Page::new(index, size)));
    let custom = || "level".to_owned();
    let fields = UserField::named_fields().map(|(_, field)| field).chain([UserField::Custom(custom())]);
    for order in orders(fields.collect(), &UserField::Suspended) {
        for page in &pages {
            crowd.agrees_on_users(&Filter::all(), &order, page);
        }
        crowd.agrees_on_members(&Filter::all(), &order, &pages[1]);
    }
    let fields = GroupField::named_fields().map(|(_, field)| field).chain([GroupField::Custom(custom())]);
    for order in orders(fields.collect(), &GroupField::Type) {
        for page in &pages {
            crowd.agrees_on_groups(&Filter::all(), &order, page);
        }
    }
}

/// What is combined is combined as it says, and every listing of groups can be searched.
pub fn filters_combine(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let contains = |field: UserField, text: &str| {
        must(Filter::comparing(field, Operator::Contains, Operand::Text(text.to_owned())))
    };
    let (soap, level) = (contains(UserField::FirstName, "soap"), contains(UserField::Custom("level".to_owned()), "0"));
    for filter in [
        Filter::all(),
        Filter::none(),
        Filter::all().negated(),
        Filter::none().negated(),
        soap.clone().and(level.clone()),
        Filter::Any(vec![soap.clone(), level.clone()]),
        Filter::Any(vec![soap.clone().negated(), Filter::All(vec![level.clone().negated(), soap.clone()])]).negated(),
        Filter::naming("soap"),
        Filter::naming("SOAP MAKER"),
        Filter::naming("*"),
        Filter::naming("a\nb"),
        Filter::naming("y1"),
        Filter::naming(""),
        Filter::with_words("soap maker"),
        Filter::with_words("иван"),
        must(Filter::among(&UserField::Language, vec![Operand::Text("en".to_owned()), Operand::Null])),
    ] {
        for page in [whole(), must(Page::new(2, 9))] {
            crowd.agrees_on_users(&filter, &[], &page);
            crowd.agrees_on_members(&filter, &[], &page);
        }
    }
    let user = must(crowd.users.first().ok_or("nobody")).id;
    let named = must(Filter::comparing(GroupField::Name, Operator::Contains, Operand::Text("e".to_owned())));
    let listing = Listing { filter: named, ..crowd.fixture.all(whole()) };
    let everything = crowd.fixture.all(whole());
    let expected: Vec<_> = groups_of(&crowd, user, &everything);
    let expected: Vec<_> = expected.into_iter().filter(|group| listing.filter.lets_pass(group, listing.now)).collect();
    assert_eq!(groups_of(&crowd, user, &listing), expected);
}

/// Searches by many hundred values are taken.
pub fn a_filter_may_be_long(store: Arc<dyn Store>) {
    let crowd = Crowd::over(store);
    let texts = TEXTS.into_iter().map(str::to_owned).chain((0..1500).map(|number| format!("soap {number}")));
    let texts: Vec<Operand> = texts.map(Operand::Text).chain([Operand::Null]).collect();
    let ids = crowd.users.iter().take(20).map(|user| Operand::Id(user.id.0)).collect();
    let several = [
        must(Filter::among(&UserField::Username, texts.clone())),
        must(Filter::among(&UserField::FirstName, texts.clone())),
        must(Filter::among(&UserField::Custom("level".to_owned()), texts)),
        must(Filter::among(&UserField::Id, ids)),
        must(Filter::among(&UserField::FailedLoginAttempts, (1..1500).map(Operand::Integer).collect())),
    ];
    let parts =
        |text: &str| must(Filter::comparing(UserField::Names, Operator::Contains, Operand::Text(text.to_owned())));
    let contained: Vec<_> = TEXTS.into_iter().chain(["soap", "maker", "club", "com", "ert"]).map(parts).collect();
    for filter in several.iter().cloned().chain([
        Filter::Any(several.to_vec()),
        Filter::Any(vec![several[0].clone(), Filter::Any(vec![several[1].clone(), several[3].clone()])]),
        Filter::Any(contained.clone()),
        Filter::All(contained.into_iter().map(Filter::negated).collect()),
    ]) {
        crowd.agrees_on_users(&filter, &[], &whole());
        crowd.agrees_on_users(&filter.negated(), &[], &whole());
    }
}
