//! Fields of groups.

use guildhall_domain::search::{GroupField, Pattern};
use guildhall_domain::time::Timestamp;

use super::column::{Column, Columns, Dialect, Homes};
use super::fragment::Fragment;
use super::page::Table;
use super::text;
use super::users::custom;

impl Columns for GroupField {
    fn column(&self, dialect: Dialect, _now: Timestamp) -> Column {
        match self {
            Self::Id => Column::own("g.id"),
            Self::Name => Column::own("g.name_key").by("groups_by_name_key"),
            Self::Description => Column::own("g.description_key").nullable().by("groups_by_description"),
            Self::Type => Column::own("g.kind").by("groups_by_kind"),
            Self::UserCount => Column::own(
                "(SELECT CAST(coalesce(sum(n.users), 0) AS bigint) FROM group_user_counts n WHERE n.group_id = g.id)",
            ),
            Self::ChildGroupCount => Column::own("(SELECT count(*) FROM group_children e WHERE e.parent_id = g.id)"),
            Self::Custom(name) => custom(dialect, "g.custom_keys", name, Homes::OWN),
            Self::Created => Column::own("g.created").by("groups_by_created"),
            Self::Modified => Column::own("g.modified").by("groups_by_modified"),
        }
    }

    /// SQLite looks through all the names faster than it would ask an index.
    fn gram_condition(&self, pattern: &Pattern, dialect: Dialect) -> Option<(Fragment, Homes)> {
        let text = text::indexed(pattern).filter(|_| *self == Self::Name && dialect == Dialect::Postgres)?;
        let condition = Fragment::of("guildhall_grams(g.name_key) @> ").text(text::grams(text)).sql("::bigint[]");
        Some((condition, Homes::OWN))
    }
}

impl Table for GroupField {
    fn tables(_: Homes, _: Homes, index: Option<&'static str>, dialect: Dialect) -> Fragment {
        let from = Fragment::of("groups g");
        match (index, dialect) {
            (Some(index), Dialect::Sqlite) => from.sql(" INDEXED BY ").sql(index),
            _ => from,
        }
    }

    fn id_in(_: Homes) -> &'static str {
        "g.id"
    }

    fn is_unique(&self) -> bool {
        matches!(self, Self::Id | Self::Name)
    }
}
