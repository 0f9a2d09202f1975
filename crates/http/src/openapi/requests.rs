//! Bodies of requests as the document shows them. The handlers read them property by property, as `json` does.
#![expect(dead_code, reason = "only their descriptions are used")]

use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, SchemaFormat};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Schema, Type};
use uuid::Uuid;

use crate::body::custom::optional_schema;

/// A user to be created. Other properties are ignored, so a user as it was read may be sent.
#[derive(ToSchema)]
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
    /// Unique, also among email addresses. Without one, the email address serves. Not a GUID, not `search`, not beginning with
    /// `@`.
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    username: Option<String>,
    /// Unique, also among usernames.
    #[schema(format = "email", max_length = 254)]
    email: String,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    first_name: Option<String>,
    #[schema(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    last_name: Option<String>,
    /// A name of the IANA time zone database.
    #[schema(max_length = 64, pattern = "^[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z][A-Za-z0-9+_-]*)*$", default = "Etc/UTC")]
    timezone: Option<String>,
    /// ISO 639-1, alone or with ISO 3166-1.
    #[schema(pattern = "^[A-Za-z]{2}(-[A-Za-z]{2})?$", default = "en-GB")]
    language: Option<String>,
    #[schema(schema_with = optional_schema)]
    custom: Option<()>,
    credentials: NewCredentials,
    /// In the future. Without it, never.
    #[schema(format = DateTime)]
    expiry: Option<String>,
    #[schema(default = false)]
    opt_out_of_notifications: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct NewCredentials {
    /// Three or more of lower case, upper case, digits and symbols, and no part of the user's name; up to 1,024 bytes.
    #[schema(format = Password, min_length = 8, max_length = 1024, pattern = r"^[^\u0000]*$")]
    password: String,
    /// Days until the password must change; 0 is never.
    #[schema(minimum = 0, maximum = 2_147_483_647, default = 180)]
    password_change_frequency: Option<i64>,
}

/// What changes of a user. A property that is absent stays as it is; read-only and other properties are ignored.
///
/// With PUT, `custom` replaces all custom properties. With PATCH (RFC 7396) it is merged into them, and those that are `null` go.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({
    "firstName": "Tyler",
    "expiry": null,
    "custom": { "department": "Soap" },
})))]
pub(crate) struct UserChanges {
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
    #[schema(schema_with = optional_schema)]
    custom: Option<()>,
    credentials: Option<ChangedCredentials>,
    /// In the future; `null` is never. Only administrators may change it.
    #[schema(format = DateTime)]
    expiry: Option<String>,
    opt_out_of_notifications: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ChangedCredentials {
    /// Days until the password must change; 0 is never. Only administrators may change it.
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    password_change_frequency: Option<i64>,
}

/// A new password.
#[derive(ToSchema)]
#[schema(examples(json!({ "existing": "F1ghtC1ub1234!", "new": "pr0j3ctM4yh3m" })))]
pub(crate) struct PasswordChange {
    /// Administrators may leave it out. An empty text counts as none.
    existing: Option<String>,
    /// Three or more of lower case, upper case, digits and symbols, and no part of the user's name; up to 1,024 bytes.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    new: String,
}

/// Something to do to an account.
#[derive(ToSchema)]
#[schema(as = UserAction, examples(json!({ "type": "suspend" })))]
pub(crate) struct UserActionRequest {
    r#type: UserActionType,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
enum UserActionType {
    Suspend,
    Unsuspend,
    Unlock,
    ForcePasswordReset,
    SetPasswordToExpirable,
}

/// A group to be created. Other properties are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({
    "id": "6254736c-70e1-43b0-b769-f8e0f6359862",
    "name": "Paper Street Soap Company",
    "description": "Soap, and nothing but soap",
})))]
pub(crate) struct NewGroup {
    /// Without one, or with all zeros, one is made.
    id: Option<Uuid>,
    /// Unique. Not a GUID.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    r#type: Option<NewGroupType>,
    #[schema(schema_with = optional_schema)]
    custom: Option<()>,
    /// Users whose email address is in one of these domains join when their account is created.
    auto_membership_email_domains: Option<Vec<Domain>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
enum NewGroupType {
    Contensis,
    External,
}

#[derive(ToSchema)]
#[schema(min_length = 1, examples("fightclub.com"))]
struct Domain(String);

/// What changes of a group. A property that is absent stays as it is; read-only and other properties are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({ "description": "Soap, and nothing but soap" })))]
pub(crate) struct GroupChanges {
    /// Unique. Not a GUID. A system group keeps its name.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    /// They take the place of all that are there.
    #[schema(schema_with = optional_schema)]
    custom: Option<()>,
    /// They take the place of all that are there.
    auto_membership_email_domains: Option<Vec<Domain>>,
}

/// A request for a token (RFC 6749, sections 4.3, 4.4 and 6).
#[derive(ToSchema)]
#[schema(examples(json!({ "grant_type": "password", "username": "t.durden@fightclub.com", "password": "F1ghtC1ub1234!" })))]
pub(crate) struct TokenForm {
    grant_type: GrantType,
    /// Separated by spaces. Without any, all; unknown ones are left out.
    scope: Option<String>,
    /// A username or an email address.
    username: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
    refresh_token: Option<String>,
    /// The id of an API key. It and the secret may come by HTTP Basic too.
    client_id: Option<Uuid>,
    #[schema(format = Password)]
    client_secret: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum GrantType {
    ClientCredentials,
    ContensisClassic,
    ContensisClassicRefreshToken,
    Password,
    RefreshToken,
}

/// An API key to be created. Other properties are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({ "name": "Soap factory", "description": "Puts everybody to work" })))]
pub(crate) struct NewApiKey {
    /// Unique among API keys and users, because it is the username of the key's user.
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    #[schema(default = true)]
    enabled: Option<bool>,
    /// The most that its tokens may be used for. Without any, everything; unknown ones are left out.
    scopes: Option<Vec<String>>,
}

/// What changes of an API key. A property that is absent stays as it is; read-only and other properties are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({ "enabled": false })))]
pub(crate) struct ApiKeyChanges {
    /// Unique among API keys and users.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    /// Up to 32 KiB.
    #[schema(pattern = r"^[^\u0000]*$")]
    description: Option<String>,
    enabled: Option<bool>,
    /// They take the place of all that are there.
    scopes: Option<Vec<String>>,
}

/// Ids of users. One may be there more than once.
#[derive(ToSchema)]
pub(crate) struct UserIds(Vec<Uuid>);

/// Ids of groups. One may be there more than once.
#[derive(ToSchema)]
pub(crate) struct GroupIds(Vec<Uuid>);

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
