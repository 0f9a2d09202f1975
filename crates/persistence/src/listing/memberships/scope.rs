//! Whose memberships or edges are listed.

use crate::sql_types::Key;

/// Whose memberships or edges are listed: the SQL of them.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) id: Key,
    /// The columns of one that counts, `m`, with its dates `d`.
    pub(super) present_columns: &'static str,
    /// The join of those that count with what is named, and the condition up to the id.
    pub(super) present: &'static str,
    /// The same without what is named.
    pub(super) present_alone: &'static str,
    /// The end of the condition, which ends a statement of SQLite that is to end.
    pub(super) row_check: [&'static str; 2],
    /// The columns of the dates `d` of one that begins later.
    pub(super) later_columns: &'static str,
    pub(super) later: &'static str,
    pub(super) later_alone: &'static str,
    /// The key of the name by which they are sorted, and the id.
    pub(super) name: [&'static str; 2],
    /// How many count, if nothing is asked of them.
    pub(super) count: Option<&'static str>,
}

pub(super) const OF_GROUP: Scope = Scope {
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

pub(super) const OF_USER: Scope = Scope {
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

pub(super) const EDGES: Scope = Scope {
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
