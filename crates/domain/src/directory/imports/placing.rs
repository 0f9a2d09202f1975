//! Where members and children are to stand: what is the same for both.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::Named;
use super::{Import, ImportError, ImportOutcome, without_repetition};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::directory::unit_of_work::Writing;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::UserIdentifier;
use crate::ports::{MemberStanding, PlacedMember, StoreError};
use crate::record::AddedRecord;
use crate::time::Timestamp;
use crate::user::UserId;
use crate::validity::{Validity, ValidityChange, ValidityDate, ValidityError};

/// Who or what belongs to groups: users, or groups below them.
pub(super) trait MemberId: Copy + Ord {
    /// What auditors are told of those who join a group that makes administrators.
    const JOINED: AdministratorsChange;
    /// What they are told of those who are in it from or until a date.
    const DATED: AdministratorsChange;

    fn standings(
        work: &mut Writing<'_>,
        pairs: &BTreeSet<(GroupId, Self)>,
    ) -> Result<BTreeMap<(GroupId, Self), MemberStanding>, StoreError>;

    fn place(work: &mut Writing<'_>, placed: &[PlacedMember<Self>], now: Timestamp) -> Result<(), StoreError>;

    fn name_in(note: AuditNote, members: &BTreeSet<Self>) -> AuditNote;
}

impl MemberId for UserId {
    const JOINED: AdministratorsChange = AdministratorsChange::UsersAdded;
    const DATED: AdministratorsChange = AdministratorsChange::UsersScheduled;

    fn standings(
        work: &mut Writing<'_>,
        pairs: &BTreeSet<(GroupId, Self)>,
    ) -> Result<BTreeMap<(GroupId, Self), MemberStanding>, StoreError> {
        work.standings_of_memberships(pairs)
    }

    fn place(work: &mut Writing<'_>, placed: &[PlacedMember<Self>], now: Timestamp) -> Result<(), StoreError> {
        work.place_members(placed, now)
    }

    fn name_in(note: AuditNote, members: &BTreeSet<Self>) -> AuditNote {
        note.naming_users(members)
    }
}

impl MemberId for GroupId {
    const JOINED: AdministratorsChange = AdministratorsChange::GroupsAdded;
    const DATED: AdministratorsChange = AdministratorsChange::GroupsScheduled;

    fn standings(
        work: &mut Writing<'_>,
        pairs: &BTreeSet<(GroupId, Self)>,
    ) -> Result<BTreeMap<(GroupId, Self), MemberStanding>, StoreError> {
        work.standings_of_edges(pairs)
    }

    fn place(work: &mut Writing<'_>, placed: &[PlacedMember<Self>], now: Timestamp) -> Result<(), StoreError> {
        work.place_children(placed, now)
    }

    fn name_in(note: AuditNote, members: &BTreeSet<Self>) -> AuditNote {
        note.naming_groups(members)
    }
}

/// A record of a member whose names were looked up, or why it is refused.
pub(super) struct Placing<Id> {
    pub(super) resolved: Result<(GroupId, Id), ImportOutcome>,
    pub(super) added: AddedRecord,
    pub(super) validity: ValidityChange,
}

impl Import<'_, '_> {
    /// Lets members stand as records say, and tells what becomes of each.
    pub(super) fn place_all<Id: MemberId>(
        &mut self,
        records: &[Placing<Id>],
    ) -> Result<Vec<ImportOutcome>, ImportError> {
        let keys = |record: &Placing<Id>| record.resolved.as_ref().ok().copied().into_iter().collect();
        let mut outcomes = Vec::with_capacity(records.len());
        for part in without_repetition(records, keys) {
            let pairs = part.iter().filter_map(|record| record.resolved.as_ref().ok().copied()).collect();
            let standings = Id::standings(self.work, &pairs)?;
            let administrators = self.work.administrators_groups()?;
            let mut placed = Vec::new();
            for Placing { resolved, added, validity } in part {
                outcomes.push(match resolved {
                    Err(refused) => refused.clone(),
                    Ok(pair) => {
                        let told = (*added, *validity);
                        self.place(*pair, told, standings.get(pair).copied(), &administrators, &mut placed)
                    }
                });
            }
            if !placed.is_empty() {
                // Neighbours in the store come one after the other.
                placed.sort_unstable_by_key(|member| (member.group, member.member));
                Id::place(self.work, &placed, self.now)?;
                self.note_placed(&placed, &administrators);
            }
        }
        Ok(outcomes)
    }

    /// Plans where a member is to stand, and tells what becomes of the record.
    fn place<Id: Copy>(
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

    /// Notes for auditors who came to groups that make administrators.
    fn note_placed<Id: MemberId>(
        &mut self,
        placed: &[PlacedMember<Id>],
        administrators: &BTreeMap<GroupId, BTreeSet<SystemGroup>>,
    ) {
        let mut of_groups: BTreeMap<GroupId, [BTreeSet<Id>; 2]> = BTreeMap::new();
        for member in placed.iter().filter(|member| administrators.contains_key(&member.group)) {
            let [joined, dated] = of_groups.entry(member.group).or_default();
            if member.joins(self.now) {
                joined.insert(member.member);
            }
            if member.is_dated() {
                dated.insert(member.member);
            }
        }
        for (group, members) in of_groups {
            for (change, members) in [Id::JOINED, Id::DATED].into_iter().zip(members) {
                if !members.is_empty() {
                    let administrators = administrators.get(&group).cloned().unwrap_or_default();
                    let note = AuditNote::of_group(change, administrators, group);
                    self.work.note(note.map(|note| Id::name_in(note, &members)));
                }
            }
        }
    }
}

/// A record that names somebody or something that is not there.
pub(super) fn unknown(column: &str, what: &str) -> ImportOutcome {
    ImportOutcome::refused(column, format!("There is no such {what}"))
}

/// Those who added something, as whom records name.
pub(super) fn authors(added: impl Iterator<Item = AddedRecord>) -> Vec<UserIdentifier> {
    added.filter_map(|added| added.by).map(UserIdentifier::Id).collect()
}

/// Refuses a record whose author is not there.
pub(super) fn check_author(added: AddedRecord, named: &Named) -> Result<(), ImportOutcome> {
    match added.by {
        Some(by) if named.user(&UserIdentifier::Id(by)).is_none() => Err(unknown("addedBy", "user")),
        _ => Ok(()),
    }
}

fn column(error: ValidityError) -> &'static str {
    match error.date() {
        ValidityDate::From => "validFrom",
        ValidityDate::Until => "validUntil",
    }
}
