//! Statements about API keys.

use diesel::prelude::*;
use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{UserId, Username};

use super::{Failure, saturating};
use crate::connection::AnyConnection;
use crate::schema::{api_keys, users};
use crate::sql_types::{Digest, Key};

/// What of an API key is its own; its name and whether it is enabled are its user's.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    id: Key,
    user_id: Key,
    description: Option<String>,
    scopes: String,
    created: i64,
    created_by: Option<String>,
    modified: i64,
    modified_by: Option<String>,
}

pub(super) fn find(connection: &mut AnyConnection, identifier: &ApiKeyIdentifier) -> Result<Option<ApiKey>, Failure> {
    let keys =
        api_keys::table.inner_join(users::table).select((ApiKeyRow::as_select(), users::username, users::suspended));
    let row = match identifier {
        ApiKeyIdentifier::Id(id) => keys.filter(api_keys::id.eq(Key(id.0))).first(connection).optional()?,
        ApiKeyIdentifier::Name(name) => {
            keys.filter(users::username_key.eq(name.as_str())).first(connection).optional()?
        }
    };
    row.map(with_its_user).transpose()
}

pub(super) fn page(connection: &mut AnyConnection, page: Page) -> Result<Paged<ApiKey>, Failure> {
    let total: i64 = api_keys::table.count().get_result(connection)?;
    let rows = api_keys::table
        .inner_join(users::table)
        .select((ApiKeyRow::as_select(), users::username, users::suspended))
        .order(users::username_key)
        .limit(saturating(page.size()))
        .offset(saturating(page.offset()))
        .load(connection)?;
    let items = rows.into_iter().map(with_its_user).collect::<Result<_, _>>()?;
    Ok(Paged { page, total: total.unsigned_abs(), items })
}

pub(super) fn of_user(connection: &mut AnyConnection, user: UserId) -> Result<Option<ApiKeyId>, Failure> {
    let id: Option<Key> =
        api_keys::table.filter(api_keys::user_id.eq(Key(user.0))).select(api_keys::id).first(connection).optional()?;
    Ok(id.map(|key| ApiKeyId(key.0)))
}

pub(super) fn secret(connection: &mut AnyConnection, id: ApiKeyId) -> Result<Option<SecretDigest>, Failure> {
    let secret: Option<Digest> =
        api_keys::table.find(Key(id.0)).select(api_keys::secret_digest).first(connection).optional()?;
    Ok(secret.map(|digest| digest.0))
}

pub(super) fn insert(connection: &mut AnyConnection, key: &ApiKey, secret: &SecretDigest) -> Result<(), Failure> {
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
    diesel::insert_into(api_keys::table)
        .values((row, api_keys::secret_digest.eq(Digest(*secret))))
        .execute(connection)?;
    Ok(())
}

/// Replaces what is the key's own; who changes it holds its user, so it is there unless it never was.
pub(super) fn update(
    connection: &mut AnyConnection,
    key: &ApiKey,
    secret: Option<&SecretDigest>,
) -> Result<(), Failure> {
    let own = (
        api_keys::description.eq(key.description.clone()),
        api_keys::scopes.eq(key.scopes.to_text()),
        api_keys::modified.eq(key.modified.milliseconds()),
        api_keys::modified_by.eq(key.modified_by.clone()),
        secret.map(|digest| api_keys::secret_digest.eq(Digest(*digest))),
    );
    match diesel::update(api_keys::table.find(Key(key.id.0))).set(own).execute(connection)? {
        0 => Err(Failure::Stale),
        _ => Ok(()),
    }
}

fn with_its_user((row, username, suspended): (ApiKeyRow, String, bool)) -> Result<ApiKey, Failure> {
    let id = ApiKeyId(row.id.0);
    Ok(ApiKey {
        id,
        name: Username::try_from(username)
            .map_err(|_| Failure::Data(format!("the username of API key {id} is not valid")))?,
        description: row.description,
        enabled: !suspended,
        user: UserId(row.user_id.0),
        scopes: Scopes::known_in(&row.scopes),
        created: Timestamp::from_milliseconds(row.created),
        created_by: row.created_by,
        modified: Timestamp::from_milliseconds(row.modified),
        modified_by: row.modified_by,
    })
}
