//! Reading from memory.

use std::collections::BTreeSet;

use super::{State, place, saturating};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::external::IdentityLink;
use crate::group::{Group, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::page::{Page, Paged};
use crate::password::PasswordHash;
use crate::ports::{AccountStatus, Children, KnownAddress, NameSource, Reach, Reader, RefreshGrant, StoreError};
use crate::search::{GroupListing, UserListing};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, User, UserId};

impl Reader for State {
    fn ping(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn account_status(&mut self, user: UserId) -> Result<Option<AccountStatus>, StoreError> {
        let key = self.api_keys.values().find(|(key, _)| key.user == user);
        let status = self.accounts.get(&user).map(|account| AccountStatus {
            username: account.user.username.as_str().to_owned(),
            stamp: account.stamp,
            api_key: key.map(|(key, _)| (key.id, key.scopes.clone())),
            suspended: account.user.suspended,
            expiry: account.user.expiry,
            password_reset_required: account.user.password_reset_required,
            password_change_frequency: account.user.password_change_frequency,
            password_changed: account.user.password_changed,
            system_administrator: self.effective(SystemGroup::SystemAdministrators).contains(&user),
            user_administrator: self.effective(SystemGroup::UserAdministrators).contains(&user),
            group_administrator: self.effective(SystemGroup::GroupAdministrators).contains(&user),
            api_key_administrator: self.effective(SystemGroup::ApiKeyAdministrators).contains(&user),
        });
        Ok(status)
    }

    fn user_id(&mut self, identifier: &UserIdentifier) -> Result<Option<UserId>, StoreError> {
        Ok(match identifier {
            UserIdentifier::Current => None,
            UserIdentifier::Id(id) => self.accounts.get(id).map(|account| account.user.id),
            UserIdentifier::Name(key) => self.identifiers.get(key).map(|(user, _)| *user),
        })
    }

    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        Ok(match identifier {
            GroupIdentifier::Id(id) => self.groups.get(id).map(|group| group.id),
            GroupIdentifier::Name(key) => self.group_names.get(key).copied(),
        })
    }

    fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.accounts.get(&id).map(|account| account.user.clone()))
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        Ok(self.counted(id))
    }

    fn unknown_users(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.accounts.contains_key(id)).copied().collect())
    }

    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        Ok(self.members_of(&self.at_or_below(group)).contains(&user))
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(ids.iter().filter(|id| !self.groups.contains_key(id)).copied().collect())
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        identifiers.iter().filter_map(|identifier| self.group_id(identifier).transpose()).collect()
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        Ok(groups.iter().any(|group| self.within(*group, Reach::Effective).contains(&user)))
    }

    fn password(&mut self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.accounts.get(&user).and_then(|account| account.password.clone()))
    }

    fn users(&mut self, listing: &UserListing) -> Result<Paged<User>, StoreError> {
        Ok(self.page_of_users(self.accounts.keys(), listing))
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        Ok(self.page_of_groups(self.groups.keys(), listing))
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        let dropped: BTreeSet<UserId> = excluded.iter().flat_map(|group| self.within(*group, reach)).collect();
        Ok(self.page_of_users(&(&self.within(group, reach) - &dropped), listing))
    }

    fn children(
        &mut self,
        group: GroupId,
        children: &Children,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let mut wanted = self.below(group, children.reach);
        wanted.extend(children.include_self.then_some(group));
        Ok(self.page_of_groups(&self.without_below(&wanted, &children.excluded, children.reach), listing))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let direct = self.groups.keys().filter(|group| self.within(**group, reach).contains(&user));
        let wanted = direct.copied().collect();
        Ok(self.page_of_groups(&self.without_below(&wanted, excluded, reach), listing))
    }

    fn child_towards(&mut self, from: GroupId, to: GroupId) -> Result<Option<GroupId>, StoreError> {
        let children = self.children.get(&from).into_iter().flatten();
        Ok(children.copied().find(|child| self.at_or_below(*child).contains(&to)))
    }

    fn at_or_above_among(
        &mut self,
        below: GroupId,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(groups.iter().filter(|group| self.at_or_below(**group).contains(&below)).copied().collect())
    }

    fn administrators_above(&mut self, group: GroupId) -> Result<BTreeSet<SystemGroup>, StoreError> {
        let is_above = |system: &SystemGroup| {
            self.group_names.get(&system.key()).is_some_and(|id| self.at_or_below(*id).contains(&group))
        };
        Ok(SystemGroup::ADMINISTRATORS.into_iter().filter(is_above).collect())
    }

    fn groups_for_domain(&mut self, domain: &str) -> Result<BTreeSet<GroupId>, StoreError> {
        let joined = self.groups.values().filter(|group| group.auto_membership_email_domains.contains(domain));
        Ok(joined.map(|group| group.id).collect())
    }

    fn has_active_administrator(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let administrators = self.effective(SystemGroup::SystemAdministrators);
        let mut accounts = administrators.iter().filter_map(|id| self.accounts.get(id));
        Ok(accounts.any(|account| !account.user.is_suspended(now)))
    }

    fn has_users(&mut self) -> Result<bool, StoreError> {
        Ok(!self.accounts.is_empty())
    }

    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        let key = match identifier {
            ApiKeyIdentifier::Id(id) => self.api_keys.get(id).and_then(|(key, _)| self.with_its_user(key)),
            ApiKeyIdentifier::Name(name) => {
                let user = self.usernames.get(name);
                let key = self.api_keys.values().find(|(key, _)| Some(&key.user) == user);
                key.and_then(|(key, _)| self.with_its_user(key))
            }
        };
        Ok(key)
    }

    fn api_keys(&mut self, page: Page) -> Result<Paged<ApiKey>, StoreError> {
        let mut keys: Vec<_> = self.api_keys.values().filter_map(|(key, _)| self.with_its_user(key)).collect();
        keys.sort_by_key(|key| key.name.key());
        let total = keys.len() as u64;
        let items = keys.into_iter().skip(saturating(page.offset())).take(saturating(page.size())).collect();
        Ok(Paged { page, total, items })
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        Ok(self.api_keys.values().find(|(key, _)| key.user == user).map(|(key, _)| key.id))
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        Ok(self.api_keys.get(&id).map(|(_, secret)| *secret))
    }

    fn refresh_grant(&mut self, token: &SecretDigest) -> Result<Option<RefreshGrant>, StoreError> {
        Ok(self.refresh_tokens.get(token).cloned())
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(ids.iter().copied().filter(|id| self.is_external(*id)).collect())
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        let groups = self.members.iter().filter(|(_, members)| members.contains(&user)).map(|(group, _)| *group);
        Ok(groups.filter(|group| self.is_external(*group)).collect())
    }

    fn identity(&mut self, issuer: &str, subject: &str) -> Result<Option<IdentityLink>, StoreError> {
        Ok(self.identities.get(&(issuer.to_owned(), subject.to_owned())).cloned())
    }

    fn identities_of(&mut self, user: UserId) -> Result<Vec<IdentityLink>, StoreError> {
        Ok(self.identities.values().filter(|link| link.user == user).cloned().collect())
    }

    fn user_named_by_authority(&mut self, name: &NameKey) -> Result<Option<UserId>, StoreError> {
        let named = self.identifiers.get(name).filter(|(_, source)| *source == NameSource::Authority);
        Ok(named.map(|(user, _)| *user))
    }

    fn lockout(&mut self, user: UserId) -> Result<Option<Lockout>, StoreError> {
        Ok(self.accounts.get(&user).map(|account| account.user.lockout))
    }

    fn unknown_lockout(&mut self, name: &SecretDigest) -> Result<Lockout, StoreError> {
        let kept = self.unknown_lockouts.get(&place(name)).filter(|(owner, _)| owner == name);
        Ok(kept.map(|(_, lockout)| *lockout).unwrap_or_default())
    }

    fn known_address(&mut self, user: UserId, address: &SecretDigest) -> Result<Option<KnownAddress>, StoreError> {
        Ok(self.addresses.get(&(user, *address)).copied())
    }
}
