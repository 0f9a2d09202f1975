//! Listings of direct memberships and of edges between groups, with their dates: those that count, and those that begin later.

mod row;
mod scope;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::group::GroupId;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{ChildScope, ListedMember, MembershipListing, MembershipOrder, NamedGroup, Person};
use guildhall_domain::search::{GroupField, UserField, Value};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::ValidityState;

use super::cache::ChangeCounters;
use super::filter_sql::{ConditionUse, Fragment, TableSet, condition};
use super::groups::without_administering;
use super::plan::{AccessPath, CHECK_COST, PageWindow, SqlItem, direction};
use super::user_fields::USERNAME_INDEX;
use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect};
use crate::sql_types::Key;
use crate::unit_of_work::Failure;
use row::{CHILD, ChildRow, PERSON, PersonRow, Row, of_child, of_person};
use scope::{EDGES, OF_GROUP, OF_USER, Scope};

/// The memberships of a group.
pub(crate) fn memberships_of_group(
    connection: &mut AnyConnection,
    group: GroupId,
    listing: &MembershipListing<UserField>,
) -> Result<Paged<ListedMember<Person>>, Failure> {
    let query = Query { scope: Scope { id: Key(group.0), ..OF_GROUP }, hides_administering: false, listing };
    let total = query.total(connection)?;
    let users = if listing.order == MembershipOrder::Name { ChangeCounters::read(connection)?.users } else { 0 };
    let path = query.path(total, users);
    let rows = query.rows::<PersonRow>(connection, PERSON, path)?;
    Ok(Paged::new(&listing.page, total, rows.into_iter().map(of_person).collect(), |item| {
        item.place_of_user(listing.order)
    }))
}

/// The memberships of a user.
pub(crate) fn memberships_of_user(
    connection: &mut AnyConnection,
    user: UserId,
    listing: &MembershipListing<GroupField>,
) -> Result<Paged<ListedMember<Person>>, Failure> {
    let query = Query { scope: Scope { id: Key(user.0), ..OF_USER }, hides_administering: false, listing };
    let total = query.total(connection)?;
    let rows = query.rows::<PersonRow>(connection, PERSON, AccessPath::Any)?;
    Ok(Paged::new(&listing.page, total, rows.into_iter().map(of_person).collect(), |item| {
        item.place_of_group(listing.order)
    }))
}

/// The edges from a group to its children.
pub(crate) fn edges_of_group(
    connection: &mut AnyConnection,
    parent: GroupId,
    scope: ChildScope,
    listing: &MembershipListing<GroupField>,
) -> Result<Paged<ListedMember<NamedGroup>>, Failure> {
    let hides_administering = scope == ChildScope::Managed;
    let query = Query { scope: Scope { id: Key(parent.0), ..EDGES }, hides_administering, listing };
    let total = query.total(connection)?;
    let rows = query.rows::<ChildRow>(connection, CHILD, AccessPath::Any)?;
    Ok(Paged::new(&listing.page, total, rows.into_iter().map(of_child).collect(), |item| {
        item.place_of_child(listing.order)
    }))
}

/// The query for a page.
struct Query<'a, F> {
    scope: Scope,
    /// Whether groups that make administrators are left out.
    hides_administering: bool,
    listing: &'a MembershipListing<F>,
}

impl<F: SqlItem> Query<'_, F> {
    fn lists(&self, state: ValidityState) -> bool {
        self.listing.state.is_none_or(|wanted| wanted == state)
    }

    /// How many there are on all pages.
    fn total(&self, connection: &mut AnyConnection) -> Result<u64, Failure> {
        let dialect = Dialect::of(connection);
        let mut counted = Fragment::of("SELECT CAST(0 AS bigint)");
        for state in [ValidityState::Active, ValidityState::Scheduled] {
            if self.lists(state) {
                counted = counted.sql(" + ").then(self.count(state, dialect));
            }
        }
        let total: i64 = counted.query::<BigInt>().get_result(connection)?;
        Ok(total.unsigned_abs())
    }

    fn count(&self, state: ValidityState, dialect: Dialect) -> Fragment {
        let Scope { id, present_alone, later_alone, count, .. } = self.scope;
        let is_unfiltered = self.listing.filter.is_all() && !self.hides_administering;
        if let Some(count) = count.filter(|_| is_unfiltered && self.listing.expiring_before.is_none())
            && state == ValidityState::Active
        {
            return Fragment::of(count).id(id).sql(")");
        }
        let counted = Fragment::of("(SELECT count(*) FROM ");
        let counted = if is_unfiltered {
            let alone = if state == ValidityState::Active { present_alone } else { later_alone };
            self.and_expiring(counted.sql(alone).id(id))
        } else {
            counted.then(self.matching(state, AccessPath::Any, dialect))
        };
        counted.sql(")")
    }

    /// The tables of those in this state, and the condition that they pass.
    fn matching(&self, state: ValidityState, path: AccessPath, dialect: Dialect) -> Fragment {
        let condition_use =
            if matches!(path, AccessPath::Any) { ConditionUse::IndexLookup } else { ConditionUse::RowFilter };
        let (condition, tables) = condition(&self.listing.filter, condition_use, dialect, self.listing.now);
        let from = F::from_clause(TableSet::MAIN, tables.and(TableSet::MAIN), path, dialect);
        let [postgres, sqlite] = self.scope.row_check;
        let matching = match state {
            ValidityState::Active => from
                .sql(self.scope.present)
                .id(self.scope.id)
                .sql(if dialect == Dialect::Sqlite { sqlite } else { postgres }),
            ValidityState::Scheduled => from.sql(self.scope.later).id(self.scope.id),
        };
        let matching = self.and_expiring(matching).sql(" AND (").then(condition).sql(")");
        if !self.hides_administering {
            return matching;
        }
        let [_, id] = self.scope.name;
        without_administering(matching, id)
    }

    fn and_expiring(&self, condition: Fragment) -> Fragment {
        match self.listing.expiring_before {
            Some(moment) => condition.sql(" AND d.valid_until < ").number(moment.milliseconds()),
            None => condition,
        }
    }

    /// What they are sorted by before the name.
    fn place(&self, state: ValidityState) -> Option<Fragment> {
        let coalesced = |column, moment: Timestamp| {
            Some(Fragment::of("coalesce(").sql(column).sql(", ").number(moment.milliseconds()).sql(")"))
        };
        match (self.listing.order, state) {
            (MembershipOrder::Name, _) => None,
            (MembershipOrder::Added, ValidityState::Active) => coalesced("m.added", Timestamp::EARLIEST),
            (MembershipOrder::Added, ValidityState::Scheduled) => coalesced("d.added", Timestamp::EARLIEST),
            (MembershipOrder::From, ValidityState::Active) => {
                coalesced("CASE WHEN d.next_at = d.valid_from THEN NULL ELSE d.valid_from END", Timestamp::EARLIEST)
            }
            (MembershipOrder::From, ValidityState::Scheduled) => coalesced("d.valid_from", Timestamp::EARLIEST),
            (MembershipOrder::Until, _) => coalesced("d.valid_until", Timestamp::LATEST),
        }
    }

    /// Those in this state that come after the position, in order, and as many as the page may need.
    fn part(&self, state: ValidityState, path: AccessPath, window: PageWindow, dialect: Dialect) -> Fragment {
        let scope = self.scope;
        let [name, id] = scope.name;
        let place = self.place(state);
        let columns = match state {
            ValidityState::Active => Fragment::of(scope.present_columns)
                .sql("CASE WHEN d.next_at = d.valid_from THEN NULL ELSE d.valid_from END AS valid_from, d.valid_until AS valid_until, 1"),
            ValidityState::Scheduled => {
                Fragment::of(scope.later_columns).sql("d.valid_from AS valid_from, d.valid_until AS valid_until, 0")
            }
        };
        let mut part = columns
            .sql(" AS is_present, ")
            .then(place.clone().unwrap_or(Fragment::of("0")))
            .sql(" AS place, ")
            .sql(name)
            .sql(" AS name_key, ")
            .sql(id)
            .sql(" AS id FROM ")
            .then(self.matching(state, path, dialect));
        if let Some(position) = position(&self.listing.page, place.is_some()) {
            part = part.sql(" AND (");
            if let Some(place) = place.clone() {
                part = part.then(place).sql(", ");
            }
            part = part
                .sql(name)
                .sql(", ")
                .sql(id)
                .sql(if self.listing.is_descending { ") < (" } else { ") > (" })
                .then(position)
                .sql(")");
        }
        let direction = direction(self.listing.is_descending, false);
        part = part.sql(" ORDER BY ");
        if place.is_some() {
            part = part.sql("place").sql(direction).sql(", ");
        }
        part = part.sql(name).sql(direction).sql(", ").sql(id).sql(direction);
        PageWindow { offset: 0, limit: window.offset + window.limit }.apply_to(part)
    }

    /// How those that count are found: by the index of names, if the page is full soon that way.
    fn path(&self, total: u64, users: u64) -> AccessPath {
        let window = PageWindow::of(&self.listing.page);
        let checks = (window.offset + window.limit).saturating_mul(users) / total.max(1);
        if users > 0 && self.listing.expiring_before.is_none() && checks.saturating_mul(CHECK_COST) <= total {
            AccessPath::Driven(Some(USERNAME_INDEX))
        } else {
            AccessPath::Any
        }
    }

    /// The rows of the page, in order, with what `columns` selects of each.
    fn rows<R: Row>(
        &self,
        connection: &mut AnyConnection,
        columns: &'static str,
        path: AccessPath,
    ) -> Result<Vec<R>, Failure> {
        let dialect = Dialect::of(connection);
        let window = PageWindow::of(&self.listing.page);
        let mut found = Fragment::of("WITH page AS MATERIALIZED (");
        let mut opening = "SELECT * FROM (SELECT * FROM (";
        for (state, path) in [(ValidityState::Active, path), (ValidityState::Scheduled, AccessPath::Any)] {
            if self.lists(state) {
                found = found.sql(opening).then(self.part(state, path, window, dialect)).sql(") p");
                opening = " UNION ALL SELECT * FROM (";
            }
        }
        let direction = direction(self.listing.is_descending, false);
        let in_order = |statement: Fragment| {
            let statement = statement.sql(" ORDER BY place").sql(direction).sql(", name_key").sql(direction);
            statement.sql(", id").sql(direction)
        };
        let page = window.apply_to(in_order(found.sql(") t")));
        let statement = in_order_of_page(page.sql(columns), direction);
        let is_forced = matches!(path, AccessPath::Driven(_));
        if is_forced {
            dialect::force_index_order(connection, true)?;
        }
        let rows = R::load(statement, connection)?;
        if is_forced {
            dialect::force_index_order(connection, false)?;
        }
        Ok(rows)
    }
}

fn in_order_of_page(statement: Fragment, direction: &'static str) -> Fragment {
    statement
        .sql(" ORDER BY page.place")
        .sql(direction)
        .sql(", page.name_key")
        .sql(direction)
        .sql(", page.id")
        .sql(direction)
}

/// The values of the position at which the page begins.
fn position(page: &Page, has_place: bool) -> Option<Fragment> {
    match (page.position()?.values(), has_place) {
        ([Value::Text(name), Value::Id(id)], false) => {
            Some(Fragment::default().text(name.as_str()).sql(", ").id(Key(*id)))
        }
        ([Value::Moment(place), Value::Text(name), Value::Id(id)], true) => {
            Some(Fragment::default().number(place.milliseconds()).sql(", ").text(name.as_str()).sql(", ").id(Key(*id)))
        }
        _ => None,
    }
}
