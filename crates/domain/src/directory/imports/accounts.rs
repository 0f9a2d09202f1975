//! Users who are imported.

use std::collections::{BTreeMap, BTreeSet};

use super::{Import, ImportError, ImportOutcome, without_repetition};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::email_domain::EmailDomain;
use crate::group::{GroupId, SystemGroup};
use crate::name::NameKey;
use crate::ports::{ChangedAccount, NewAccount, StoreError};
use crate::provenance::Provenance;
use crate::record::UserRecord;
use crate::user::{Account, Email, SecurityStamp, User, UserId, differing_columns};

/// What is known of the users of some records.
struct Known {
    users: BTreeMap<UserId, User>,
    owners: BTreeMap<NameKey, UserId>,
    /// The names that users of the plan give up.
    freed: BTreeSet<NameKey>,
    with_password: BTreeSet<UserId>,
    of_api_keys: BTreeSet<UserId>,
    /// Those whose account must stay open.
    protected: BTreeSet<UserId>,
}

/// What is going to be done.
#[derive(Default)]
struct Plan {
    new: Vec<NewAccount>,
    changed: Vec<ChangedAccount>,
}

/// By what a record is told from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum RecordKey {
    Id(UserId),
    Name(NameKey),
}

impl Import<'_, '_> {
    pub(super) fn users(&mut self, records: &[&UserRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let keys = |record: &&UserRecord| {
            let name = record.name().map(|name| RecordKey::Name(NameKey::of(name)));
            record.id.map(RecordKey::Id).into_iter().chain(name).collect()
        };
        let mut outcomes = Vec::new();
        for part in without_repetition(records, keys) {
            let mut rest = part;
            while !rest.is_empty() {
                let done = self.users_at_once(rest)?;
                rest = rest.get(done.len()..).unwrap_or_default();
                outcomes.extend(done);
            }
        }
        Ok(outcomes)
    }

    /// Imports the first records, up to one that takes a name which another of them gave up: a store changes many at once in any order.
    fn users_at_once(&mut self, records: &[&UserRecord]) -> Result<Vec<ImportOutcome>, ImportError> {
        let mut known = self.known(records)?;
        let mut plan = Plan::default();
        let outcomes = records.iter().map_while(|record| self.user(record, &mut known, &mut plan)).collect();
        self.join_groups(&mut plan.new)?;
        if !plan.changed.is_empty() {
            self.work.update_accounts(&plan.changed)?;
            self.note_changed(&plan.changed)?;
        }
        if !plan.new.is_empty() {
            self.work.insert_accounts(&plan.new, Provenance::at(self.now))?;
        }
        Ok(outcomes)
    }

    fn known(&mut self, records: &[&UserRecord]) -> Result<Known, StoreError> {
        let emails = records.iter().filter_map(|record| record.email.as_ref()?.as_deref());
        let names: BTreeSet<NameKey> =
            records.iter().filter_map(|record| record.name()).chain(emails).map(NameKey::of).collect();
        let names: BTreeSet<&NameKey> = names.iter().filter(|name| !name.is_empty() && !name.is_too_long()).collect();
        let owners: BTreeMap<NameKey, UserId> =
            self.work.users_named(&names)?.into_iter().map(|(name, id)| (name.clone(), id)).collect();
        let by_name = |record: &&UserRecord| owners.get(&NameKey::of(record.name()?)).copied();
        let ids: BTreeSet<UserId> = records.iter().filter_map(|record| record.id.or_else(|| by_name(record))).collect();
        let users = self.work.users_of(&ids)?;
        let ids: BTreeSet<UserId> = users.keys().copied().collect();
        let mut known = Known {
            users,
            owners,
            freed: BTreeSet::new(),
            with_password: BTreeSet::new(),
            of_api_keys: BTreeSet::new(),
            protected: BTreeSet::new(),
        };
        if !ids.is_empty() {
            known.of_api_keys = self.work.users_of_api_keys(&ids)?;
            if records.iter().any(|record| record.password.is_some()) {
                known.with_password = self.work.users_with_password(&ids)?;
            }
            if self.options.protects_administrators {
                known.protected = self.administrators_among(&ids)?;
            }
        }
        Ok(known)
    }

    /// Those of `users` who are System Administrators.
    fn administrators_among(&mut self, users: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        let Some(group) = self.work.group_id(&SystemGroup::SystemAdministrators.identifier())? else {
            return Ok(BTreeSet::new());
        };
        let pairs = users.iter().map(|user| (*user, group)).collect();
        Ok(self.work.effective_memberships_among(&pairs)?.into_iter().map(|(user, _)| user).collect())
    }

    /// Plans what is done with a record, and tells what becomes of it. `None`: it takes a name that another record of the plan gave up.
    fn user(&self, record: &UserRecord, known: &mut Known, plan: &mut Plan) -> Option<ImportOutcome> {
        let by_name = || record.name().and_then(|name| known.owners.get(&NameKey::of(name)).copied());
        let id = record.id.or_else(by_name);
        let before = id.and_then(|id| known.users.get(&id));
        if record.id.is_some_and(|id| id.0.is_nil()) {
            return Some(ImportOutcome::refused("id", "The id must not be nil"));
        }
        if before.is_some_and(|before| known.of_api_keys.contains(&before.id)) {
            return Some(ImportOutcome::refused("id", "It is the user of an API key, which is not imported"));
        }
        let id = id.unwrap_or_else(|| UserId(self.ids.next()));
        let account = Account { id, now: self.now, email_required: false };
        let user = match record.user(before, account) {
            Ok(user) => user,
            Err(faults) => return Some(ImportOutcome::Refused(faults)),
        };
        if let Some(taken) = taken_name(&user, &known.owners) {
            let message = format!("Another user has this name, {}", other(&user, known));
            return Some(ImportOutcome::refused(taken, message));
        }
        let (names_before, names) = (before.map(User::name_keys).unwrap_or_default(), user.name_keys());
        if names.difference(&names_before).any(|name| known.freed.contains(name)) {
            return None;
        }
        let password = record.password.clone().filter(|_| !known.with_password.contains(&id));
        let before = before.cloned();
        let mut columns = before.as_ref().map(|before| differing_columns(before, &user)).unwrap_or_default();
        if before.is_some() && password.is_some() {
            columns.push("password");
        }
        let outcome = match &before {
            None => ImportOutcome::Created,
            Some(_) if columns.is_empty() => return Some(ImportOutcome::Unchanged),
            Some(before) if known.protected.contains(&id) && closes(before, &user) => {
                let column = if user.suspended && !before.suspended { "suspended" } else { "expiry" };
                return Some(ImportOutcome::refused(
                    column,
                    "The account of the last System Administrator must stay open",
                ));
            }
            Some(_) => ImportOutcome::Changed(columns),
        };
        for name in names_before.difference(&names) {
            known.owners.remove(name);
            known.freed.insert(name.clone());
        }
        known.owners.extend(names.into_iter().map(|name| (name, id)));
        match before {
            None => {
                let stamp = SecurityStamp(self.ids.next());
                plan.new.push(NewAccount { user, password, stamp, groups: BTreeSet::new() });
            }
            Some(before) => {
                // Tokens of before stay dead if the account is opened again.
                let is_suspended = user.suspended && !before.suspended;
                let stamp = is_suspended.then(|| SecurityStamp(self.ids.next()));
                plan.changed.push(ChangedAccount { before, after: user, password, stamp });
            }
        }
        Some(outcome)
    }

    /// Lets new users join `Everyone` and, if that is wanted, the groups of their email domains.
    fn join_groups(&mut self, accounts: &mut [NewAccount]) -> Result<(), StoreError> {
        let everyone = self.work.group_id(&SystemGroup::Everyone.identifier())?;
        let mut of_domains: BTreeMap<EmailDomain, BTreeSet<GroupId>> = BTreeMap::new();
        let mut joining: BTreeMap<GroupId, BTreeSet<UserId>> = BTreeMap::new();
        for account in accounts {
            let domain = account.user.email.as_ref().and_then(Email::domain).filter(|_| self.options.joins_domains);
            if let Some(domain) = domain {
                if !of_domains.contains_key(&domain) {
                    let groups = self.work.groups_for_domain(&domain)?;
                    of_domains.insert(domain.clone(), groups);
                }
                account.groups.extend(of_domains.get(&domain).into_iter().flatten());
            }
            account.groups.extend(everyone);
            for group in &account.groups {
                joining.entry(*group).or_default().insert(account.user.id);
            }
        }
        if joining.is_empty() {
            return Ok(());
        }
        let administrators = self.work.administrators_groups()?;
        for (group, users) in joining {
            let administrators = administrators.get(&group).cloned().unwrap_or_default();
            let note = AuditNote::of_group(AdministratorsChange::UsersAdded, administrators, group);
            self.work.note(note.map(|note| note.naming_users(&users)));
        }
        Ok(())
    }

    /// Notes for auditors whose accounts opened or closed of those who administer.
    fn note_changed(&mut self, changed: &[ChangedAccount]) -> Result<(), StoreError> {
        for ChangedAccount { before, after, .. } in changed {
            let change = match (before.suspended, after.suspended) {
                (false, true) => AdministratorsChange::UserSuspended,
                (true, false) => AdministratorsChange::UserUnsuspended,
                _ if before.expiry != after.expiry => AdministratorsChange::ExpiryChanged,
                _ => continue,
            };
            let status = self.work.account_status(after.id)?;
            self.work.note(AuditNote::of_user(change, status.as_ref(), after.id));
        }
        Ok(())
    }
}

/// The column of a name of `user` that another user has.
fn taken_name(user: &User, owners: &BTreeMap<NameKey, UserId>) -> Option<&'static str> {
    let is_taken = |key: &NameKey| owners.get(key).is_some_and(|owner| *owner != user.id);
    if is_taken(&user.username.key()) {
        return Some("userName");
    }
    user.email.as_ref().filter(|email| is_taken(&email.key())).map(|_| "email")
}

/// Who has a name of `user`.
fn other(user: &User, known: &Known) -> String {
    let owners = user.name_keys().into_iter().filter_map(|key| known.owners.get(&key).copied());
    let owner = owners.into_iter().find(|owner| *owner != user.id);
    owner.map(|owner| owner.to_string()).unwrap_or_default()
}

/// Whether the account was open, and is not any more, or is going to end sooner.
fn closes(before: &User, after: &User) -> bool {
    let ends_sooner = after.expiry.is_some_and(|expiry| before.expiry.is_none_or(|before| expiry < before));
    (after.suspended && !before.suspended) || ends_sooner
}
