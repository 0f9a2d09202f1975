//! A row that was read, and what its columns say.

use std::collections::BTreeMap;

use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier, parse_guid};
use guildhall_domain::record::{
    AddedRecord, EdgeRecord, GroupRecord, ManagerRecord, MembershipRecord, Record, RecordedGroup, RecordedManager,
    UserRecord,
};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validation::InvalidField;
use guildhall_domain::validity::ValidityChange;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::source::RecordKind;

/// A value that was read.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Text(String),
    /// JSON that is neither a text nor `null`.
    Json(Box<RawValue>),
}

impl Value {
    pub(crate) fn of_json(json: Box<RawValue>) -> Self {
        match json.get().as_bytes().first() {
            Some(b'n') => Self::None,
            Some(b'"') => serde_json::from_str(json.get()).map_or(Self::None, Self::Text),
            _ => Self::Json(json),
        }
    }
}

/// The values of columns. What is not there is not told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row(pub(crate) BTreeMap<&'static str, Value>);

/// What a column says: nothing, that there is no value, or a value.
type Told<T> = Option<Option<T>>;

/// Reads columns, and collects what is wrong with them.
struct Reading<'r> {
    row: &'r Row,
    faults: Vec<InvalidField>,
}

impl Row {
    /// The record that the row of a table tells, or what is wrong with it.
    pub(crate) fn record(&self, kind: RecordKind) -> Result<Record, Vec<InvalidField>> {
        let mut reading = Reading { row: self, faults: Vec::new() };
        let record = match kind {
            RecordKind::Users => Some(Record::User(Box::new(reading.user()))),
            RecordKind::Groups => Some(Record::Group(Box::new(reading.group()))),
            RecordKind::Edges => reading.edge().map(Record::Edge),
            RecordKind::Memberships => reading.membership().map(Record::Membership),
            RecordKind::Managers => reading.manager().map(Record::Manager),
        };
        match record {
            Some(record) if reading.faults.is_empty() => Ok(record),
            _ => Err(reading.faults),
        }
    }
}

impl Reading<'_> {
    fn fault(&mut self, column: &str, message: impl Into<String>) {
        self.faults.push(InvalidField::new(column, message));
    }

    fn text(&mut self, column: &'static str) -> Told<String> {
        match self.row.0.get(column)? {
            Value::None => Some(None),
            Value::Text(text) => Some(Some(text.clone())),
            Value::Json(_) => {
                self.fault(column, "The value must be a text");
                None
            }
        }
    }

    /// A value that `read` reads from its text, or from JSON that is no text.
    fn read<T>(&mut self, column: &'static str, what: &str, read: impl Fn(&str) -> Option<T>) -> Told<T> {
        let text = match self.row.0.get(column)? {
            Value::None => return Some(None),
            Value::Text(text) => text.trim(),
            Value::Json(json) => json.get(),
        };
        let value = read(text);
        if value.is_none() {
            self.fault(column, format!("The value must be {what}"));
        }
        value.map(Some)
    }

    fn flag(&mut self, column: &'static str) -> Option<bool> {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        self.read(column, "'true' or 'false'", read).flatten()
    }

    fn count(&mut self, column: &'static str) -> Option<u32> {
        let read = |text: &str| text.parse().ok().filter(|count| *count <= i32::MAX.unsigned_abs());
        self.read(column, "a number from 0 to 2147483647", read).flatten()
    }

    fn moment(&mut self, column: &'static str) -> Told<Timestamp> {
        self.read(column, "a date and time such as 2024-06-30T12:00:00Z", |text| Timestamp::parse(text).ok())
    }

    fn id(&mut self, column: &'static str) -> Option<Uuid> {
        self.read(column, "a GUID", parse_guid).flatten()
    }

    fn custom(&mut self) -> Option<Custom> {
        let read = |text: &str| {
            let values: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
            values.into_iter().map(|(name, value)| Some((name, scalar(&value)?))).collect()
        };
        let what = "a JSON object of texts, numbers, booleans and null";
        self.read("custom", what, read).map(Option::unwrap_or_default)
    }

    fn user(&mut self) -> UserRecord {
        UserRecord {
            id: self.id("id").map(UserId),
            username: self.text("userName").flatten(),
            email: self.text("email"),
            first_name: self.text("firstName"),
            last_name: self.text("lastName"),
            timezone: self.text("timezone"),
            language: self.text("language"),
            custom: self.custom(),
            password_change_frequency: self
                .read("passwordChangeFrequency", "a number of days", |text| text.parse().ok()),
            provider_type: self.text("providerType").flatten(),
            provider_name: self.text("providerName").flatten(),
            suspended: self.flag("suspended"),
            password_reset_required: self.flag("passwordResetRequired"),
            expiry: self.moment("expiry"),
            opt_out_of_notifications: self.flag("optOutOfNotifications"),
            created: self.moment("created").flatten(),
            modified: self.moment("modified").flatten(),
            last_login: self.moment("lastLogin"),
            last_failed_login: self.moment("lastFailedLogin"),
            password_changed: self.moment("passwordChanged"),
            failed_login_attempts: self.count("failedLoginAttempts"),
            failed_login_attempts_since_last_success: self.count("failedLoginAttemptsSinceLastSuccess"),
            successful_login_attempts: self.count("successfulLoginAttempts"),
            password: None,
        }
    }

    fn group(&mut self) -> GroupRecord {
        let domains = self.read("autoMembershipEmailDomains", "a JSON array of texts", |text| {
            serde_json::from_str::<Vec<String>>(text).ok()
        });
        GroupRecord {
            id: self.id("id").map(guildhall_domain::group::GroupId),
            name: self.text("name").flatten(),
            kind: self.text("type").flatten(),
            description: self.text("description"),
            custom: self.custom(),
            auto_membership_email_domains: domains.map(Option::unwrap_or_default),
            created: self.moment("created").flatten(),
            modified: self.moment("modified").flatten(),
        }
    }

    /// A group by its id and its name, of which one may not be told.
    fn group_named(&mut self, id: &'static str, name: &'static str) -> Option<RecordedGroup> {
        let (told, name_told) = (self.id(id), self.text(name).flatten());
        match (told, name_told) {
            (Some(id), name) => {
                Some(RecordedGroup { identifier: GroupIdentifier::Id(guildhall_domain::group::GroupId(id)), name })
            }
            (None, Some(name)) => Some(name.as_str().into()),
            (None, None) => {
                self.fault(id, format!("Either '{id}' or '{name}' is required"));
                None
            }
        }
    }

    fn user_named(&mut self, id: &'static str, name: &'static str) -> Option<UserIdentifier> {
        if let Some(id) = self.id(id) {
            return Some(UserIdentifier::Id(UserId(id)));
        }
        let named = self.text(name).flatten();
        if named.is_none() {
            self.fault(id, format!("Either '{id}' or '{name}' is required"));
        }
        named.as_deref().map(UserIdentifier::from)
    }

    fn added(&mut self) -> AddedRecord {
        AddedRecord { at: self.moment("added"), by: self.id("addedBy").map(UserId) }
    }

    fn validity(&mut self) -> ValidityChange {
        ValidityChange { from: self.moment("validFrom"), until: self.moment("validUntil") }
    }

    fn edge(&mut self) -> Option<EdgeRecord> {
        let (parent, child) = (self.group_named("parentId", "parent"), self.group_named("childId", "child"));
        let (added, validity) = (self.added(), self.validity());
        Some(EdgeRecord { parent: parent?, child: child?, added, validity })
    }

    fn membership(&mut self) -> Option<MembershipRecord> {
        let (group, user) = (self.group_named("groupId", "group"), self.user_named("userId", "userName"));
        let (added, validity) = (self.added(), self.validity());
        Some(MembershipRecord { group: group?, user: user?, added, validity })
    }

    fn manager(&mut self) -> Option<ManagerRecord> {
        let group = self.group_named("groupId", "group");
        let kind = self.text("managerType").flatten();
        let manager = match kind.as_deref() {
            None | Some("user") => self.user_named("managerId", "manager").map(RecordedManager::User),
            Some("group") => self.group_named("managerId", "manager").map(RecordedManager::Group),
            Some(_) => {
                self.fault("managerType", "The value must be 'user' or 'group'");
                None
            }
        };
        let added = self.added();
        Some(ManagerRecord { group: group?, manager: manager?, added })
    }
}

/// What is wrong with a row as a whole.
pub(crate) fn row_fault(message: String) -> Vec<InvalidField> {
    vec![InvalidField::new("", message)]
}

/// A custom property, whose number keeps its own notation.
fn scalar(json: &RawValue) -> Option<CustomValue> {
    let text = json.get();
    match text.as_bytes().first()? {
        b'n' => Some(CustomValue::Null),
        b't' | b'f' => Some(CustomValue::Boolean(text == "true")),
        b'"' => serde_json::from_str(text).ok().map(CustomValue::Text),
        b'{' | b'[' => None,
        _ => Some(CustomValue::Number(text.to_owned())),
    }
}
