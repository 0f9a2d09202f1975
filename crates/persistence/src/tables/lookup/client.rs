//! The account that a program signs in to with an API key.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::Binary;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::ports::ClientAccount;
use guildhall_domain::user::UserId;

use super::account::AccountRow;
use super::words::Words;
use super::{Answer, AskedCaller, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Digest, Key, UuidSql};
use crate::unit_of_work::Failure;

struct Client;

impl Answer for Client {
    type Sql = (Binary, UuidSql);

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("k.secret_digest, k.user_id");
        Ok(())
    }
}

/// The account of the user that this API key acts as, and the digest of its secret.
pub(crate) fn client(
    connection: &mut AnyConnection,
    at: Moment,
    key: ApiKeyId,
) -> Result<Option<ClientAccount>, Failure> {
    let lookup = Lookup::of(connection, at, AskedCaller::ApiKey(Key(key.0)));
    let row: Option<(AccountRow, (Digest, Key))> = ask!(Client, 0, &lookup, connection);
    Ok(row.map(|(account, (secret, user))| ClientAccount {
        secret: secret.0,
        user: UserId(user.0),
        account: account.into(),
    }))
}
