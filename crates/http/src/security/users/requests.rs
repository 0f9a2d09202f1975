//! The bodies of requests about users, each with its schema and its parser (contract 3.3).

use guildhall_domain::user::{UserChanges, UserDraft};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, SchemaFormat};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Schema, Type};
use uuid::Uuid;

use crate::body::custom::{CustomMode, optional_custom_schema};
use crate::body::object::{JsonObject, read_object};
use crate::respond::problem::Problem;

/// The message of a 422, above the invalid fields.
pub(crate) const INVALID: &str = "There are validation errors creating the user";
pub(crate) const INVALID_CHANGE: &str = "There are validation errors updating the user";
pub(crate) const INVALID_PASSWORD: &str = "There are validation errors updating the password";
pub(crate) const INVALID_ACTION: &str = "There are validation errors in the action";

/// A user to be created. Other properties are ignored, so a user as it was read may be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(rename_all = "camelCase", examples(json!({
    "username": "tdurden",
    "email": "t.durden@fightclub.com",
    "firstName": "Tyler",
    "lastName": "Durden",
    "timezone": "America/New_York",
    "language": "en-GB",
    "custom": { "department": "Soap" },
    "credentials": { "password": "F1ghtC1ub1234!", "passwordChangeFrequency": 180 },
})))]
pub(crate) struct NewUser {
    /// Without one, or with all zeros, one is made.
    id: Option<Uuid>,
    /// Unique, also among email addresses, in every spelling that reads the same. Without one, the email address serves. Something of
    /// it is visible. Not a GUID, not `search`, not beginning with `@`.
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    username: Option<String>,
    /// Unique, also among usernames; a domain and its `xn--` form are one. Characters beyond ASCII are allowed (RFC 6531).
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    first_name: Option<String>,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    last_name: Option<String>,
    /// A name of the IANA time zone database, in any case.
    #[schema(max_length = 64, pattern = "^[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z][A-Za-z0-9+_-]*)*$", default = "Etc/UTC")]
    timezone: Option<String>,
    /// ISO 639-1, alone or with ISO 3166-1, in any case.
    #[schema(pattern = "^[A-Za-z]{2}(-[A-Za-z]{2})?$", default = "en-GB")]
    language: Option<String>,
    #[schema(schema_with = optional_custom_schema)]
    custom: Option<()>,
    credentials: NewCredentials,
    /// In the future. Without it, never.
    #[schema(format = DateTime)]
    expiry: Option<String>,
    #[schema(default = false)]
    opt_out_of_notifications: Option<bool>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "camelCase")]
struct NewCredentials {
    /// Three or more of lower case, upper case, digits and symbols, and no part of the user's name; up to 1,024 bytes.
    #[schema(format = Password, min_length = 8, max_length = 1024, pattern = r"^[^\u0000]*$")]
    password: String,
    /// Days until the password must change; 0 is never.
    #[schema(minimum = 0, maximum = 2_147_483_647, default = 180)]
    password_change_frequency: Option<i64>,
}

impl NewUser {
    pub(crate) fn read(body: &[u8]) -> Result<UserDraft, Problem> {
        read_object(body, INVALID, |user, errors| {
            let credentials = user.object("credentials", errors);
            UserDraft {
                id: user.id("id", errors),
                username: user.text("username", errors),
                email: user.text("email", errors),
                first_name: user.text("firstName", errors),
                last_name: user.text("lastName", errors),
                timezone: user.text("timezone", errors),
                language: user.text("language", errors),
                custom: user.custom("custom", errors),
                password: credentials.text("password", errors),
                password_change_frequency: credentials.integer("passwordChangeFrequency", errors),
                expiry: user.moment("expiry", errors),
                opt_out_of_notifications: user.boolean("optOutOfNotifications", errors).unwrap_or_default(),
                suspended: false,
                force_password_reset: false,
            }
        })
    }
}

/// What changes of a user. A property that is absent stays as it is; read-only and other properties are ignored.
///
/// With PUT, `custom` replaces all custom properties. With PATCH (RFC 7396) it is merged into them, and those that are `null` go.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = UserChanges, rename_all = "camelCase", examples(json!({
    "firstName": "Tyler",
    "expiry": null,
    "custom": { "department": "Soap" },
})))]
pub(crate) struct UserUpdate {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    username: Option<String>,
    #[schema(schema_with = email)]
    email: Option<String>,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    first_name: Option<String>,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    last_name: Option<String>,
    /// A name of the IANA time zone database; `null` is the default.
    #[schema(max_length = 64, pattern = "^[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z][A-Za-z0-9+_-]*)*$")]
    timezone: Option<String>,
    /// ISO 639-1, alone or with ISO 3166-1; `null` is the default.
    #[schema(pattern = "^[A-Za-z]{2}(-[A-Za-z]{2})?$")]
    language: Option<String>,
    #[schema(schema_with = optional_custom_schema)]
    custom: Option<()>,
    credentials: Option<ChangedCredentials>,
    /// In the future; `null` is never. Only administrators may change it.
    #[schema(format = DateTime)]
    expiry: Option<String>,
    opt_out_of_notifications: Option<bool>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "camelCase")]
struct ChangedCredentials {
    /// Days until the password must change; 0 is never. Only administrators may change it.
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    password_change_frequency: Option<i64>,
}

impl UserUpdate {
    pub(crate) fn read(body: &[u8], custom: CustomMode) -> Result<UserChanges, Problem> {
        read_object(body, INVALID_CHANGE, |user, errors| {
            let credentials = user.object("credentials", errors);
            UserChanges {
                username: user.if_present("username", errors, JsonObject::text),
                email: user.if_present("email", errors, JsonObject::text),
                first_name: user.if_present("firstName", errors, JsonObject::text),
                last_name: user.if_present("lastName", errors, JsonObject::text),
                timezone: user.if_present("timezone", errors, JsonObject::text),
                language: user.if_present("language", errors, JsonObject::text),
                custom: custom.read(user, errors),
                password_change_frequency: credentials.if_present(
                    "passwordChangeFrequency",
                    errors,
                    JsonObject::integer,
                ),
                expiry: user.if_present("expiry", errors, JsonObject::moment),
                opt_out_of_notifications: user
                    .if_present("optOutOfNotifications", errors, JsonObject::boolean)
                    .map(Option::unwrap_or_default),
            }
        })
    }
}

/// A new password.
#[derive(ToSchema)]
#[schema(examples(json!({ "existing": "F1ghtC1ub1234!", "new": "pr0j3ctM4yh3m" })))]
pub(crate) struct PasswordChange {
    /// Administrators may leave it out. An empty text counts as none.
    pub(crate) existing: Option<String>,
    /// Three or more of lower case, upper case, digits and symbols, and no part of the user's name; up to 1,024 bytes.
    #[schema(format = Password, min_length = 8, max_length = 1024, value_type = String)]
    pub(crate) new: Option<String>,
}

impl PasswordChange {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        read_object(body, INVALID_PASSWORD, |passwords, errors| Self {
            existing: passwords.text("existing", errors),
            new: passwords.text("new", errors),
        })
    }
}

/// Something to do to an account.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `read` reads")]
#[schema(as = UserAction, examples(json!({ "type": "suspend" })))]
pub(crate) struct UserActionBody {
    r#type: UserActionType,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "camelCase")]
enum UserActionType {
    Suspend,
    Unsuspend,
    Unlock,
    ForcePasswordReset,
    SetPasswordToExpirable,
}

impl UserActionBody {
    /// The name of the action, which may be unknown; empty if absent.
    pub(crate) fn read(body: &[u8]) -> Result<String, Problem> {
        read_object(body, INVALID_ACTION, |action, errors| action.text("type", errors).unwrap_or_default())
    }
}

/// The schema of an email address that may be blank or `null`, for a user without one.
fn email() -> Schema {
    let address = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
        .max_length(Some(254));
    let blank = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^\s*$"));
    AnyOfBuilder::new()
        .description(Some("Unique, also among usernames. Only a user who has none may go on without."))
        .item(address)
        .item(blank)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .build()
        .into()
}
