//! A user as JSON: what is read of one, and how one is written (spec section 3.3).

use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, ProviderKind, User, UserChanges, UserDraft};
use serde::Serialize;

use crate::custom_json::{CustomBody, CustomMode};
use crate::json::{Faults, Object};
use crate::problem::Problem;

/// What an answer says above the fields that are not as they must be.
pub(crate) const INVALID: &str = "There are validation errors creating the user";
pub(crate) const INVALID_CHANGE: &str = "There are validation errors updating the user";
pub(crate) const INVALID_PASSWORD: &str = "There are validation errors updating the password";
pub(crate) const INVALID_ACTION: &str = "There are validation errors in the action";

/// Reads what a request says of a user that is to be. Read-only properties are ignored.
pub(crate) fn draft(body: &[u8]) -> Result<UserDraft, Problem> {
    let user = Object::read(body)?;
    let faults = &mut Faults::default();
    let credentials = user.object("credentials", faults);
    let draft = UserDraft {
        id: user.id("id", faults),
        username: user.text("username", faults),
        email: user.text("email", faults),
        first_name: user.text("firstName", faults),
        last_name: user.text("lastName", faults),
        timezone: user.text("timezone", faults),
        language: user.text("language", faults),
        custom: user.custom("custom", faults),
        password: credentials.text("password", faults),
        password_change_frequency: credentials.integer("passwordChangeFrequency", faults),
        expiry: user.moment("expiry", faults),
        opt_out_of_notifications: user.boolean("optOutOfNotifications", faults).unwrap_or_default(),
        suspended: false,
        force_password_reset: false,
    };
    std::mem::take(faults).none_or(INVALID, draft)
}

/// Reads what a request changes of a user. A property that is not there stays as it is; read-only ones are ignored.
pub(crate) fn changes(body: &[u8], custom: CustomMode) -> Result<UserChanges, Problem> {
    let user = Object::read(body)?;
    let faults = &mut Faults::default();
    let credentials = user.object("credentials", faults);
    let changes = UserChanges {
        username: user.given("username", faults, Object::text),
        email: user.given("email", faults, Object::text),
        first_name: user.given("firstName", faults, Object::text),
        last_name: user.given("lastName", faults, Object::text),
        timezone: user.given("timezone", faults, Object::text),
        language: user.given("language", faults, Object::text),
        custom: custom.read(&user, faults),
        password_change_frequency: credentials.given("passwordChangeFrequency", faults, Object::integer),
        expiry: user.given("expiry", faults, Object::moment),
        opt_out_of_notifications: user
            .given("optOutOfNotifications", faults, Object::boolean)
            .map(Option::unwrap_or_default),
    };
    std::mem::take(faults).none_or(INVALID_CHANGE, changes)
}

/// The existing password and the new one, as a request gives them.
pub(crate) fn passwords(body: &[u8]) -> Result<(Option<String>, Option<String>), Problem> {
    let passwords = Object::read(body)?;
    let faults = &mut Faults::default();
    let given = (passwords.text("existing", faults), passwords.text("new", faults));
    std::mem::take(faults).none_or(INVALID_PASSWORD, given)
}

/// The name of an action; without one, no text.
pub(crate) fn action(body: &[u8]) -> Result<String, Problem> {
    let action = Object::read(body)?;
    let faults = &mut Faults::default();
    let kind = action.text("type", faults).unwrap_or_default();
    std::mem::take(faults).none_or(INVALID_ACTION, kind)
}

/// A user in an answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserBody<'a> {
    id: String,
    username: &'a str,
    email: Option<&'a str>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    timezone: &'a str,
    language: &'a str,
    custom: CustomBody<'a>,
    credentials: Credentials<'a>,
    status: Status,
    created: String,
    modified: String,
    last_login: Option<String>,
    last_failed_login: Option<String>,
    expiry: Option<String>,
    password_changed: Option<String>,
    opt_out_of_notifications: bool,
    failed_login_attempts: u32,
    failed_login_attempts_since_last_success: u32,
    successful_login_attempts: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    password_change_frequency: Option<u32>,
    provider: Provider<'a>,
}

#[derive(Serialize)]
struct Provider<'a> {
    r#type: &'static str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    suspended: bool,
    locked: bool,
    password_reset_required: bool,
}

impl<'a> UserBody<'a> {
    /// `user` as it is at `now`.
    pub(crate) fn new(user: &'a User, now: Timestamp) -> Self {
        let moment = |moment: Timestamp| moment.to_string();
        Self {
            id: user.id.to_string(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(Email::as_str),
            first_name: user.first_name.as_deref(),
            last_name: user.last_name.as_deref(),
            timezone: &user.timezone,
            language: &user.language,
            custom: CustomBody(&user.custom),
            credentials: Credentials {
                password_change_frequency: user.password_change_frequency,
                provider: Provider {
                    r#type: match user.provider.kind {
                        ProviderKind::Contensis => "contensis",
                        ProviderKind::External => "external",
                    },
                    name: &user.provider.name,
                },
            },
            status: Status {
                suspended: user.is_suspended(now),
                locked: user.locked,
                password_reset_required: user.must_reset_password(now),
            },
            created: moment(user.created),
            modified: moment(user.modified),
            last_login: user.last_login.map(moment),
            last_failed_login: user.last_failed_login.map(moment),
            expiry: user.expiry.map(moment),
            password_changed: user.password_changed.map(moment),
            opt_out_of_notifications: user.opt_out_of_notifications,
            failed_login_attempts: user.failed_login_attempts,
            failed_login_attempts_since_last_success: user.failed_login_attempts_since_last_success,
            successful_login_attempts: user.successful_login_attempts,
        }
    }
}
