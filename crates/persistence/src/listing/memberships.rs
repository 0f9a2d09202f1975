//! Listings of direct memberships and of edges between groups, with their dates: those that count, and those that begin later.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::manager::Author;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{ChildScope, ListedMember, MembershipListing, MembershipOrder, NamedGroup, Person};
use guildhall_domain::search::{GroupField, UserField, Value};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::{Validity, ValidityState};

use super::cache::ChangeCounters;
use super::filter_sql::{ConditionUse, Fragment, TableSet, condition};
use super::groups::without_administering;
use super::plan::{AccessPath, PageWindow, SqlItem, direction};
use super::user_fields::USERNAME_INDEX;
use crate::connection::AnyConnection;
use crate::dialect::{self, Dialect};
use crate::sql_types::{Key, UuidSql};
use crate::unit_of_work::Failure;

/// The cost of checking an item during an index scan, relative to collecting and sorting a match.
const CHECK_COST: u64 = 3;

/// Whose memberships or edges are listed: the SQL of them.
#[derive(Clone, Copy)]
struct Scope {
    id: Key,
    /// The columns of one that counts, `m`, with its dates `d`.
    present_columns: &'static str,
    /// The join of those that count with what is named, and the condition up to the id.
    present: &'static str,
    /// The same without what is named.
    present_alone: &'static str,
    /// The end of the condition, which ends a statement of SQLite that is to end.
    row_check: [&'static str; 2],
    /// The columns of the dates `d` of one that begins later.
    later_columns: &'static str,
    later: &'static str,
    later_alone: &'static str,
    /// The key of the name by which they are sorted, and the id.
    name: [&'static str; 2],
    /// How many count, if nothing is asked of them.
    count: Option<&'static str>,
}

const OF_GROUP: Scope = Scope {
    id: Key(uuid::Uuid::nil()),
    present_columns: "SELECT m.group_id AS group_id, m.user_id AS member_id, m.added AS added, m.added_by AS added_by, ",
    present: " JOIN group_users m ON m.user_id = u.id LEFT JOIN membership_dates d ON d.group_id = m.group_id AND d.user_id = m.user_id \
         WHERE m.group_id = ",
    present_alone: "group_users m LEFT JOIN membership_dates d ON d.group_id = m.group_id AND d.user_id = m.user_id WHERE m.group_id = ",
    row_check: ["", " AND length(m.user_id) >= guildhall_interrupt_check()"],
    later_columns: "SELECT d.group_id AS group_id, d.user_id AS member_id, d.added AS added, d.added_by AS added_by, ",
    later: " JOIN membership_dates d ON d.user_id = u.id WHERE d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = d.group_id AND m.user_id = d.user_id) AND d.group_id = ",
    later_alone: "membership_dates d WHERE d.user_id IS NOT NULL AND d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = d.group_id AND m.user_id = d.user_id) AND d.group_id = ",
    name: ["u.username_key", "u.id"],
    count: Some("(SELECT CAST(coalesce(sum(n.users), 0) AS bigint) FROM group_user_counts n WHERE n.group_id = "),
};

const OF_USER: Scope = Scope {
    present: " JOIN group_users m ON m.group_id = g.id LEFT JOIN membership_dates d ON d.group_id = m.group_id AND d.user_id = m.user_id \
         WHERE m.user_id = ",
    present_alone: "group_users m LEFT JOIN membership_dates d ON d.group_id = m.group_id AND d.user_id = m.user_id WHERE m.user_id = ",
    later: " JOIN membership_dates d ON d.group_id = g.id WHERE d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = d.group_id AND m.user_id = d.user_id) AND d.user_id = ",
    later_alone: "membership_dates d WHERE d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = d.group_id AND m.user_id = d.user_id) AND d.user_id = ",
    name: ["g.name_key", "g.id"],
    count: None,
    ..OF_GROUP
};

const EDGES: Scope = Scope {
    present_columns: "SELECT m.parent_id AS group_id, m.child_id AS member_id, m.added AS added, m.added_by AS added_by, ",
    present: " JOIN group_children m ON m.child_id = g.id LEFT JOIN membership_dates d ON d.group_id = m.parent_id AND d.child_id = m.child_id \
         WHERE m.parent_id = ",
    present_alone: "group_children m LEFT JOIN membership_dates d ON d.group_id = m.parent_id AND d.child_id = m.child_id WHERE m.parent_id = ",
    row_check: ["", " AND length(m.child_id) >= guildhall_interrupt_check()"],
    later_columns: "SELECT d.group_id AS group_id, d.child_id AS member_id, d.added AS added, d.added_by AS added_by, ",
    later: " JOIN membership_dates d ON d.child_id = g.id WHERE d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_children m WHERE m.parent_id = d.group_id AND m.child_id = d.child_id) AND d.group_id = ",
    later_alone: "membership_dates d WHERE d.child_id IS NOT NULL AND d.next_at = d.valid_from \
         AND NOT EXISTS (SELECT 1 FROM group_children m WHERE m.parent_id = d.group_id AND m.child_id = d.child_id) AND d.group_id = ",
    ..OF_USER
};

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

/// A row of a page.
trait Row: Sized {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>>;
}

/// The group, when and by whom, the dates, and whether it counts.
type DatesSql = (
    (UuidSql, Text),
    Nullable<BigInt>,
    (Nullable<UuidSql>, Nullable<Text>),
    (Nullable<BigInt>, Nullable<BigInt>),
    Integer,
);
type Dates = ((Key, String), Option<i64>, (Option<Key>, Option<String>), (Option<i64>, Option<i64>), i32);

macro_rules! dates {
    ($before:literal, $join:literal) => {
        concat!(
            ") SELECT ",
            $before,
            ", g.id, g.name, page.added, b.id, b.username, page.valid_from, page.valid_until, page.is_present FROM page JOIN ",
            $join,
            " JOIN groups g ON g.id = page.group_id LEFT JOIN users b ON b.id = page.added_by"
        )
    };
}

type PersonSql = (UuidSql, Text, Nullable<Text>, Nullable<Text>, Nullable<Text>);
type PersonRow = ((Key, String, Option<String>, Option<String>, Option<String>), Dates);

const PERSON: &str = dates!("u.id, u.username, u.email, u.first_name, u.last_name", "users u ON u.id = page.member_id");

impl Row for PersonRow {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>> {
        statement.query::<(PersonSql, DatesSql)>().load(connection)
    }
}

type ChildRow = ((Key, String), Dates);

const CHILD: &str = dates!("c.id, c.name", "groups c ON c.id = page.member_id");

impl Row for ChildRow {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>> {
        statement.query::<((UuidSql, Text), DatesSql)>().load(connection)
    }
}

fn of_person(((id, username, email, first_name, last_name), dates): PersonRow) -> ListedMember<Person> {
    listed(Person { id: UserId(id.0), username, email, first_name, last_name }, dates)
}

fn of_child((child, dates): ChildRow) -> ListedMember<NamedGroup> {
    listed(named(child), dates)
}

fn named((id, name): (Key, String)) -> NamedGroup {
    NamedGroup { id: GroupId(id.0), name: GroupName::stored(name) }
}

fn listed<M>(member: M, (group, added, (author, username), (from, until), is_present): Dates) -> ListedMember<M> {
    let moment = Timestamp::from_milliseconds;
    ListedMember {
        member,
        group: named(group),
        added: added.map(moment),
        added_by: author.zip(username).map(|(id, username)| Author { id: UserId(id.0), username }),
        validity: Validity { from: from.map(moment), until: until.map(moment) },
        state: if is_present == 0 { ValidityState::Scheduled } else { ValidityState::Active },
    }
}
