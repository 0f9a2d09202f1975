//! Groups that are imported.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::is_system;
use super::{Import, ImportError, ImportOutcome, without_repetition};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::group::{Group, GroupId, differing_columns};
use crate::name::NameKey;
use crate::record::GroupRecord;

/// By what a record is told from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum RecordKey {
    Id(GroupId),
    Name(NameKey),
}

impl Import<'_, '_> {
    pub(super) fn groups(&mut self, records: &[&GroupRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let keys = |record: &&GroupRecord| {
            let name = record.name.as_deref().map(|name| RecordKey::Name(NameKey::of(name)));
            record.id.map(RecordKey::Id).into_iter().chain(name).collect()
        };
        let mut outcomes = Vec::new();
        for part in without_repetition(records, keys) {
            let mut rest = part;
            while !rest.is_empty() {
                let done = self.groups_at_once(rest)?;
                rest = rest.get(done.len()..).unwrap_or_default();
                outcomes.extend(done);
            }
        }
        Ok(outcomes)
    }

    /// Imports the first records, up to one that takes a name which another of them gave up: a store changes many at once in any order.
    fn groups_at_once(&mut self, records: &[&GroupRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let names: BTreeSet<NameKey> =
            records.iter().filter_map(|record| record.name.as_deref()).map(NameKey::of).collect();
        let names: BTreeSet<&NameKey> = names.iter().filter(|name| !name.is_empty() && !name.is_too_long()).collect();
        let mut owners: BTreeMap<NameKey, GroupId> =
            self.work.groups_named(&names)?.into_iter().map(|(name, id)| (name.clone(), id)).collect();
        let id_of = |record: &GroupRecord, owners: &BTreeMap<NameKey, GroupId>| {
            let name = record.name.as_deref().map(NameKey::of);
            let owner = name.as_ref().and_then(|name| owners.get(name).copied());
            // A system group has another id in each installation.
            if name.as_ref().is_some_and(is_system) { owner } else { record.id.or(owner) }
        };
        let ids = records.iter().filter_map(|record| id_of(record, &owners)).collect();
        let known = self.work.groups_of_ids(&ids)?;
        let (mut new, mut changed, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        let mut freed = BTreeSet::new();
        for record in records {
            let before = id_of(record, &owners).and_then(|id| known.get(&id));
            let group = self.group(record, before, &owners);
            if let Ok(group) = &group {
                let (name, name_before) = (group.name.key(), before.map(|before| before.name.key()));
                if name_before.as_ref() != Some(&name) {
                    if freed.contains(&name) {
                        break;
                    }
                    if let Some(name) = name_before {
                        owners.remove(&name);
                        freed.insert(name);
                    }
                    owners.insert(name, group.id);
                }
            }
            outcomes.push(match group {
                Err(outcome) => outcome,
                Ok(group) => match before {
                    None => {
                        new.push(group);
                        ImportOutcome::Created
                    }
                    Some(before) => {
                        let columns = differing_columns(before, &group);
                        if columns.is_empty() {
                            ImportOutcome::Unchanged
                        } else {
                            changed.push((before.clone(), group));
                            ImportOutcome::Changed(columns)
                        }
                    }
                },
            });
        }
        if !changed.is_empty() {
            self.work.update_groups(&changed)?;
            self.note_domains(&changed)?;
        }
        if !new.is_empty() {
            self.work.insert_groups(&new)?;
        }
        Ok(outcomes)
    }

    /// The group that a record tells.
    fn group(
        &self,
        record: &GroupRecord,
        before: Option<&Group>,
        owners: &BTreeMap<NameKey, GroupId>,
    ) -> Result<Group, ImportOutcome> {
        if before.is_none() && record.is_system() {
            return Err(ImportOutcome::refused("name", "There is no system group of this name"));
        }
        let group = match before {
            Some(before) => record.changed(before, self.now),
            None => record.new_group(GroupId(self.ids.next()), self.now),
        };
        let group = group.map_err(ImportOutcome::Refused)?;
        match owners.get(&group.name.key()).filter(|owner| **owner != group.id) {
            Some(owner) => Err(ImportOutcome::refused("name", format!("Another group has this name, {owner}"))),
            None => Ok(group),
        }
    }

    /// Notes for auditors which groups that make administrators have other email domains.
    fn note_domains(&mut self, changed: &[(Group, Group)]) -> Result<(), ImportError> {
        let differs = |(before, after): &&(Group, Group)| {
            before.auto_membership_email_domains != after.auto_membership_email_domains
        };
        let changed: Vec<GroupId> = changed.iter().filter(differs).map(|(_, after)| after.id).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let administrators = self.work.administrators_groups()?;
        for group in changed {
            let administrators = administrators.get(&group).cloned().unwrap_or_default();
            self.work.note(AuditNote::of_group(AdministratorsChange::DomainsChanged, administrators, group));
        }
        Ok(())
    }
}
