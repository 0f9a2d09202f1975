//! Questions that are asked together with the account of the caller, each answered by one statement.
//!
//! A statement is made of pieces: the columns of the account, those of the [`Answer`], and joins by the identifiers of a user and a group.
//! Each combination is one type, by which a connection finds the statement that it has prepared: no text is made.

mod account;
mod accounts;
mod api_key_for_update;
mod checks;
mod checks_together;
mod client;
mod for_update;
mod group_for_update;
mod identities;
mod members_change;
mod refresh;
mod registration;
mod single;
mod user_for_update;
mod words;

use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::user::UserId;

use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::due::{DueColumn, Moment};
use crate::sql_types::{Digest, Key};
use crate::unit_of_work::Failure;
use account::{AccountSql, push_account};
use for_update::ForUpdate;
use registration::NewAccount;
use words::Words;

pub(super) use account::AccountRow;
pub(crate) use account::account;
pub(super) use accounts::accounts;
pub(crate) use api_key_for_update::api_key_for;
pub(super) use api_key_for_update::api_key_for_update;
pub(crate) use checks::check;
pub(crate) use checks_together::check_together;
pub(crate) use client::client;
pub(super) use for_update::Lock;
pub(super) use group_for_update::group_for_update;
pub(crate) use identities::identities_for;
pub(super) use members_change::members_change;
pub(super) use refresh::refresh_grant_and_account;
pub(super) use registration::registration;
pub(crate) use single::{GROUP_COLUMNS, GroupColumns, USER_COLUMNS, UserColumns, group_for, user_for};
pub(super) use user_for_update::user_for_update;

/// What is asked, and by whom.
struct Lookup<'a> {
    caller: AskedCaller,
    due: DueColumn,
    user: AskedUser<'a>,
    group: AskedGroup<'a>,
    /// The group that is to be below the group.
    child: AskedGroup<'a>,
    registration: Option<&'a NewAccount<'a>>,
    /// What is to be changed or deleted.
    update: ForUpdate<'a>,
}

enum AskedCaller {
    Id(Key),
    /// The user of the refresh token with this digest.
    RefreshToken(Digest),
    /// The user of the API key with this id.
    ApiKey(Key),
}

#[derive(Clone, Copy)]
enum AskedUser<'a> {
    None,
    Caller,
    Id(Key),
    Name(&'a str),
}

enum AskedGroup<'a> {
    None,
    Id(Key),
    Name(&'a str),
    /// The group of this id or name if there is one, otherwise any of those whose ids or names are in these JSON arrays. No group has
    /// the nil id or the empty name.
    FirstOf {
        id: Key,
        name: &'a str,
        ids: String,
        names: String,
    },
}

impl<'a> AskedGroup<'a> {
    fn of(group: &'a GroupIdentifier) -> Self {
        match group {
            GroupIdentifier::Id(group) => Self::Id(Key(group.0)),
            GroupIdentifier::Name(key) => Self::Name(key.as_str()),
        }
    }
}

impl<'a> Lookup<'a> {
    fn of(connection: &AnyConnection, at: Moment, caller: AskedCaller) -> Self {
        Self {
            caller,
            due: at.due(Dialect::of(connection)),
            user: AskedUser::None,
            group: AskedGroup::None,
            child: AskedGroup::None,
            registration: None,
            update: ForUpdate::default(),
        }
    }

    fn by(connection: &AnyConnection, at: Moment, caller: UserId) -> Self {
        Self::of(connection, at, AskedCaller::Id(Key(caller.0)))
    }

    fn user(self, user: &'a UserIdentifier) -> Self {
        let user = match user {
            UserIdentifier::Current => AskedUser::Caller,
            UserIdentifier::Id(user) => AskedUser::Id(Key(user.0)),
            UserIdentifier::Name(key) => AskedUser::Name(key.as_str()),
        };
        Self { user, ..self }
    }

    fn group(self, group: &'a GroupIdentifier) -> Self {
        Self { group: AskedGroup::of(group), ..self }
    }

    fn child(self, child: &'a GroupIdentifier) -> Self {
        Self { child: AskedGroup::of(child), ..self }
    }

    /// Adds the id of the user as an expression of its own, which is NULL if there is none.
    fn push_user<'b, DB: Words>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match &self.user {
            AskedUser::None => out.push_sql("NULL"),
            AskedUser::Caller => out.push_sql("caller.id"),
            AskedUser::Id(id) => DB::push_id(out, id)?,
            AskedUser::Name(key) => {
                out.push_sql("(SELECT user_id FROM user_identifiers WHERE identifier_key = ");
                DB::push_text(out, key)?;
                out.push_sql(")");
            }
        }
        Ok(())
    }

    /// The column of the user's id.
    fn user_id(&self) -> &'static str {
        match self.user {
            AskedUser::None => "NULL",
            AskedUser::Caller => "caller.id",
            AskedUser::Id(_) => "asked.id",
            AskedUser::Name(_) => "asked.user_id",
        }
    }
}

/// What is selected beside the account of the caller.
trait Answer: 'static {
    /// The SQL type of the columns.
    type Sql;

    /// Begins the statement with the tables that are made for it.
    fn push_with<'b, DB: Words>(_: &'b Lookup<'_>, _: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        Ok(())
    }

    /// Adds the columns.
    fn push_columns<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;

    /// Adds the joins by the identifiers of the user and the group.
    fn push_joins<'b, DB: Words>(lookup: &'b Lookup<'_>, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()> {
        match &lookup.user {
            AskedUser::None | AskedUser::Caller => {}
            AskedUser::Id(id) => {
                out.push_sql(" LEFT JOIN users asked ON asked.id = ");
                DB::push_id(out, id)?;
            }
            AskedUser::Name(key) => {
                out.push_sql(" LEFT JOIN user_identifiers asked ON asked.identifier_key = ");
                DB::push_text(out, key)?;
            }
        }
        push_group_join(
            &lookup.group,
            [" LEFT JOIN groups ON groups.id = ", " LEFT JOIN groups ON groups.name_key = "],
            out,
        )?;
        push_group_join(
            &lookup.child,
            [" LEFT JOIN groups child ON child.id = ", " LEFT JOIN groups child ON child.name_key = "],
            out,
        )
    }
}

/// Adds one of the joins, by id or by name.
fn push_group_join<'b, DB: Words>(
    group: &'b AskedGroup<'_>,
    [by_id, by_name]: [&'static str; 2],
    out: &mut AstPass<'_, 'b, DB>,
) -> QueryResult<()> {
    match group {
        AskedGroup::None | AskedGroup::FirstOf { .. } => Ok(()),
        AskedGroup::Id(id) => {
            out.push_sql(by_id);
            DB::push_id(out, id)
        }
        AskedGroup::Name(key) => {
            out.push_sql(by_name);
            DB::push_text(out, key)
        }
    }
}

/// The row, unless something is due before it may be read.
fn unless_due<T>(row: Option<(AccountRow, T)>) -> Result<Option<(AccountRow, T)>, Failure> {
    row.map(|(account, answer)| Ok((account.unless_due()?, answer))).transpose()
}

/// The statement of a lookup. Each `FORM` of an answer, the kinds of its identifiers, is one text.
struct Statement<'a, A, const FORM: u8> {
    lookup: &'a Lookup<'a>,
    answer: PhantomData<A>,
}

impl<'a, A, const FORM: u8> Statement<'a, A, FORM> {
    fn of(lookup: &'a Lookup<'a>) -> Self {
        Self { lookup, answer: PhantomData }
    }
}

impl<A: 'static, const FORM: u8> QueryId for Statement<'_, A, FORM> {
    type QueryId = Statement<'static, A, FORM>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<A: Answer, const FORM: u8> Query for Statement<'_, A, FORM> {
    type SqlType = (AccountSql, A::Sql);
}

impl<C, A, const FORM: u8> RunQueryDsl<C> for Statement<'_, A, FORM> {}

impl<DB: Words, A: Answer, const FORM: u8> QueryFragment<DB> for Statement<'_, A, FORM> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let lookup = self.lookup;
        A::push_with(lookup, &mut out)?;
        push_account(&lookup.due, &mut out)?;
        A::push_columns(lookup, &mut out)?;
        match &lookup.caller {
            AskedCaller::Id(id) => {
                out.push_sql(" FROM users caller LEFT JOIN api_keys k ON k.user_id = caller.id");
                A::push_joins(lookup, &mut out)?;
                out.push_sql(" WHERE caller.id = ");
                DB::push_id(&mut out, id)
            }
            AskedCaller::ApiKey(key) => {
                out.push_sql(" FROM api_keys k JOIN users caller ON caller.id = k.user_id WHERE k.id = ");
                DB::push_id(&mut out, key)
            }
            AskedCaller::RefreshToken(digest) => {
                out.push_sql(
                    " FROM refresh_tokens r JOIN users caller ON caller.id = r.user_id \
                     LEFT JOIN api_keys k ON k.user_id = caller.id WHERE r.digest = ",
                );
                DB::push_digest(&mut out, digest)
            }
        }
    }
}

/// The row of the answer, if the caller exists and nothing is due. `$form` is one number for each kind of identifiers.
macro_rules! ask {
    ($answer:ty, $form:literal, $lookup:expr, $connection:expr) => {{
        let statement = $crate::tables::lookup::Statement::<$answer, $form>::of($lookup);
        let row = match $connection {
            $crate::connection::AnyConnection::Postgres(connection) => statement.get_result(connection).optional()?,
            $crate::connection::AnyConnection::Sqlite(connection) => statement.get_result(connection).optional()?,
        };
        $crate::tables::lookup::unless_due(row)?
    }};
}
use ask;
