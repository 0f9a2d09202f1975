//! Users in responses (contract 3.3).

use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{Email, ProviderKind, ShownUser, User, UserSummary};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::custom::CustomBody;
use crate::body::moment::Moment;

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(crate) struct UserBody<'a> {
    #[schema(value_type = Uuid, examples("209e4053-f71b-45a9-ba87-3f5595caaeee"))]
    id: String,
    #[schema(min_length = 1, max_length = 255, examples("tdurden"))]
    username: &'a str,
    #[schema(required = true, max_length = 254, examples("t.durden@fightclub.com"))]
    email: Option<&'a str>,
    #[schema(required = true, max_length = 255, examples("Tyler"))]
    first_name: Option<&'a str>,
    #[schema(required = true, max_length = 255, examples("Durden"))]
    last_name: Option<&'a str>,
    /// A name of the IANA time zone database.
    #[schema(examples("America/New_York"))]
    timezone: &'a str,
    /// ISO 639-1, alone or with ISO 3166-1.
    #[schema(examples("en-GB"))]
    language: &'a str,
    #[schema(inline)]
    custom: CustomBody<'a>,
    credentials: Credentials<'a>,
    status: Status,
    created: Moment,
    modified: Moment,
    #[schema(required = true)]
    last_login: Option<Moment>,
    #[schema(required = true)]
    last_failed_login: Option<Moment>,
    /// When the account closes; never if `null`.
    #[schema(required = true)]
    expiry: Option<Moment>,
    #[schema(required = true)]
    password_changed: Option<Moment>,
    opt_out_of_notifications: bool,
    failed_login_attempts: u32,
    failed_login_attempts_since_last_success: u32,
    successful_login_attempts: u32,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    /// Days until the password must change; 0 is never.
    #[schema(required = true, examples(180))]
    password_change_frequency: Option<u32>,
    provider: Provider<'a>,
}

/// Who keeps the password.
#[derive(Serialize, ToSchema)]
struct Provider<'a> {
    r#type: ProviderType,
    #[schema(examples("contensis"))]
    name: &'a str,
}

/// This service, or a directory outside.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ProviderType {
    Contensis,
    External,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Status {
    /// By an administrator, or because the account has expired.
    suspended: bool,
    /// After too many wrong passwords.
    locked: bool,
    password_reset_required: bool,
}

impl<'a> UserBody<'a> {
    /// `user`, with its status at `now`.
    pub(crate) fn new(user: &'a User, now: Timestamp) -> Self {
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
                        ProviderKind::Contensis => ProviderType::Contensis,
                        ProviderKind::External => ProviderType::External,
                    },
                    name: &user.provider.name,
                },
            },
            status: Status {
                suspended: user.is_suspended(now),
                locked: user.is_locked(now),
                password_reset_required: user.must_reset_password(now),
            },
            created: Moment(user.created),
            modified: Moment(user.modified),
            last_login: user.last_login.map(Moment),
            last_failed_login: user.last_failed_login.map(Moment),
            expiry: user.expiry.map(Moment),
            password_changed: user.password_changed.map(Moment),
            opt_out_of_notifications: user.opt_out_of_notifications,
            failed_login_attempts: user.failed_login_attempts,
            failed_login_attempts_since_last_success: user.failed_login_attempts_since_last_success,
            successful_login_attempts: user.successful_login_attempts,
        }
    }
}

/// What a manager of a group sees of its users.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserSummary)]
pub(crate) struct UserSummaryBody<'a> {
    #[schema(value_type = Uuid, examples("209e4053-f71b-45a9-ba87-3f5595caaeee"))]
    id: String,
    #[schema(min_length = 1, max_length = 255, examples("tdurden"))]
    username: &'a str,
    #[schema(required = true, max_length = 254, examples("t.durden@fightclub.com"))]
    email: Option<&'a str>,
    #[schema(required = true, max_length = 255, examples("Tyler"))]
    first_name: Option<&'a str>,
    #[schema(required = true, max_length = 255, examples("Durden"))]
    last_name: Option<&'a str>,
}

impl<'a> From<&'a UserSummary> for UserSummaryBody<'a> {
    fn from(user: &'a UserSummary) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.as_str(),
            email: user.email.as_ref().map(Email::as_str),
            first_name: user.first_name.as_deref(),
            last_name: user.last_name.as_deref(),
        }
    }
}

/// A user, as far as the caller may see them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ShownUser)]
pub(crate) enum ShownUserBody<'a> {
    Whole(UserBody<'a>),
    Summary(UserSummaryBody<'a>),
}

impl<'a> ShownUserBody<'a> {
    /// `user`, with their status at `now`.
    pub(crate) fn new(user: &'a ShownUser, now: Timestamp) -> Self {
        match user {
            ShownUser::Whole(user) => Self::Whole(UserBody::new(user, now)),
            ShownUser::Summary(user) => Self::Summary(user.into()),
        }
    }
}
