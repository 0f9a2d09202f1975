//! Managers of groups who are imported.

use std::collections::BTreeSet;

use super::placing::{authors, check_author, unknown};
use super::{Import, ImportError, ImportOutcome};
use crate::manager::ManagerId;
use crate::ports::Appointment;
use crate::record::{ManagerRecord, RecordedManager};

impl Import<'_, '_> {
    pub(super) fn managers(&mut self, records: &[&ManagerRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let authors = authors(records.iter().map(|record| record.added));
        let users = records.iter().filter_map(|record| match &record.manager {
            RecordedManager::User(user) => Some(user),
            RecordedManager::Group(_) => None,
        });
        let groups = records.iter().filter_map(|record| match &record.manager {
            RecordedManager::User(_) => None,
            RecordedManager::Group(group) => Some(group),
        });
        let groups = groups.chain(records.iter().map(|record| &record.group));
        let named = self.look_up(users.chain(&authors), groups)?;
        let administrators = self.work.administrators_groups()?;
        let resolve = |record: &ManagerRecord| {
            let group = named.group(&record.group).ok_or_else(|| unknown("groupId", "group"))?;
            let manager = match &record.manager {
                RecordedManager::User(user) => {
                    ManagerId::User(named.user(user).ok_or_else(|| unknown("managerId", "user"))?)
                }
                RecordedManager::Group(group) => {
                    ManagerId::Group(named.group(group).ok_or_else(|| unknown("managerId", "group"))?)
                }
            };
            check_author(record.added, &named)?;
            if administrators.contains_key(&group) {
                return Err(ImportOutcome::refused("groupId", "Groups that make administrators have no managers"));
            }
            Ok(Appointment { group, manager, added: self.provenance(record.added) })
        };
        let resolved: Vec<Result<Appointment, ImportOutcome>> = records.iter().map(|record| resolve(record)).collect();
        let (mut seen, mut appointments) = (BTreeSet::new(), Vec::new());
        for appointment in resolved.iter().filter_map(|resolved| resolved.as_ref().ok()) {
            if seen.insert((appointment.group, appointment.manager)) {
                appointments.push(*appointment);
            }
        }
        let new = self.work.appoint_managers(&appointments)?;
        let mut new: BTreeSet<_> = new.iter().map(|new| (new.group, new.manager)).collect();
        let outcome = |resolved: Result<Appointment, ImportOutcome>| match resolved {
            Err(refused) => refused,
            Ok(appointment) if new.remove(&(appointment.group, appointment.manager)) => ImportOutcome::Created,
            Ok(_) => ImportOutcome::Unchanged,
        };
        Ok(resolved.into_iter().map(outcome).collect())
    }
}
