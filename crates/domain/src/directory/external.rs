//! Users of external issuers: who they are here (contract 2.5).

use std::collections::BTreeSet;

use super::registration::register;
use super::sign_in::signed_in;
use super::unit_of_work::{Finish, Turn, Writing};
use super::{CreateUserError, Directory, is_taken};
use crate::access::{Caller, Refused, contains_refused};
use crate::audit::{AdministratorsChange, AuditNote};
use crate::context::Context;
use crate::event::Via;
use crate::external::{ExternalIdentity, IdentityLink};
use crate::group::{Group, GroupDraft, GroupId, SystemGroup};
use crate::identifier::GroupIdentifier;
use crate::name::NameKey;
use crate::ports::{Credentials, MemberStanding, NameSource, Reader, Registration, StoreError, Writer};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{Email, Provider, ProviderKind, SecurityStamp, User, UserId, Username, is_name};

/// The most attempts to find a free name while other units of work take names.
const ATTEMPTS: usize = 4;

/// Why a token of an external issuer is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    /// The subject is not linked, and may not be linked.
    #[error("the subject of the token is linked to no user, and users are not created for its issuer")]
    Unknown,
    /// The token contains no valid username for a new user.
    #[error("the token says no name that can be a username")]
    NoUsername,
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(RecogniseError);

impl Directory<'_> {
    /// The caller that a valid token of an external issuer stands for. `None`: the token is a sign-in, which
    /// [`sign_in_external`](Self::sign_in_external) has to complete.
    pub fn recognise(&self, context: &Context, identity: &ExternalIdentity) -> Result<Option<Caller>, RecogniseError> {
        let now = context.now();
        self.read(context, |work| match work.identity(&identity.issuer, &identity.subject)? {
            // A user who is kept out does not sign in, and their tokens are not worth a unit of work that writes.
            Some(link) if is_sign_in(&link, identity) && is_open(work.store, link.user, now)? => Ok(None),
            Some(link) => caller(work.store, link.user, identity),
            None if identity.trust.creates_users || match_existing(work.store, identity)?.is_some() => Ok(None),
            None => Err(RecogniseError::Unknown),
        })
    }

    /// Signs a user in by a valid token of an external issuer. A token of a subject that was never seen links the subject to a
    /// user. One that was issued later than any before it counts as a sign-in and brings the user's external groups up to date;
    /// an older one changes nothing, so that one which is still around brings no membership back.
    pub fn sign_in_external(&self, context: &Context, identity: &ExternalIdentity) -> Result<Caller, RecogniseError> {
        let now = context.now();
        let sign_in = |work: &mut Writing<'_>| {
            let link = self.link(work.store, identity, now)?;
            let current = work.user_to_change(link.user)?.ok_or(RecogniseError::Unknown)?;
            // A user who is kept out does not sign in, and nothing of theirs changes.
            if !current.is_suspended(now) && is_sign_in(&link, identity) {
                work.update_user(&current, &signed_in(current.clone(), now), &Credentials::default())?;
                work.set_latest_token(&identity.issuer, &identity.subject, identity.issued)?;
                let notes = self.join_external_groups(work.store, link.user, identity, now)?;
                work.note(notes);
            }
            let caller = caller(work.store, link.user, identity)?;
            Ok(Finish::Commit(caller.ok_or(RecogniseError::Unknown)?))
        };
        let directory = self.acting(Via::Issuer(identity.provider.clone()));
        // Leaving a group may take the last administrator away.
        if identity.groups.is_some() {
            directory.write(context, Turn::Alone, sign_in)
        } else {
            directory.write(context, Turn::Any, sign_in)
        }
    }

    /// The link of the subject. At the first sign-in it is made, to an existing user or to one who is created.
    fn link(
        &self,
        store: &mut dyn Writer,
        identity: &ExternalIdentity,
        now: Timestamp,
    ) -> Result<IdentityLink, RecogniseError> {
        for _ in 0..ATTEMPTS {
            // Another request with this token may just have made the link.
            if let Some(link) = store.identity(&identity.issuer, &identity.subject)? {
                return Ok(link);
            }
            let user = match match_existing(store, identity)? {
                Some(user) => Some(user),
                None if identity.trust.creates_users => self.create(store, identity, now)?,
                None => return Err(RecogniseError::Unknown),
            };
            let Some(user) = user else { continue };
            let link = IdentityLink {
                issuer: identity.issuer.clone(),
                subject: identity.subject.clone(),
                user,
                linked: now,
                latest_token: None,
            };
            store.insert_identity(&link)?;
            return Ok(link);
        }
        Err(StoreError::unavailable("the names of a new user were taken again and again").into())
    }

    /// Creates an external user (contract 9). A taken name is varied. `None`:
    /// a free name was taken in the meantime.
    fn create(
        &self,
        store: &mut dyn Writer,
        identity: &ExternalIdentity,
        now: Timestamp,
    ) -> Result<Option<UserId>, RecogniseError> {
        let id = UserId(self.ids.next());
        let username = free_username(store, identity, id)?;
        let email = identity.email.clone().and_then(|email| Email::try_from(email).ok());
        let email = match email {
            Some(email) if email.key() != username.key() && is_taken(store, email.key())? => None,
            email => email,
        };
        let provider = Provider { kind: ProviderKind::External, name: identity.provider.clone() };
        let user = User {
            email,
            first_name: identity.first_name.clone().filter(|name| is_name(name)),
            last_name: identity.last_name.clone().filter(|name| is_name(name)),
            ..User::without_password(id, username, provider, now)
        };
        let stamp = SecurityStamp(self.ids.next());
        let registration = Registration::of_names(store, &user)?;
        match register(store, &registration, &user, None, (stamp, NameSource::Authority), Provenance::at(now)) {
            Ok(()) => {}
            Err(CreateUserError::Refused(refused)) => return Err(refused.into()),
            Err(_) => return Ok(None),
        }
        if let Some(group) = store.group_id(&SystemGroup::AdUsers.identifier())? {
            store.insert_members(group, &BTreeSet::from([id]), Provenance::at(now))?;
        }
        Ok(Some(id))
    }

    /// Makes the user a member of exactly those external groups that the token names, except that
    /// the last active System Administrator stays one. Returns the notes about changes of administrators.
    fn join_external_groups(
        &self,
        store: &mut dyn Writer,
        user: UserId,
        identity: &ExternalIdentity,
        now: Timestamp,
    ) -> Result<Vec<AuditNote>, StoreError> {
        let Some(names) = &identity.groups else { return Ok(Vec::new()) };
        let (themselves, mut notes) = (BTreeSet::from([user]), Vec::new());
        let mut wanted = BTreeSet::new();
        for name in names {
            // A name is a name here, even if it reads as an id.
            let identifier = GroupIdentifier::Name(NameKey::of(name));
            match store.group_id(&identifier)? {
                Some(group) => wanted.extend(store.external_among(&BTreeSet::from([group]))?),
                None if identity.trust.creates_groups => wanted.extend(self.create_group_for(store, name, now)?),
                None => {}
            }
        }
        let present = store.external_groups_of(user)?;
        for group in &wanted - &present {
            store.insert_members(group, &themselves, Provenance::at(now))?;
            let above = store.administrators_above(group)?;
            notes.extend(AuditNote::of_group(AdministratorsChange::UsersAdded, above, group));
        }
        for group in &present - &wanted {
            let above = store.administrators_above(group)?;
            let lasts = |standing: &MemberStanding| standing.validity.until.is_none();
            let may_be_last = above.contains(&SystemGroup::SystemAdministrators)
                && store.standings_of_members(group, &themselves)?.get(&user).is_some_and(lasts);
            store.remove_member(group, user, now)?;
            if may_be_last && !store.has_lasting_administrator()? {
                store.insert_members(group, &themselves, Provenance::at(now))?;
            } else {
                notes.extend(AuditNote::of_group(AdministratorsChange::UserRemoved, above, group));
            }
        }
        Ok(notes.into_iter().map(|note| note.naming_users(&themselves)).collect())
    }

    fn create_group_for(
        &self,
        store: &mut dyn Writer,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<GroupId>, StoreError> {
        let draft =
            GroupDraft { name: Some(name.to_owned()), kind: Some("external".to_owned()), ..GroupDraft::default() };
        let group: Option<Group> = draft.check(GroupId(self.ids.next()), now).ok();
        if let Some(group) = &group {
            store.insert_group(group)?;
        }
        Ok(group.map(|group| group.id))
    }
}

/// The existing user to whom the identity may be linked. Only a name counts that an administrator or an issuer
/// set. A user who is linked to this issuer already is another subject.
fn match_existing(store: &mut dyn Reader, identity: &ExternalIdentity) -> Result<Option<UserId>, StoreError> {
    let Some(name) = identity.link_name.as_ref().filter(|_| identity.trust.links_existing) else { return Ok(None) };
    let Some(user) = store.user_named_by_authority(&NameKey::of(name))? else { return Ok(None) };
    if store.identities_of(user)?.iter().any(|link| link.issuer == identity.issuer) {
        return Ok(None);
    }
    let Some(status) = store.account_status(user)? else { return Ok(None) };
    let is_out_of_reach = status.administers() && !identity.trust.links_administrators;
    Ok((status.api_key.is_none() && !is_out_of_reach).then_some(user))
}

/// The first valid and free username: as it is, with the issuer's name, or with the issuer's name and the new
/// user's id, which cannot be taken.
fn free_username(store: &mut dyn Reader, identity: &ExternalIdentity, id: UserId) -> Result<Username, RecogniseError> {
    let provider = &identity.provider;
    // An id is no username, but may be part of one.
    let wanted = identity.names.iter().find(|name| Username::try_from((*name).clone()).is_ok());
    let base: String = wanted.or(identity.names.last()).ok_or(RecogniseError::NoUsername)?.chars().take(150).collect();
    let candidates =
        wanted.cloned().into_iter().chain([format!("{base} ({provider})"), format!("{base} ({provider} {id})")]);
    for candidate in candidates {
        let Ok(username) = Username::try_from(candidate) else { continue };
        if !is_taken(store, username.key())? {
            return Ok(username);
        }
    }
    Err(RecogniseError::NoUsername)
}

/// Whether the token was issued later than all tokens of the subject that were seen before.
fn is_sign_in(link: &IdentityLink, identity: &ExternalIdentity) -> bool {
    link.latest_token.is_none_or(|latest| latest < identity.issued)
}

fn is_open(store: &mut dyn Reader, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(store.account_status(user)?.is_some_and(|status| status.is_open(now)))
}

fn caller(store: &mut dyn Reader, user: UserId, identity: &ExternalIdentity) -> Result<Option<Caller>, RecogniseError> {
    let status = store.account_status(user)?;
    Ok(status.map(|status| Caller { user, stamp: status.stamp, scopes: identity.scopes.clone() }))
}
