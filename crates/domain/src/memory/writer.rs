//! Changing what is in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Account, State, place};
use crate::api_key::ApiKey;
use crate::external::IdentityLink;
use crate::group::{Group, GroupId};
use crate::password::PasswordHash;
use crate::ports::{Credentials, KnownAddress, NameSource, Reader, RefreshGrant, StoreError, Writer};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, User, UserId};

impl Writer for State {
    fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.remember_names(user, names);
        Arc::make_mut(&mut self.accounts)
            .insert(user.id, Account { user: user.clone(), password: password.cloned(), stamp });
        Ok(())
    }

    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.group_names).insert(group.name.key(), group.id);
        Arc::make_mut(&mut self.groups).insert(group.id, group.clone());
        Ok(())
    }

    fn insert_members(&mut self, group: GroupId, users: &BTreeSet<UserId>, _at: Timestamp) -> Result<u64, StoreError> {
        let members = Arc::make_mut(&mut self.members).entry(group).or_default();
        let before = members.len();
        members.extend(users);
        Ok((members.len() - before) as u64)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(Arc::make_mut(&mut self.members).get_mut(&group).is_some_and(|members| members.remove(&user)))
    }

    fn insert_children(&mut self, parent: GroupId, children: &BTreeSet<GroupId>) -> Result<u64, StoreError> {
        let present = Arc::make_mut(&mut self.children).entry(parent).or_default();
        let before = present.len();
        present.extend(children);
        Ok((present.len() - before) as u64)
    }

    fn remove_child(&mut self, parent: GroupId, child: GroupId) -> Result<bool, StoreError> {
        Ok(Arc::make_mut(&mut self.children).get_mut(&parent).is_some_and(|children| children.remove(&child)))
    }

    fn user_to_change(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(id)
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.group(id)
    }

    fn update_user(&mut self, user: &User, credentials: &Credentials) -> Result<(), StoreError> {
        self.remember_names(user, credentials.names);
        if let Some(account) = Arc::make_mut(&mut self.accounts).get_mut(&user.id) {
            account.user = User { version: user.version.next(), ..user.clone() };
            account.stamp = credentials.stamp.unwrap_or(account.stamp);
            account.password = credentials.password.clone().or(account.password.take());
        }
        Ok(())
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.group_names).retain(|_, named| *named != group.id);
        Arc::make_mut(&mut self.group_names).insert(group.name.key(), group.id);
        Arc::make_mut(&mut self.groups).insert(group.id, Group { version: group.version.next(), ..group.clone() });
        Ok(())
    }

    fn delete_user(&mut self, id: UserId) -> Result<(), StoreError> {
        self.forget_names(id);
        Arc::make_mut(&mut self.accounts).remove(&id);
        Arc::make_mut(&mut self.api_keys).retain(|_, (key, _)| key.user != id);
        Arc::make_mut(&mut self.refresh_tokens).retain(|_, grant| grant.user != id);
        Arc::make_mut(&mut self.identities).retain(|_, link| link.user != id);
        Arc::make_mut(&mut self.addresses).retain(|(user, _), _| *user != id);
        for members in Arc::make_mut(&mut self.members).values_mut() {
            members.remove(&id);
        }
        Ok(())
    }

    fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.group_names).retain(|_, named| *named != id);
        Arc::make_mut(&mut self.groups).remove(&id);
        Arc::make_mut(&mut self.members).remove(&id);
        Arc::make_mut(&mut self.children).remove(&id);
        for children in Arc::make_mut(&mut self.children).values_mut() {
            children.remove(&id);
        }
        Ok(())
    }

    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.api_keys).insert(key.id, (key.clone(), *secret));
        Ok(())
    }

    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        if let Some(kept) = Arc::make_mut(&mut self.api_keys).get_mut(&key.id) {
            *kept = (key.clone(), secret.copied().unwrap_or(kept.1));
        }
        Ok(())
    }

    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.refresh_tokens).insert(*token, grant.clone());
        Ok(())
    }

    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        if let Some(grant) = Arc::make_mut(&mut self.refresh_tokens).get_mut(token) {
            grant.expires = expires;
        }
        Ok(())
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let tokens = Arc::make_mut(&mut self.refresh_tokens);
        tokens.retain(|_, grant| grant.user != user || (grant.stamp == stamp && grant.expires > now));
        let theirs = tokens.iter().filter(|(_, grant)| grant.user == user);
        for digest in all_but_latest(theirs.map(|(digest, grant)| (grant.expires, *digest)), most) {
            tokens.remove(&digest);
        }
        Ok(())
    }

    fn unknown_lockout_to_change(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        self.unknown_lockout(name)
    }

    fn set_unknown_lockout(&mut self, name: &SecretDigest, lockout: Lockout, now: Timestamp) -> Result<(), StoreError> {
        let place = Arc::make_mut(&mut self.unknown_lockouts).entry(place(name)).or_insert((*name, lockout));
        if place.0 == *name || !place.1.is_locked(now) {
            *place = (*name, lockout);
        }
        Ok(())
    }

    fn remember_address(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        let known = KnownAddress { signed_in: now, lockout: Lockout::default() };
        let addresses = Arc::make_mut(&mut self.addresses);
        addresses.insert((user, *address), known);
        let theirs = addresses.iter().filter(|((owner, _), _)| *owner == user);
        for address in all_but_latest(theirs.map(|((_, address), known)| (known.signed_in, *address)), most) {
            addresses.remove(&(user, address));
        }
        Ok(())
    }

    fn set_address_lockout(
        &mut self,
        user: UserId,
        address: &SecretDigest,
        lockout: Lockout,
    ) -> Result<(), StoreError> {
        if let Some(known) = Arc::make_mut(&mut self.addresses).get_mut(&(user, *address)) {
            known.lockout = lockout;
        }
        Ok(())
    }

    fn reset_address_lockouts(&mut self, user: UserId) -> Result<(), StoreError> {
        let theirs = Arc::make_mut(&mut self.addresses).iter_mut().filter(|((owner, _), _)| *owner == user);
        theirs.for_each(|(_, known)| known.lockout = Lockout::default());
        Ok(())
    }

    fn insert_identity(&mut self, link: &IdentityLink) -> Result<(), StoreError> {
        let key = (link.issuer.clone(), link.subject.clone());
        Arc::make_mut(&mut self.identities).insert(key, link.clone());
        Ok(())
    }

    fn set_latest_token(&mut self, issuer: &str, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        let key = (issuer.to_owned(), subject.to_owned());
        if let Some(link) = Arc::make_mut(&mut self.identities).get_mut(&key) {
            link.latest_token = Some(at);
        }
        Ok(())
    }

    fn delete_identity(&mut self, issuer: &str, subject: &str) -> Result<(), StoreError> {
        Arc::make_mut(&mut self.identities).remove(&(issuer.to_owned(), subject.to_owned()));
        Ok(())
    }
}

/// What is too much where the `most` latest are kept.
fn all_but_latest(items: impl Iterator<Item = (Timestamp, SecretDigest)>, most: u32) -> Vec<SecretDigest> {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    items.truncate(items.len().saturating_sub(most as usize));
    items.into_iter().map(|(_, digest)| digest).collect()
}
