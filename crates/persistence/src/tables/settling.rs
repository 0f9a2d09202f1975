//! What is due: memberships and edges begin and end when their dates have come.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::group::GroupId;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::DueChange;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use crate::connection::AnyConnection;
use crate::dialect::settling::{self, DueRow, Pair, Settled};
use crate::dialect::{change_member_counts, note_memberships};
use crate::metrics::MembershipChanges;
use crate::sql_types::Key;
use crate::together::run_together;
use crate::unit_of_work::Failure;

/// What was made so.
#[derive(Default)]
pub(super) struct Made {
    /// In the order of the dates.
    pub(super) changes: Vec<DueChange>,
    pub(super) counts: MembershipChanges,
}

/// Makes so what is due at `now`, or the first of it, with what depends on it. `None`: there are edges among it, which `with_edges` rules out.
pub(super) fn make_due(
    connection: &mut AnyConnection,
    now: Timestamp,
    with_edges: bool,
) -> Result<Option<Made>, Failure> {
    let moment = now.milliseconds();
    let mut due = settling::due(connection, moment)?;
    let has_edges = due.iter().any(|row| row.child_id.is_some());
    if has_edges && !with_edges {
        return Ok(None);
    }
    if has_edges {
        // An edge may depend on others, so all of them are made so together.
        due.retain(|row| row.user_id.is_some());
        due.extend(settling::due_edges(connection, moment)?);
    }
    due.sort_unstable_by_key(|row| (row.group_id, row.user_id, row.child_id));
    let mut made = Made::default();
    let has_users = due.iter().any(|row| row.user_id.is_some());
    if has_users {
        let users = settling::settle_users(connection, &due, moment)?;
        made.counts.users_added = users.begun.len() as u64;
        made.counts.users_removed = users.ended.len() as u64;
        made.add(&due, &users, now, |row| Some((row.user_id?, ManagerId::User(UserId(row.user_id?.0)))));
        // Counters are shared with changes that wait for rows of the groups, so they are changed after all rows.
        count(connection, &users)?;
    }
    if has_edges {
        let children = settling::settle_children(connection, moment)?;
        made.counts.groups_added = children.begun.len() as u64;
        made.counts.groups_removed = children.ended.len() as u64;
        made.add(&due, &children, now, |row| Some((row.child_id?, ManagerId::Group(GroupId(row.child_id?.0)))));
    }
    if !made.changes.is_empty() {
        run_together(connection, &[&note_memberships()])?;
    }
    made.changes.sort_by_key(|change| change.at);
    Ok(Some(made))
}

impl Made {
    /// Adds what became so of one kind of members: first what began, then what ended. What ended before it could begin did both.
    fn add(
        &mut self,
        due: &[DueRow],
        settled: &Settled,
        now: Timestamp,
        member: impl Fn(&DueRow) -> Option<(Key, ManagerId)>,
    ) {
        let [begun, ended] =
            [&settled.begun, &settled.ended].map(|pairs| pairs.iter().copied().collect::<BTreeSet<_>>());
        let mut ends = Vec::new();
        for row in due {
            let Some((member_id, member)) = member(row) else { continue };
            let pair = Pair { group_id: row.group_id, member_id };
            let change = |is_in, at| DueChange {
                group: GroupId(row.group_id.0),
                member,
                is_in,
                at: Timestamp::from_milliseconds(at),
            };
            let end = row.valid_until.filter(|until| *until <= now.milliseconds());
            let has_passed = row.begins().is_some() && end.is_some() && !ended.contains(&pair);
            if let Some(from) = row.begins().filter(|_| has_passed || begun.contains(&pair)) {
                self.changes.push(change(true, from));
            }
            if let Some(until) = end.filter(|_| has_passed || ended.contains(&pair)) {
                ends.push(change(false, until));
            }
        }
        self.changes.extend(ends);
    }
}

/// Counts the members that groups won and lost.
fn count(connection: &mut AnyConnection, settled: &Settled) -> Result<(), Failure> {
    let mut by_group: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
    for (pairs, change) in [(&settled.begun, 1), (&settled.ended, -1)] {
        for pair in pairs {
            let (users, changes) = by_group.entry(pair.group_id).or_default();
            *users += change;
            *changes += 1;
        }
    }
    if by_group.is_empty() {
        return Ok(());
    }
    let groups: Vec<Key> = by_group.keys().copied().collect();
    let (users, changes): (Vec<i64>, Vec<i64>) = by_group.into_values().unzip();
    run_together(connection, &[&change_member_counts(&groups, &users, &changes)])?;
    Ok(())
}
