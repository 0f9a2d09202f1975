//! Those who sign in elsewhere: finding out who they are here.

use std::collections::BTreeSet;

use super::sign_in::signed_in;
use super::users::{CreateUserError, register};
use super::{Directory, is_taken_by_another};
use crate::access::Caller;
use crate::foreign::ForeignIdentity;
use crate::group::{Group, GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::name::NameKey;
use crate::ports::{Credentials, Reader, StoreError, Writer};
use crate::time::Timestamp;
use crate::user::{Email, Provider, ProviderKind, SecurityStamp, User, UserId, Username, is_name};

/// Why a token of an outside issuer stands for nobody here.
#[derive(Debug, thiserror::Error)]
pub enum RecogniseError {
    /// Nobody here has this name, and users are not created for this issuer.
    #[error("nobody here has the name that the token says")]
    Unknown,
    /// Whoever has this name signs in here, or at another issuer, or is an API key.
    #[error("the issuer may not speak for who has the name that the token says")]
    NotTheirs,
    /// A user was to be created, but the name is no username.
    #[error("the token says no name that can be a username")]
    NoUsername,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// The caller that a valid token of an outside issuer stands for. A token issued later than any before it is a sign-in:
    /// it creates the user if that is wanted, counts, and brings the user's external groups up to date. Older tokens change
    /// nothing, so that one which is still around brings no membership back.
    pub fn recognise(&self, identity: &ForeignIdentity) -> Result<Caller, RecogniseError> {
        let seen = self.read(|directory| match find(directory, identity)? {
            None if !identity.trust.creates_users => Err(RecogniseError::Unknown),
            Some(user) if !is_latest(directory, user, identity)? => caller(directory, user, identity),
            _ => Ok(None),
        })?;
        if let Some(caller) = seen {
            return Ok(caller);
        }
        let now = self.clock.now();
        let mut work = |directory: &mut dyn Writer| {
            let user = match find(directory, identity)? {
                Some(user) => user,
                None => match self.create(directory, identity, now) {
                    // Another request with this token may just have created them.
                    Err(RecogniseError::NotTheirs) => find(directory, identity)?.ok_or(RecogniseError::NotTheirs)?,
                    created => created?,
                },
            };
            let current = directory.user_to_change(user)?.ok_or(RecogniseError::Unknown)?;
            // Whoever is kept out does not sign in, and nothing of theirs changes.
            let is_heard = !current.is_suspended(now) && !current.locked;
            if is_heard && is_latest(directory, user, identity)? {
                directory.update_user(&signed_in(current, now), &Credentials::default())?;
                directory.set_last_foreign_token(user, identity.issued)?;
                self.join_external_groups(directory, user, identity, now)?;
            }
            caller(directory, user, identity)?.ok_or(RecogniseError::Unknown)
        };
        // Leaving a group may take the last administrator away.
        if identity.groups.is_some() { self.store.write_alone(&mut work) } else { self.store.write(&mut work) }
    }

    /// A user whose password is kept by the issuer (spec section 9).
    fn create(
        &self,
        directory: &mut dyn Writer,
        identity: &ForeignIdentity,
        now: Timestamp,
    ) -> Result<UserId, RecogniseError> {
        if !identity.trust.creates_users {
            return Err(RecogniseError::Unknown);
        }
        let (id, name) = match UserIdentifier::from(identity.name.as_str()) {
            UserIdentifier::Id(id) => (id, identity.alias.clone()),
            _ => (UserId(self.ids.next()), Some(identity.name.clone())),
        };
        let username = Username::try_from(name.unwrap_or_default()).map_err(|_| RecogniseError::NoUsername)?;
        let email = identity.email.clone().and_then(|email| Email::try_from(email).ok());
        let email = match email {
            Some(email) if is_taken_by_another(directory, email.key(), id)? => None,
            email => email,
        };
        let provider = Provider { kind: ProviderKind::External, name: identity.provider.clone() };
        let user = User {
            email,
            first_name: identity.first_name.clone().filter(|name| is_name(name)),
            last_name: identity.last_name.clone().filter(|name| is_name(name)),
            ..User::without_password(id, username, provider, now)
        };
        register(directory, &user, None, SecurityStamp(self.ids.next())).map_err(|error| match error {
            CreateUserError::Store(error) => RecogniseError::Store(error),
            _ => RecogniseError::NotTheirs,
        })?;
        if let Some(group) = directory.group_id(&SystemGroup::AdUsers.identifier())? {
            directory.insert_members(group, &BTreeSet::from([id]), now)?;
        }
        Ok(id)
    }

    /// Puts the user into the external groups that the token names, and takes them out of the other external ones; but
    /// somebody stays who administers.
    fn join_external_groups(
        &self,
        directory: &mut dyn Writer,
        user: UserId,
        identity: &ForeignIdentity,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(names) = &identity.groups else { return Ok(()) };
        let mut wanted = BTreeSet::new();
        for name in names {
            // A name is a name here, even if it reads as an id.
            let identifier = GroupIdentifier::Name(NameKey::of(name));
            match directory.group_id(&identifier)? {
                Some(group) => wanted.extend(directory.external_among(&BTreeSet::from([group]))?),
                None if identity.trust.creates_groups => wanted.extend(self.create_group_for(directory, name, now)?),
                None => {}
            }
        }
        let present = directory.external_groups_of(user)?;
        for group in &wanted - &present {
            directory.insert_members(group, &BTreeSet::from([user]), now)?;
        }
        for group in &present - &wanted {
            directory.remove_member(group, user)?;
            if !directory.has_active_administrator(now)? {
                directory.insert_members(group, &BTreeSet::from([user]), now)?;
            }
        }
        Ok(())
    }

    fn create_group_for(
        &self,
        directory: &mut dyn Writer,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<GroupId>, StoreError> {
        let draft =
            GroupDraft { name: Some(name.to_owned()), kind: Some("external".to_owned()), ..GroupDraft::default() };
        let group: Option<Group> = draft.check(GroupId(self.ids.next()), now).ok();
        if let Some(group) = &group {
            directory.insert_group(group)?;
        }
        Ok(group.map(|group| group.id))
    }
}

/// The user that the token names, if its issuer may speak for them.
fn find(directory: &mut dyn Reader, identity: &ForeignIdentity) -> Result<Option<UserId>, RecogniseError> {
    let identifier = match UserIdentifier::from(identity.name.as_str()) {
        UserIdentifier::Current => return Err(RecogniseError::NoUsername),
        identifier => identifier,
    };
    let Some(user) = directory.user_id(&identifier)? else { return Ok(None) };
    let found = directory.user(user)?.ok_or(RecogniseError::Unknown)?;
    let theirs = match found.provider.kind {
        ProviderKind::External => found.provider.name == identity.provider,
        ProviderKind::Contensis => identity.trust.names_local_users && directory.api_key_of(user)?.is_none(),
    };
    if theirs { Ok(Some(user)) } else { Err(RecogniseError::NotTheirs) }
}

/// Whether the token was issued after every other with which the user came.
fn is_latest(directory: &mut dyn Reader, user: UserId, identity: &ForeignIdentity) -> Result<bool, StoreError> {
    Ok(directory.last_foreign_token(user)?.is_none_or(|latest| latest < identity.issued))
}

fn caller(
    directory: &mut dyn Reader,
    user: UserId,
    identity: &ForeignIdentity,
) -> Result<Option<Caller>, RecogniseError> {
    let standing = directory.standing(user)?;
    Ok(standing.map(|standing| Caller { user, stamp: standing.stamp, scopes: identity.scopes.clone() }))
}
