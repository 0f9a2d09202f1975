//! Fields of groups.

use guildhall_domain::search::{GroupField, Pattern, Sort};
use guildhall_domain::time::Timestamp;

use super::column::{Column, Columns, Dialect, Homes};
use super::fragment::Fragment;
use super::page::{Table, direction};
use super::slice::Slice;
use super::text;
use super::users::custom;
use super::way::Way;
use crate::store::saturating;

impl Columns for GroupField {
    fn column(&self, dialect: Dialect, _now: Timestamp) -> Column {
        match self {
            Self::Id => Column::own("g.id"),
            Self::Name => Column::own("g.name_key").by("groups_by_name_key"),
            Self::Description => Column::own("g.description_key").nullable().by("groups_by_description"),
            Self::Type => Column::own("g.kind").by("groups_by_kind"),
            Self::UserCount => Column::key("n.users").by("group_user_counts_by_users"),
            Self::ChildGroupCount => Column::own("g.child_group_count").by("groups_by_child_group_count"),
            Self::Custom(name) => custom(dialect, "g.custom_keys", name, Homes::OWN),
            Self::Created => Column::own("g.created").by("groups_by_created"),
            Self::Modified => Column::own("g.modified").by("groups_by_modified"),
        }
    }

    fn beside_keys(&self, _: Dialect) -> Option<Fragment> {
        (*self == Self::Id).then(|| Fragment::of("n.group_id"))
    }

    fn is_gram_exact(&self, _: &Pattern, _: Dialect) -> bool {
        false
    }

    /// SQLite looks through all the names faster than it would ask an index.
    fn gram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, Homes)> {
        let text = text::indexed(pattern).filter(|_| *self == Self::Name && dialect == Dialect::Postgres)?;
        let condition = Fragment::of("guildhall_grams(g.name_key) @> ").text(text::grams(text)).sql("::bigint[]");
        Some((condition, Homes::OWN))
    }
}

/// How many users each group has: one that is counted in its first slot alone, as nearly all are, or another.
const COUNTS: &str = "(SELECT f.group_id, f.users FROM group_user_counts f WHERE f.slot = 0 \
     AND NOT EXISTS (SELECT 1 FROM group_user_counts b WHERE b.group_id = f.group_id AND b.slot <> 0) \
     UNION ALL SELECT a.group_id, CAST(sum(a.users) AS bigint) FROM group_user_counts a \
     WHERE a.group_id IN (SELECT b.group_id FROM group_user_counts b WHERE b.slot <> 0) GROUP BY a.group_id) n";

/// The same in order, of the former no more than a page needs: up to how many, and from there on. With NOT EXISTS PostgreSQL
/// would look at all of them.
const IN_ORDER: [&str; 2] = [
    "SELECT n.group_id FROM ((SELECT f.group_id, f.users FROM group_user_counts f WHERE f.slot = 0 \
     AND (SELECT b.slot FROM group_user_counts b WHERE b.group_id = f.group_id AND b.slot <> 0 LIMIT 1) IS NULL ORDER BY f.users",
    ") UNION ALL SELECT a.group_id, CAST(sum(a.users) AS bigint) FROM group_user_counts a \
     WHERE a.group_id IN (SELECT b.group_id FROM group_user_counts b WHERE b.slot <> 0) GROUP BY a.group_id) n ORDER BY n.users",
];

impl Table for GroupField {
    fn tables(first: Homes, all: Homes, way: Way, dialect: Dialect) -> Fragment {
        let counts = if dialect == Dialect::Postgres { COUNTS } else { "group_user_counts n" };
        let is_by_count = first == Homes::KEYS;
        let from = Fragment::of(if is_by_count { counts } else { "groups g" }).then(way.index(dialect));
        if !(all.own && all.keys) {
            return from;
        }
        from.sql(way.join(dialect)).sql(if is_by_count { "groups g" } else { counts }).sql(" ON n.group_id = g.id")
    }

    fn all_in_order(order: &[Sort<Self>], slice: Slice, dialect: Dialect) -> Option<Fragment> {
        let [Sort { field: Self::UserCount, is_descending }, Sort { field: Self::Id, is_descending: by_id }] = order
        else {
            return None;
        };
        let (by_users, by_id) = (direction(*is_descending, false), direction(*by_id, false));
        let [first, rest] = IN_ORDER.map(|sql| Fragment::of(sql).sql(by_users));
        let first = first.sql(", f.group_id").sql(by_id).sql(" LIMIT ").number(saturating(slice.offset + slice.limit));
        let merged = slice.of_statement(first.then(rest).sql(", n.group_id").sql(by_id));
        (dialect == Dialect::Postgres).then_some(merged)
    }

    fn first_items(_: bool) -> Option<&'static str> {
        None
    }

    fn how_many_hold(&self, _: Timestamp) -> Option<Fragment> {
        None
    }

    fn id_in(first: Homes) -> &'static str {
        if first == Homes::KEYS { "n.group_id" } else { "g.id" }
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Name)
    }
}
