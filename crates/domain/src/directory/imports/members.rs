//! Memberships that are imported.

use std::collections::{BTreeMap, BTreeSet};

use super::{Import, ImportError, ImportOutcome, without_repetition};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::UserIdentifier;
use crate::ports::{MemberStanding, PlacedMember};
use crate::record::{AddedRecord, MembershipRecord};
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityChange, ValidityDate, ValidityError};

impl Import<'_, '_> {
    pub(super) fn members(&mut self, records: &[&MembershipRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let authors: Vec<UserIdentifier> =
            records.iter().filter_map(|record| record.added.by).map(UserIdentifier::Id).collect();
        let users = records.iter().map(|record| &record.user).chain(&authors);
        let named = self.look_up(users, records.iter().map(|record| &record.group))?;
        let everyone = self.work.group_id(&SystemGroup::Everyone.identifier())?;
        let resolve = |record: &MembershipRecord| {
            let group = named.group(&record.group).ok_or_else(|| unknown("groupId", "group"))?;
            let user = named.user(&record.user).ok_or_else(|| unknown("userId", "user"))?;
            check_author(&record.added, |by| named.user(&UserIdentifier::Id(by)).is_some())?;
            if everyone == Some(group) && record.validity.has_dates() {
                return Err(ImportOutcome::refused("validUntil", "Memberships of 'Everyone' have no dates"));
            }
            Ok((group, user))
        };
        let resolved: Vec<Result<(GroupId, UserId), ImportOutcome>> =
            records.iter().map(|record| resolve(record)).collect();
        let resolved: Vec<_> = records.iter().zip(resolved).collect();
        let keys =
            |(_, resolved): &(_, Result<(GroupId, UserId), _>)| resolved.as_ref().ok().copied().into_iter().collect();
        let mut outcomes = Vec::with_capacity(records.len());
        for part in without_repetition(&resolved, keys) {
            let pairs = part.iter().filter_map(|(_, resolved)| resolved.as_ref().ok().copied()).collect();
            let standings = self.work.standings_of_memberships(&pairs)?;
            let administrators = self.work.administrators_groups()?;
            let mut placed = Vec::new();
            for (record, resolved) in part {
                outcomes.push(match resolved {
                    Err(refused) => refused.clone(),
                    Ok(pair) => {
                        let told = (record.added, record.validity);
                        self.place(*pair, told, standings.get(pair).copied(), &administrators, &mut placed)
                    }
                });
            }
            if !placed.is_empty() {
                self.work.place_members(&placed, self.now)?;
                self.note_members(&placed, &administrators);
            }
        }
        Ok(outcomes)
    }

    /// Plans where a member is to stand, and tells what becomes of the record.
    pub(super) fn place<Id: Copy>(
        &self,
        (group, member): (GroupId, Id),
        (added, validity): (AddedRecord, ValidityChange),
        before: Option<MemberStanding>,
        administrators: &BTreeMap<GroupId, BTreeSet<SystemGroup>>,
        placed: &mut Vec<PlacedMember<Id>>,
    ) -> ImportOutcome {
        let dates = before.map_or(Validity::ALWAYS, |before| before.validity);
        let validity = match validity.apply(dates, self.now) {
            Ok(validity) => validity,
            Err(error) => return ImportOutcome::refused(column(error), error.to_string()),
        };
        if before.is_some() && validity == dates {
            return ImportOutcome::Unchanged;
        }
        let new = PlacedMember { group, member, added: self.provenance(added), before, validity };
        let makes = |group| administrators.get(group).is_some_and(|of| of.contains(&SystemGroup::SystemAdministrators));
        if self.options.protects_administrators && new.ends(self.now) && makes(&group) {
            return ImportOutcome::refused("validUntil", "Memberships that make System Administrators must stay");
        }
        placed.push(new);
        if before.is_none() {
            return ImportOutcome::Created;
        }
        let differs = [("validFrom", dates.from != validity.from), ("validUntil", dates.until != validity.until)];
        ImportOutcome::Changed(differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect())
    }

    fn note_members(
        &mut self,
        placed: &[PlacedMember<UserId>],
        administrators: &BTreeMap<GroupId, BTreeSet<SystemGroup>>,
    ) {
        for (group, change, users) in noted(placed, administrators, self.now) {
            let change = match change {
                Noted::Added => AdministratorsChange::UsersAdded,
                Noted::Dated => AdministratorsChange::UsersScheduled,
            };
            let note = AuditNote::of_group(change, administrators.get(&group).cloned().unwrap_or_default(), group);
            self.work.note(note.map(|note| note.naming_users(&users)));
        }
    }
}

/// What a note tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Noted {
    /// They joined.
    Added,
    /// They have dates.
    Dated,
}

/// What auditors are told of: changes of groups that make administrators.
pub(super) fn noted<Id: Copy + Ord>(
    placed: &[PlacedMember<Id>],
    administrators: &BTreeMap<GroupId, BTreeSet<SystemGroup>>,
    now: Timestamp,
) -> Vec<(GroupId, Noted, BTreeSet<Id>)> {
    let mut together: BTreeMap<(GroupId, Noted), BTreeSet<Id>> = BTreeMap::new();
    for member in placed.iter().filter(|member| administrators.contains_key(&member.group)) {
        if member.joins(now) {
            together.entry((member.group, Noted::Added)).or_default().insert(member.member);
        }
        if member.is_dated() {
            together.entry((member.group, Noted::Dated)).or_default().insert(member.member);
        }
    }
    together.into_iter().map(|((group, noted), members)| (group, noted, members)).collect()
}

/// A record that names somebody or something that is not there.
pub(super) fn unknown(column: &str, what: &str) -> ImportOutcome {
    ImportOutcome::refused(column, format!("There is no such {what}"))
}

/// Refuses a record whose author is not there.
pub(super) fn check_author(added: &AddedRecord, is_known: impl Fn(UserId) -> bool) -> Result<(), ImportOutcome> {
    if added.by.is_none_or(is_known) { Ok(()) } else { Err(unknown("addedBy", "user")) }
}

fn column(error: ValidityError) -> &'static str {
    match error.date() {
        ValidityDate::From => "validFrom",
        ValidityDate::Until => "validUntil",
    }
}
