//! What changes of users and of API keys tell.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::properties::Changes;
use super::{Change, Fact, Recorder};
use crate::api_key::{ApiKey, ApiKeyIdentifier};
use crate::event::{EventType, Members, Subject};
use crate::external::IdentityLink;
use crate::group::GroupId;
use crate::identifier::UserIdentifier;
use crate::password::PasswordHash;
use crate::ports::{
    ApiKeyForUpdate, ApiKeyWriter, Credentials, IdentityWriter, KnownAddress, LockoutReader, LockoutWriter, NameSource,
    PasswordUpdate, Purpose, StoreError, UserForUpdate, UserWriter,
};
use crate::provenance::Provenance;
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, User, UserId};

use super::fact::{of_unknown_name, refused_sign_in};

impl Recorder<'_> {
    pub(super) fn saw_user(&mut self, user: &User) {
        self.seen.user = Some((user.id, user.username.as_str().to_owned()));
    }

    pub(super) fn created_user(user: &User) -> Change {
        Fact::of_user(EventType::UserCreated, user.id, Some(user.username.as_str())).into()
    }

    fn of_api_key(kind: EventType, key: &ApiKey) -> Fact {
        Fact {
            kind,
            subject: Subject::ApiKey(key.id),
            user: None,
            group: None,
            members: Members::Users(vec![key.user]),
            details: [("apiKey".to_owned(), json!({ "id": key.id.0.to_string(), "name": key.name.as_str() }))]
                .into_iter()
                .collect(),
            is_by_user: None,
        }
    }

    /// What a change of a user tells.
    pub(super) fn of_update(&self, before: &User, user: &User, credentials: &Credentials) -> Vec<Change> {
        let now = self.teller.now();
        let fact = |kind| Fact::of_user(kind, user.id, Some(user.username.as_str()));
        let mut facts = Vec::new();
        let signs_in = user.successful_login_attempts > before.successful_login_attempts;
        if signs_in {
            let is_by_user = Some((user.username.as_str().to_owned(), None));
            facts.push(Fact { is_by_user, ..fact(EventType::UserSignedIn) });
        }
        if user.failed_login_attempts > before.failed_login_attempts {
            let lockout = self.seen.known_address.map_or(before.lockout, |known| known.lockout);
            let reason = if lockout.is_locked(now) { "locked" } else { "incorrect" };
            facts.push(refused_sign_in(Some((user.id, user.username.as_str())), reason));
        }
        if user.lockout.is_locked(now) && !before.lockout.is_locked(now) {
            facts.push(fact(EventType::UserLocked));
        }
        if !signs_in && before.lockout != Lockout::default() && user.lockout == Lockout::default() {
            facts.push(fact(EventType::UserUnlocked));
        }
        match (before.suspended, user.suspended) {
            (false, true) => facts.push(fact(EventType::UserSuspended)),
            (true, false) => facts.push(fact(EventType::UserUnsuspended)),
            _ => {}
        }
        if matches!(credentials.password, Some(PasswordUpdate::Changed(_))) {
            facts.push(fact(EventType::UserPasswordChanged));
        }
        if user.password_reset_required && !before.password_reset_required {
            facts.push(fact(EventType::UserPasswordResetForced));
        }
        let Changes(changes) = Changes::of_users(before, user);
        if !changes.is_empty() {
            facts.push(fact(EventType::UserUpdated).with("changes", changes));
        }
        facts.into_iter().map(Change::from).collect()
    }

    /// Records that wrong passwords of a user were forgotten, once.
    fn unlocked(&mut self, user: UserId) -> Result<(), StoreError> {
        let username = self.username(user)?;
        self.changes.push(Fact::of_user(EventType::UserUnlocked, user, username.as_deref()).into());
        Ok(())
    }

    fn is_told_unlocked(&self, user: UserId) -> bool {
        let is = |change: &Change| matches!(change, Change::Fact(fact) if fact.kind == EventType::UserUnlocked && fact.user == Some(user));
        self.changes.iter().any(is)
    }
}

impl UserWriter for Recorder<'_> {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        let change = Self::created_user(user);
        self.tell(vec![change], |store| store.insert_user(user, password, stamp, names), |()| true)
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let found = self.store.user_to_change(id)?;
        if let Some(user) = &found {
            self.saw_user(user);
        }
        Ok(found)
    }

    fn user_for_update(
        &mut self,
        caller: Option<UserId>,
        user: &UserIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<UserForUpdate, StoreError> {
        let found = self.store.user_for_update(caller, user, purpose)?;
        if let Some(found) = &found.user {
            self.saw_user(&found.user);
            self.seen.keyless = found.status.api_key.is_none().then_some(found.user.id);
        }
        Ok(found)
    }

    fn update_user(&mut self, before: &User, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        let mut changes = self.of_update(before, user, credentials);
        if self.is_told_unlocked(user.id) {
            changes.retain(|change| !matches!(change, Change::Fact(fact) if fact.kind == EventType::UserUnlocked));
        }
        self.tell(changes, |store| store.update_user(before, user, credentials), |()| true)
    }

    fn delete_user(&mut self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let username = self.username(id)?;
        let mut changes = Vec::new();
        if let Some(key) = self.seen.api_key.as_ref().filter(|key| key.user == id) {
            changes.push(Self::of_api_key(EventType::ApiKeyDeleted, key).into());
        } else if self.seen.keyless != Some(id)
            && let Some(key) = self.store.api_key_of(id)?
            && let Some(key) = self.store.api_key(&ApiKeyIdentifier::Id(key))?
        {
            changes.push(Self::of_api_key(EventType::ApiKeyDeleted, &key).into());
        }
        changes.push(Fact::of_user(EventType::UserDeleted, id, username.as_deref()).into());
        self.tell(changes, |store| store.delete_user(id, at), |()| true)
    }
}

impl ApiKeyWriter for Recorder<'_> {
    fn api_key_for_update(
        &mut self,
        caller: Option<UserId>,
        key: &ApiKeyIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<ApiKeyForUpdate, StoreError> {
        let found = self.store.api_key_for_update(caller, key, purpose)?;
        if let Some(found) = &found.key {
            self.saw_user(&found.user);
            self.seen.api_key = Some(found.key.clone());
        }
        Ok(found)
    }

    fn update_user_and_api_key(
        &mut self,
        (before, user): (&User, &User),
        credentials: &Credentials,
        (key, secret): (&ApiKey, Option<&SecretDigest>),
    ) -> Result<(), StoreError> {
        let mut changes = self.of_api_key_update(key, secret)?;
        changes.extend(self.of_update(before, user, credentials));
        self.tell(changes, |store| store.update_user_and_api_key((before, user), credentials, (key, secret)), |()| true)
    }

    fn insert_user_and_api_key(
        &mut self,
        (groups, added): (&BTreeSet<GroupId>, Provenance),
        (user, stamp, names): (&User, SecurityStamp, NameSource),
        (key, secret): (&ApiKey, &SecretDigest),
    ) -> Result<(), StoreError> {
        let mut changes = self.of_registration(user, groups)?;
        changes.push(Self::of_api_key(EventType::ApiKeyCreated, key).into());
        self.tell(
            changes,
            |store| store.insert_user_and_api_key((groups, added), (user, stamp, names), (key, secret)),
            |()| true,
        )
    }

    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        let change = Self::of_api_key(EventType::ApiKeyCreated, key).into();
        self.tell(vec![change], |store| store.insert_api_key(key, secret), |()| true)
    }

    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        let changes = self.of_api_key_update(key, secret)?;
        self.tell(changes, |store| store.update_api_key(key, secret), |()| true)
    }
}

impl Recorder<'_> {
    fn of_api_key_update(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<Vec<Change>, StoreError> {
        let seen = self.seen.api_key.clone().filter(|seen| seen.id == key.id);
        let before = seen.map_or_else(|| self.store.api_key(&ApiKeyIdentifier::Id(key.id)), |seen| Ok(Some(seen)))?;
        let mut changes = Vec::new();
        if secret.is_some() {
            changes.push(Self::of_api_key(EventType::ApiKeySecretRotated, key).into());
        }
        let Changes(properties) = before.map(|before| Changes::of_api_keys(&before, key)).unwrap_or_default();
        if !properties.is_empty() {
            changes.push(Self::of_api_key(EventType::ApiKeyUpdated, key).with("changes", properties).into());
        }
        Ok(changes)
    }

    /// A change of the links of a user to external issuers.
    fn of_links(&mut self, user: UserId, links: &[IdentityLink], is_made: bool) -> Result<Change, StoreError> {
        let username = self.username(user)?;
        let links: Value = links.iter().map(|link| json!({ "issuer": link.issuer, "subject": link.subject })).collect();
        let (from, to) = if is_made { (json!([]), links) } else { (links, json!([])) };
        let changes = json!({ "identities": { "from": from, "to": to } });
        Ok(Fact::of_user(EventType::UserUpdated, user, username.as_deref()).with("changes", changes).into())
    }
}

impl IdentityWriter for Recorder<'_> {
    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        let change = self.of_links(link.user, std::slice::from_ref(link), true)?;
        self.tell(vec![change], |store| store.insert_identity(link), |()| true)
    }

    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        self.store.set_latest_token(issuer, subject, at)
    }

    fn delete_identities(&mut self, user: UserId, links: &[IdentityLink]) -> Result<(), StoreError> {
        let change = self.of_links(user, links, false)?;
        self.tell(vec![change], |store| store.delete_identities(user, links), |()| true)
    }
}

impl LockoutReader for Recorder<'_> {
    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        self.store.lockout(user)
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.store.unknown_lockout(name)
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        let found = self.store.known_address(user, address)?;
        self.seen.known_address = found;
        Ok(found)
    }
}

impl LockoutWriter for Recorder<'_> {
    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        let found = self.store.unknown_lockout_to_change(name)?;
        self.seen.unknown_name = Some(found);
        Ok(found)
    }

    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        let was_locked = self.seen.unknown_name.take().is_some_and(|before| before.is_locked(now));
        let reason = if was_locked { "locked" } else { "incorrect" };
        let mut changes = vec![refused_sign_in(None, reason).into()];
        // It costs as much to tell as what is told of a user.
        if lockout.is_locked(now) && !was_locked {
            changes.push(of_unknown_name(EventType::UserLocked).into());
        }
        self.tell(changes, |store| store.set_unknown_lockout(name, lockout, now), |()| true)
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        self.store.remember_address(user, address, now, most)
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        let now = self.teller.now();
        let was_locked = self.seen.known_address.is_some_and(|known| known.lockout.is_locked(now));
        let mut changes = Vec::new();
        if lockout.is_locked(now) && !was_locked {
            let username = self.username(user)?;
            changes.push(Fact::of_user(EventType::UserLocked, user, username.as_deref()).into());
        }
        self.tell(changes, |store| store.set_address_lockout(user, address, lockout), |()| true)
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<bool, StoreError> {
        let were_any = self.store.reset_address_lockouts(user)?;
        if were_any {
            self.unlocked(user)?;
        }
        Ok(were_any)
    }
}
