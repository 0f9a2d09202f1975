//! The links of a user to external issuers, and the accounts of the caller and of that user.

use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Nullable, Text};
use guildhall_domain::external::IdentityLink;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::ports::LinkedAccount;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use super::account::AccountRow;
use super::accounts::{Target, TargetRow, TargetSql, accounts_of};
use super::words::Words;
use super::{Answer, AskedUser, Lookup, ask};
use crate::connection::AnyConnection;
use crate::due::Moment;
use crate::unit_of_work::Failure;

struct Links;

impl Answer for Links {
    type Sql = (TargetSql, Nullable<Text>);

    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Target::push_columns(lookup, out)?;
        out.push_sql(", ");
        out.push_sql(DB::LINKS);
        Ok(())
    }

    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Target::push_joins(lookup, out)
    }
}

/// The issuer, the subject, when they were linked, and when the latest token was issued.
type Link = (String, String, i64, Option<i64>);

/// The links of the user that this identifier names, and the accounts of both. Of a caller who does not exist, they say no more.
pub(crate) fn identities_for(
    connection: &mut AnyConnection,
    at: Moment,
    caller: UserId,
    user: &UserIdentifier,
) -> Result<LinkedAccount, Failure> {
    let lookup = &Lookup::by(connection, at, caller).user(user);
    let row: Option<(AccountRow, (TargetRow, Option<String>))> = match lookup.user {
        AskedUser::None => None,
        AskedUser::Caller => ask!(Links, 0, lookup, connection),
        AskedUser::Id(_) => ask!(Links, 1, lookup, connection),
        AskedUser::Name(_) => ask!(Links, 2, lookup, connection),
    };
    let (target, links) = row.map(|(caller, (target, links))| ((caller, target), links)).unzip();
    let accounts = accounts_of(target);
    let links: Option<Vec<Link>> = serde_json::from_str(links.flatten().as_deref().unwrap_or("null"))
        .map_err(|error| Failure::Data(error.to_string()))?;
    let link = |user: UserId, (issuer, subject, linked, latest_token): Link| IdentityLink {
        issuer,
        subject,
        user,
        linked: Timestamp::from_milliseconds(linked),
        latest_token: latest_token.map(Timestamp::from_milliseconds),
    };
    let found =
        accounts.user.iter().flat_map(|(user, _)| links.clone().into_iter().flatten().map(|row| link(*user, row)));
    let mut links: Vec<IdentityLink> = found.collect();
    links.sort_by(|one, other| (&one.issuer, &one.subject).cmp(&(&other.issuer, &other.subject)));
    Ok(LinkedAccount { accounts, links })
}
