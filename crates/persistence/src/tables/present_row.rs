//! A membership or an edge that counts, as a row with its dates.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;

use crate::dialect::validity::validity;
use crate::sql_types::{Key, UuidSql};

/// A membership or an edge that counts, with its dates.
#[derive(QueryableByName)]
pub(super) struct PresentRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    added: Option<i64>,
    #[diesel(sql_type = Nullable<UuidSql>)]
    added_by: Option<Key>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_from: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    valid_until: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_at: Option<i64>,
}

impl PresentRow {
    pub(super) fn added(&self) -> Option<Provenance> {
        let by = self.added_by.map(|user| UserId(user.0));
        self.added.map(|at| Provenance { at: Timestamp::from_milliseconds(at), by })
    }

    pub(super) fn validity(&self) -> Validity {
        validity(true, (self.valid_from, self.valid_until, self.next_at))
    }
}
