//! Where the fields of groups are stored.

use diesel::dsl::SqlTypeOf;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use guildhall_domain::group::Group;
use guildhall_domain::search::{GroupField, Pattern, Sort};
use guildhall_domain::time::Timestamp;

use super::filter_sql::{Column, Fragment, SqlField, TableSet, indexed, trigrams};
use super::plan::{AccessPath, PageItems, PageWindow, SqlItem, direction};
use super::user_fields::custom;
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::sql_types::saturating;
use crate::tables::{CompleteRow, GroupColumns, USERS};
use crate::unit_of_work::Failure;

impl SqlField for GroupField {
    fn column(&self, dialect: Dialect, _now: Timestamp) -> Column {
        match self {
            Self::Id => Column::main("g.id"),
            Self::Name => Column::main("g.name_key").indexed_by("groups_by_name_key"),
            Self::Description => {
                let column = Column::main("g.description_key").nullable();
                match dialect {
                    // PostgreSQL cannot index a text of 32 KiB.
                    Dialect::Postgres => column,
                    Dialect::Sqlite => column.indexed_by("groups_by_description"),
                }
            }
            Self::Type => Column::main("g.kind").indexed_by("groups_by_kind"),
            Self::UserCount => Column::side("n.users").indexed_by("group_user_counts_by_users"),
            Self::ChildGroupCount => Column::main("g.child_group_count").indexed_by("groups_by_child_group_count"),
            Self::Custom(name) => custom(dialect, "g.custom_keys", name, TableSet::MAIN),
            Self::Created => Column::main("g.created").indexed_by("groups_by_created"),
            Self::Modified => Column::main("g.modified").indexed_by("groups_by_modified"),
        }
    }

    fn side_column(&self, _: Dialect) -> Option<Fragment> {
        (*self == Self::Id).then(|| Fragment::of("n.group_id"))
    }

    fn is_trigram_exact(&self, _: &Pattern, _: Dialect) -> bool {
        false
    }

    /// In SQLite, checking the names of all groups is faster than an index.
    fn trigram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, TableSet)> {
        let text = indexed(pattern).filter(|_| *self == Self::Name && dialect == Dialect::Postgres)?;
        let condition = Fragment::of("guildhall_grams(g.name_key) @> ").text(trigrams(text)).sql("::bigint[]");
        Some((condition, TableSet::MAIN))
    }
}

/// How many users each group has: first the groups that are counted in their first slot only, as nearly all are, then the others.
const COUNTS: &str = "(SELECT f.group_id, f.users FROM group_user_counts f WHERE f.slot = 0 \
     AND NOT EXISTS (SELECT 1 FROM group_user_counts b WHERE b.group_id = f.group_id AND b.slot <> 0) \
     UNION ALL SELECT a.group_id, CAST(sum(a.users) AS bigint) FROM group_user_counts a \
     WHERE a.group_id IN (SELECT b.group_id FROM group_user_counts b WHERE b.slot <> 0) GROUP BY a.group_id) n";

/// The same in order, limited to as many of the first kind as the page needs: the part up to the limit, and the rest. With NOT
/// EXISTS PostgreSQL would read all of them.
const IN_ORDER: [&str; 2] = [
    "SELECT n.group_id FROM ((SELECT f.group_id, f.users FROM group_user_counts f WHERE f.slot = 0 \
     AND (SELECT b.slot FROM group_user_counts b WHERE b.group_id = f.group_id AND b.slot <> 0 LIMIT 1) IS NULL ORDER BY f.users",
    ") UNION ALL SELECT a.group_id, CAST(sum(a.users) AS bigint) FROM group_user_counts a \
     WHERE a.group_id IN (SELECT b.group_id FROM group_user_counts b WHERE b.slot <> 0) GROUP BY a.group_id) n ORDER BY n.users",
];

/// What is selected of a group.
type GroupSql = (SqlTypeOf<GroupColumns>, BigInt, Nullable<BigInt>, Nullable<Text>);

impl SqlItem for GroupField {
    fn from_clause(first: TableSet, all: TableSet, path: AccessPath, dialect: Dialect) -> Fragment {
        let counts = if dialect == Dialect::Postgres { COUNTS } else { "group_user_counts n" };
        let starts_with_side = first == TableSet::SIDE;
        let from = Fragment::of(if starts_with_side { counts } else { "groups g" }).then(path.index(dialect));
        if !(all.main && all.side) {
            return from;
        }
        from.sql(path.join(dialect))
            .sql(if starts_with_side { "groups g" } else { counts })
            .sql(" ON n.group_id = g.id")
    }

    fn all_in_order(order: &[Sort<Self>], window: PageWindow, dialect: Dialect) -> Option<Fragment> {
        let [Sort { field: Self::UserCount, is_descending }, Sort { field: Self::Id, is_descending: by_id }] = order
        else {
            return None;
        };
        let (by_users, by_id) = (direction(*is_descending, false), direction(*by_id, false));
        let [first, rest] = IN_ORDER.map(|sql| Fragment::of(sql).sql(by_users));
        let first =
            first.sql(", f.group_id").sql(by_id).sql(" LIMIT ").number(saturating(window.offset + window.limit));
        let merged = window.apply_to(first.then(rest).sql(", n.group_id").sql(by_id));
        (dialect == Dialect::Postgres).then_some(merged)
    }

    fn first_items(_: bool) -> Option<&'static str> {
        None
    }

    fn load(connection: &mut AnyConnection, page: PageItems) -> Result<Vec<(i64, Group)>, Failure> {
        let dialect = Dialect::of(connection);
        let columns = Fragment::default().group_columns().sql(", groups.child_group_count, ").sql(USERS);
        let select = page.select(dialect, "groups", columns.sql(", ").sql(dialect.email_domains()));
        let mut rows: Vec<(i64, i64, CompleteRow)> = select.query::<(BigInt, BigInt, GroupSql)>().load(connection)?;
        rows.sort_by_key(|(place, ..)| *place);
        rows.into_iter().map(|(_, total, row)| Ok((total, row.group()?))).collect()
    }

    fn count_true(&self, _: Timestamp) -> Option<Fragment> {
        None
    }

    fn id_column(table: TableSet) -> &'static str {
        if table == TableSet::SIDE { "n.group_id" } else { "g.id" }
    }
}
