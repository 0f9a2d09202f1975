//! What a refresh token grants, and the account of its user.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Text};
use guildhall_domain::access::Scopes;
use guildhall_domain::ports::{AccountStatus, RefreshGrant};
use guildhall_domain::secret::SecretDigest;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, UserId};

use super::account::AccountRow;
use super::words::Words;
use super::{Answer, AskedCaller, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::sql_types::{Digest, Key, UuidSql};
use crate::unit_of_work::Failure;

struct Grant;

impl Answer for Grant {
    type Sql = (UuidSql, UuidSql, Text, BigInt);

    fn push_columns<'b, DB: Words>(_: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("r.user_id, r.stamp, r.scopes, r.expires");
        Ok(())
    }
}

pub(in crate::tables) fn refresh_grant_and_account(
    connection: &mut AnyConnection,
    at: Moment,
    token: &SecretDigest,
) -> Result<Option<(RefreshGrant, AccountStatus)>, Failure> {
    let lookup = Lookup::of(connection, at, AskedCaller::RefreshToken(Digest(*token)));
    let row: Option<(AccountRow, (Key, Key, String, i64))> = ask!(Grant, 0, &lookup, connection);
    Ok(row.map(|(account, (user, stamp, scopes, expires))| {
        let grant = RefreshGrant {
            user: UserId(user.0),
            stamp: SecurityStamp(stamp.0),
            scopes: Scopes::known_in(&scopes),
            expires: Timestamp::from_milliseconds(expires),
        };
        (grant, account.into())
    }))
}
