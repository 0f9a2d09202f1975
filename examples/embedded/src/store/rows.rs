//! Parts of rows that several aggregates need.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::Lockout;
use serde::{Deserialize, Serialize};

/// Custom properties.
pub(super) type CustomRow = BTreeMap<String, CustomValueRow>;

/// A custom property.
#[derive(Serialize, Deserialize)]
pub(super) enum CustomValueRow {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
}

pub(super) fn custom_row(custom: &Custom) -> CustomRow {
    let row = |value: &CustomValue| match value.clone() {
        CustomValue::Null => CustomValueRow::Null,
        CustomValue::Boolean(truth) => CustomValueRow::Boolean(truth),
        CustomValue::Number(digits) => CustomValueRow::Number(digits),
        CustomValue::Text(text) => CustomValueRow::Text(text),
    };
    custom.iter().map(|(name, value)| (name.clone(), row(value))).collect()
}

pub(super) fn custom(row: CustomRow) -> Custom {
    let value = |row| match row {
        CustomValueRow::Null => CustomValue::Null,
        CustomValueRow::Boolean(truth) => CustomValue::Boolean(truth),
        CustomValueRow::Number(digits) => CustomValue::Number(digits),
        CustomValueRow::Text(text) => CustomValue::Text(text),
    };
    row.into_iter().map(|(name, row)| (name, value(row))).collect()
}

/// A count of wrong passwords.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct LockoutRow {
    failures: u32,
    locks: u32,
    until: Option<i64>,
}

impl From<Lockout> for LockoutRow {
    fn from(lockout: Lockout) -> Self {
        Self { failures: lockout.failures, locks: lockout.locks, until: lockout.until.map(Timestamp::milliseconds) }
    }
}

impl From<LockoutRow> for Lockout {
    fn from(row: LockoutRow) -> Self {
        Self { failures: row.failures, locks: row.locks, until: row.until.map(Timestamp::from_milliseconds) }
    }
}
