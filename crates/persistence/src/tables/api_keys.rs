//! API keys.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use guildhall_domain::group::GroupId;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{
    ApiKeyForUpdate, ApiKeyReader, ApiKeyWriter, Credentials, NameSource, Purpose, StoreError,
};
use guildhall_domain::position::Position;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, User, UserId, Username};

use super::{lookup, memberships, users};
use crate::schema;
use crate::schema::api_keys;
use crate::sql_types::{Digest, Key, saturating};
use crate::together::{IfFirst, Part, Update, followed_by, run_together};
use crate::unit_of_work::{Failure, Unit};

/// The columns of `api_keys` that are part of [`ApiKey`]; its name and whether it is enabled are columns of its user.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub(super) struct ApiKeyRow {
    id: Key,
    user_id: Key,
    description: Option<String>,
    scopes: String,
    created: i64,
    created_by: Option<String>,
    modified: i64,
    modified_by: Option<String>,
}

impl ApiKeyReader for Unit<'_> {
    fn api_key(&mut self, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, StoreError> {
        self.run(|connection| {
            let keys = api_keys::table.inner_join(schema::users::table).select((
                ApiKeyRow::as_select(),
                schema::users::username,
                schema::users::suspended,
            ));
            let row = match identifier {
                ApiKeyIdentifier::Id(id) => keys.filter(api_keys::id.eq(Key(id.0))).first(connection).optional()?,
                ApiKeyIdentifier::Name(name) => {
                    keys.filter(schema::users::username_key.eq(name.as_str())).first(connection).optional()?
                }
            };
            Ok(row.map(with_its_user))
        })
    }

    fn api_keys(&mut self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        self.run(|connection| {
            let total: i64 = api_keys::table.count().get_result(connection)?;
            // Every name comes after the empty text.
            let after = page.position().and_then(Position::texts).and_then(|texts| texts.first().copied());
            let rows = api_keys::table
                .inner_join(schema::users::table)
                .filter(schema::users::username_key.gt(after.unwrap_or_default()))
                .select((ApiKeyRow::as_select(), schema::users::username, schema::users::suspended))
                .order(schema::users::username_key)
                .limit(saturating(page.lookahead()))
                .offset(saturating(page.offset()))
                .load(connection)?;
            let items = rows.into_iter().map(with_its_user).collect();
            Ok(Paged::new(page, total.unsigned_abs(), items, ApiKey::place))
        })
    }

    fn api_key_of(&mut self, user: UserId) -> Result<Option<ApiKeyId>, StoreError> {
        self.run(|connection| {
            let key = api_keys::table.filter(api_keys::user_id.eq(Key(user.0)));
            let id: Option<Key> = key.select(api_keys::id).first(connection).optional()?;
            Ok(id.map(|key| ApiKeyId(key.0)))
        })
    }

    fn api_key_secret(&mut self, id: ApiKeyId) -> Result<Option<SecretDigest>, StoreError> {
        self.run(|connection| {
            let key = api_keys::table.find(Key(id.0));
            let secret: Option<Digest> = key.select(api_keys::secret_digest).first(connection).optional()?;
            Ok(secret.map(|digest| digest.0))
        })
    }
}

impl ApiKeyWriter for Unit<'_> {
    fn api_key_for_update(
        &mut self,
        caller: Option<UserId>,
        key: &ApiKeyIdentifier,
        purpose: Purpose<'_>,
    ) -> Result<ApiKeyForUpdate, StoreError> {
        let Some(caller) = caller else { return ApiKeyForUpdate::by_locking(self, caller, key, purpose) };
        let at = self.moment();
        let found = self.ask_and_lock(purpose, |connection, lock| {
            lookup::api_key_for_update(connection, at, caller, key, (purpose, lock))
        })?;
        self.note_locked_for(purpose, found.key.as_ref().map(|found| found.user.id));
        Ok(found)
    }

    fn insert_api_key(&mut self, key: &ApiKey, secret: &SecretDigest) -> Result<(), StoreError> {
        self.change(|connection| run_together(connection, &[&inserted(key, secret)]).map(drop).map_err(Failure::from))
    }

    /// Work that changes a key has locked its user. So the row is there, unless the key never existed.
    fn update_api_key(&mut self, key: &ApiKey, secret: Option<&SecretDigest>) -> Result<(), StoreError> {
        let (changes, condition) = (changes(key, secret), api_keys::id.eq(Key(key.id.0)));
        let updated = Update { table: "api_keys", changes: changes.as_changeset(), condition };
        self.change(|connection| {
            let counts = run_together(connection, &[&updated])?;
            if counts.first() == Some(&1) { Ok(()) } else { Err(Failure::Stale) }
        })
    }

    fn update_user_and_api_key(
        &mut self,
        users: (&User, &User),
        credentials: &Credentials,
        (key, secret): (&ApiKey, Option<&SecretDigest>),
    ) -> Result<(), StoreError> {
        let (changes, condition) = (changes(key, secret), followed_by(api_keys::id.eq(Key(key.id.0)), IfFirst));
        let updated = Update { table: "api_keys", changes: changes.as_changeset(), condition };
        self.change_with_events(|connection, events| {
            users::update(connection, users, credentials, (Some(&updated), events))
        })
    }

    fn insert_user_and_api_key(
        &mut self,
        groups: (&BTreeSet<GroupId>, Provenance),
        (user, stamp, names): (&User, SecurityStamp, NameSource),
        (key, secret): (&ApiKey, &SecretDigest),
    ) -> Result<(), StoreError> {
        let inserted = inserted(key, secret);
        self.change_with_events(|connection, events| {
            memberships::insert_member_of(connection, groups, user, None, (stamp, names), (&[&inserted], events))
        })?;
        self.changes.users_added += groups.0.len() as u64;
        Ok(())
    }
}

/// The key with its secret as a new row.
fn inserted(key: &ApiKey, secret: &SecretDigest) -> impl Part {
    let row = ApiKeyRow {
        id: Key(key.id.0),
        user_id: Key(key.user.0),
        description: key.description.clone(),
        scopes: key.scopes.to_text(),
        created: key.created.milliseconds(),
        created_by: key.created_by.clone(),
        modified: key.modified.milliseconds(),
        modified_by: key.modified_by.clone(),
    };
    diesel::insert_into(api_keys::table).values((row, api_keys::secret_digest.eq(Digest(*secret))))
}

type Changes = (
    Assigned<api_keys::description, Option<String>>,
    Assigned<api_keys::scopes, String>,
    Assigned<api_keys::modified, i64>,
    Assigned<api_keys::modified_by, Option<String>>,
    Option<Assigned<api_keys::secret_digest, Digest>>,
);

type Assigned<C, V> = diesel::dsl::Eq<C, V>;

/// What of a key can change.
fn changes(key: &ApiKey, secret: Option<&SecretDigest>) -> Changes {
    (
        api_keys::description.eq(key.description.clone()),
        api_keys::scopes.eq(key.scopes.to_text()),
        api_keys::modified.eq(key.modified.milliseconds()),
        api_keys::modified_by.eq(key.modified_by.clone()),
        secret.map(|digest| api_keys::secret_digest.eq(Digest(*digest))),
    )
}

pub(super) fn with_its_user((row, username, suspended): (ApiKeyRow, String, bool)) -> ApiKey {
    ApiKey {
        id: ApiKeyId(row.id.0),
        name: Username::stored(username),
        description: row.description,
        enabled: !suspended,
        user: UserId(row.user_id.0),
        scopes: Scopes::known_in(&row.scopes),
        created: Timestamp::from_milliseconds(row.created),
        created_by: row.created_by,
        modified: Timestamp::from_milliseconds(row.modified),
        modified_by: row.modified_by,
    }
}
