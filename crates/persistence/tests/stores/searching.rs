//! Filters and orders made up at random: memory, SQLite and PostgreSQL find the same, in the same order.

use std::sync::Arc;

use guildhall_domain::contract::TestClock;
use guildhall_domain::contract::crowd::{Crowd, TEXTS};
use guildhall_domain::memory::Memory;
use guildhall_domain::page::Page;
use guildhall_domain::search::{Field, Filter, GroupField, Kind, Operand, Operator, Sort, UserField};
use guildhall_domain::time::{DAY, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

const CASES: u32 = 500;

#[test]
fn any_filter_and_order_finds_the_same_in_all_three_stores() {
    let (sqlite, _, _folder) = super::databases::sqlite();
    let (postgres, _, _dropped) = super::databases::postgres();
    let crowds = [Arc::new(Memory::new(TestClock::new())), sqlite.store(), postgres.store()].map(Crowd::over);
    let [memory, sqlite, postgres] = &crowds;
    assert_eq!(memory.users, sqlite.users);
    assert_eq!(memory.users, postgres.users);
    let now = memory.fixture.now();
    let custom = || "level".to_owned();
    let users: Vec<UserField> = UserField::named_fields()
        .map(|(_, field)| field)
        .chain([UserField::Custom(custom()), UserField::Names])
        .collect();
    let groups: Vec<GroupField> =
        GroupField::named_fields().map(|(_, field)| field).chain([GroupField::Custom(custom())]).collect();
    let user_ids: Vec<Uuid> = memory.users.iter().map(|user| user.id.0).collect();
    let group_ids: Vec<Uuid> = memory.groups.iter().map(|group| group.id.0).collect();
    let sortable: Vec<UserField> = users.iter().filter(|field| **field != UserField::Names).cloned().collect();
    let listings = (any_filter(users, user_ids, now), any_order(sortable), any_page());
    hold(&listings, |(filter, order, page)| {
        for crowd in &crowds {
            crowd.agrees_on_users(filter, order, page);
            crowd.agrees_on_members(filter, order, page);
        }
    });
    let listings = (any_filter(groups.clone(), group_ids, now), any_order(groups), any_page());
    hold(&listings, |(filter, order, page)| {
        for crowd in &crowds {
            crowd.agrees_on_groups(filter, order, page);
        }
    });
}

fn hold<S: Strategy>(strategy: &S, check: impl Fn(&S::Value)) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(strategy, |value| {
        check(&value);
        Ok(())
    });
    run.expect("every case holds");
}

fn any_page() -> impl Strategy<Value = Page> {
    (0_u64..4, 1_u64..60).prop_map(|(index, size)| Page::new(index, size).expect("a page"))
}

fn any_order<F: Field + std::fmt::Debug + 'static>(fields: Vec<F>) -> impl Strategy<Value = Vec<Sort<F>>> {
    let sort = (select(fields), any::<bool>()).prop_map(|(field, is_descending)| Sort { field, is_descending });
    vec(sort, 0..4)
}

fn any_filter<F: Field + std::fmt::Debug + 'static>(
    fields: Vec<F>,
    ids: Vec<Uuid>,
    now: Timestamp,
) -> impl Strategy<Value = Filter<F>> {
    let text = prop_oneof![
        4 => select(TEXTS.to_vec()).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9 _%*?/:.üИ-]{0,4}",
        1 => any::<String>(),
    ];
    let values = vec((text, select(ids), -3_i64..6, any::<bool>()), 1..6);
    let leaf = (select(fields), select(Operator::ALL.to_vec()), values, 0..8);
    let leaf = leaf.prop_map(move |(field, operator, values, shape)| {
        let operands = values.into_iter().map(|(text, id, number, truth)| match field.kind() {
            _ if shape == 0 => Operand::Null,
            Kind::Id => Operand::Id(id),
            Kind::Text => Operand::Text(text),
            Kind::Integer => Operand::Integer(number),
            Kind::Boolean => Operand::Boolean(truth),
            Kind::Moment => Operand::Moment(Timestamp::from_milliseconds(now.milliseconds() + number * DAY)),
        });
        let mut operands: Vec<Operand> = operands.collect();
        let operand = operands[0].clone();
        if shape == 3 && operands.len() > 4 {
            operands.push(Operand::Null);
        }
        match shape {
            1 => Filter::without(field),
            2 => Filter::with(field),
            3 => Filter::among(&field, operands).unwrap_or_else(|_| Filter::none()),
            4 => Filter::between(field, operand.clone(), operand).unwrap_or_else(|_| Filter::all()),
            _ => Filter::comparing(field.clone(), operator, operand).unwrap_or_else(|_| Filter::with(field)),
        }
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::All),
            vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(Filter::negated),
        ]
    })
}
