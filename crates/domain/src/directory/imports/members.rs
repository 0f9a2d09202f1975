//! Memberships that are imported.

use super::placing::{Placing, authors, check_author, unknown};
use super::{Import, ImportError, ImportOutcome};
use crate::group::SystemGroup;
use crate::record::MembershipRecord;

impl Import<'_, '_> {
    pub(super) fn members(&mut self, records: &[&MembershipRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let authors = authors(records.iter().map(|record| record.added));
        let users = records.iter().map(|record| &record.user).chain(&authors);
        let named = self.look_up(users, records.iter().map(|record| &record.group))?;
        let everyone = self.work.group_id(&SystemGroup::Everyone.identifier())?;
        let resolve = |record: &MembershipRecord| {
            let group = named.group(&record.group).ok_or_else(|| unknown("groupId", "group"))?;
            let user = named.user(&record.user).ok_or_else(|| unknown("userId", "user"))?;
            check_author(record.added, &named)?;
            if everyone == Some(group) && record.validity.has_dates() {
                return Err(ImportOutcome::refused("validUntil", "Memberships of 'Everyone' have no dates"));
            }
            Ok((group, user))
        };
        let placing = |record: &&MembershipRecord| {
            let (added, validity) = (record.added, record.validity);
            Placing { resolved: resolve(record), added, validity }
        };
        self.place_all(&records.iter().map(placing).collect::<Vec<_>>())
    }
}
