//! The schemas of parameters. `extract` parses them, and accepts more than the schemas say.
#![expect(dead_code, reason = "only their descriptions are used")]

use crate::security::patches::report::Mode;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserPath {
    /// Id, username, email address or `@current`.
    #[param(min_length = 1, example = "@current")]
    user: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct GroupPath {
    /// Id or name.
    #[param(min_length = 1, example = "Paper Street Soap Company")]
    group: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MemberPath {
    /// Id or name of the group.
    #[param(min_length = 1, example = "Paper Street Soap Company")]
    group: String,
    /// Id, username or email address of the user, or `@current`.
    #[param(min_length = 1, example = "t.durden@fightclub.com")]
    user: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ManagerUserPath {
    /// Id or name of the group.
    #[param(min_length = 1, example = "Paper Street Soap Company")]
    group: String,
    /// Id, username or email address of the manager, or `@current`.
    #[param(min_length = 1, example = "t.durden@fightclub.com")]
    user: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ManagerGroupPath {
    /// Id or name of the group.
    #[param(min_length = 1, example = "Paper Street Soap Company")]
    group: String,
    /// Id or name of the group whose users manage it.
    #[param(min_length = 1, example = "Space Monkeys")]
    manager: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct MembershipPath {
    /// Id, username or email address of the user, or `@current`.
    #[param(min_length = 1, example = "@current")]
    user: String,
    /// Ids or names of groups, separated by commas. A group whose name has commas in it is found too, alone.
    #[param(min_length = 1, example = "Paper Street Soap Company,Everyone")]
    groups: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ApiKeyPath {
    /// Id or name.
    #[param(min_length = 1, example = "Soap factory")]
    key: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ChildPath {
    /// Id or name of the group.
    #[param(min_length = 1, example = "Paper Street Soap Company")]
    group: String,
    /// Id or name of the group below it.
    #[param(min_length = 1, example = "Liposuction Technicians")]
    child: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct PagingParameters {
    /// Which page, from zero. Past the last one there are no items.
    #[param(minimum = 0, maximum = 2_147_483_647, default = 0, value_type = u64, required = false)]
    page_index: Option<u64>,
    /// The most items of a page. Above 1000 it is 1000, and the answer says so.
    #[param(schema_with = page_size, required = false)]
    page_size: Option<u64>,
    /// In place of `pageIndex`: empty for the first page, then the `nextCursor` of the page before, with the same caller, path and
    /// parameters; `pageSize` may differ. Whoever stays where they are in the order comes exactly once, whatever changes meanwhile.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct SearchParameters {
    /// Only those that have this text in their name: of users in first and last name, username or email address.
    #[param(max_length = 8000, example = "soap", value_type = String, required = false)]
    q: Option<String>,
    /// By what to sort: properties, separated by commas, those to be reversed with `-` before them. Without any, by name.
    #[param(example = "-created", value_type = String, required = false)]
    order: Option<String>,
    /// Only those that this ZenQL query describes. Its `ORDER BY` counts before any other order. It has at most 8,000
    /// characters, and at most 50 parentheses and NOTs inside one another.
    #[param(example = "created > now(-7) ORDER BY created DESC", value_type = String, required = false)]
    zenql: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct UserSearchParameters {
    /// Only those that these conditions describe: the `where` of `UserSearch`, as JSON.
    #[param(example = "[{\"field\":\"username\",\"contains\":\"tyler\"}]", value_type = String, required = false)]
    r#where: Option<String>,
    /// By what to sort: like `order`, or the `orderBy` of `UserSearch`, as JSON. It counts before `order`.
    #[param(example = "[{\"desc\":\"created\"}]", value_type = String, required = false)]
    order_by: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct MembershipParameters {
    /// Whether those count too who are in by a group below (of a user: by a group above).
    #[param(default = false, value_type = bool, required = false)]
    include_inherited: Option<bool>,
    /// Ids or names of groups, separated by commas, whose members and children are left out. Unknown ones are ignored.
    #[param(example = "Liposuction Technicians", value_type = String, required = false)]
    excluded_groups: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct AsOfParameter {
    /// A moment that is not in the future: the answer is as it was then, and there is no search, no order and no `excludedGroups`. Of a moment of which the log was removed, 410.
    /// Empty or given twice, it is refused.
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z", value_type = String, required = false)]
    as_of: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct MembershipListingParameters {
    /// `active` (the default): those that count; `scheduled`: those that begin later; `all`: both. Empty or given twice, it is refused.
    #[param(value_type = ListedState, inline, required = false)]
    state: Option<ListedState>,
    /// Only those that end before this date. Empty or given twice, it is refused.
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z", value_type = String, required = false)]
    expiring_before: Option<String>,
    /// Only those that have this text in their name: of users in first and last name, username or email address; where groups are listed, of the group.
    #[param(max_length = 8000, example = "soap", value_type = String, required = false)]
    q: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct EventPath {
    /// The id.
    #[param(min_length = 1)]
    event: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct WebhookPath {
    /// The id.
    #[param(min_length = 1)]
    webhook: String,
}

/// Each is refused where it is empty, unreadable or given twice.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParameters {
    /// Only those that come after this sequence: with a greater one, or in reverse order with a smaller one.
    #[param(minimum = 0, value_type = u64, required = false)]
    after: Option<u64>,
    /// The most events of a page.
    #[param(minimum = 1, maximum = 1000, default = 100, value_type = u64, required = false)]
    limit: Option<u64>,
    /// Only those of this type, or of all types that begin so, with `*` after it.
    #[param(example = "guildhall.group.members.*", value_type = String, required = false)]
    r#type: Option<String>,
    /// Only those that are about the group with this id.
    #[param(format = Uuid, value_type = String, required = false)]
    group: Option<String>,
    /// Only those that are about the user with this id.
    #[param(format = Uuid, value_type = String, required = false)]
    user: Option<String>,
    /// Only those that the user with this id caused.
    #[param(format = Uuid, value_type = String, required = false)]
    actor: Option<String>,
    /// Only those at or after this date.
    #[param(format = DateTime, example = "2024-09-03T00:00:00Z", value_type = String, required = false)]
    from: Option<String>,
    /// Only those before this date.
    #[param(format = DateTime, example = "2027-01-01T00:00:00Z", value_type = String, required = false)]
    to: Option<String>,
    /// The first first, or the last first.
    #[param(value_type = EventOrder, inline, required = false)]
    order: Option<EventOrder>,
    /// For how many seconds to wait for an event, if there is none. With the order `sequence` alone.
    #[param(minimum = 0, maximum = 30, default = 0, value_type = u64, required = false)]
    wait: Option<u64>,
}

#[derive(ToSchema)]
enum EventOrder {
    #[schema(rename = "sequence")]
    Ascending,
    #[schema(rename = "-sequence")]
    Descending,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
enum ListedState {
    Active,
    Scheduled,
    All,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserOrderParameter {
    /// By what to sort, with `-` before it for the reverse order. No beginning comes first, no end last. Empty or given twice, it is refused.
    #[param(pattern = "^-?(username|added|validFrom|validUntil)$", default = "username", value_type = String, required = false)]
    order: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupOrderParameter {
    /// By what to sort, with `-` before it for the reverse order. No beginning comes first, no end last. Empty or given twice, it is refused.
    #[param(pattern = "^-?(name|added|validFrom|validUntil)$", default = "name", value_type = String, required = false)]
    order: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct IncludeSelfParameter {
    /// Whether the group itself is listed too.
    #[param(default = false, value_type = bool, required = false)]
    include_self: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ParentParameter {
    /// Id or name of the group that it is to be below.
    #[param(min_length = 1, example = "Paper Street Soap Company", value_type = String, required = false)]
    parent: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ExplanationParameters {
    /// The most paths to tell of.
    #[param(minimum = 1, maximum = 100, default = 10, value_type = u64, required = false)]
    limit: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct DetailParameter {
    /// Whether the answer also tells which users and groups there are.
    #[param(default = false, value_type = bool, required = false)]
    detail: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct PatchParameters {
    /// `atomic` (the default): all of it is done or nothing. `partial`: what can be done is done, and the report names the rest. Empty or
    /// given twice, it is refused.
    #[param(value_type = Mode, inline, required = false)]
    mode: Option<Mode>,
    /// Whether nothing is to be done: the report says what would be, with its `effects`. Empty or given twice, it is refused.
    #[param(value_type = bool, required = false)]
    dry_run: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct PreferenceParameter {
    /// `return=representation` asks for the report. Other preferences are ignored.
    #[param(rename = "Prefer", example = "return=representation", value_type = String, required = false)]
    prefer: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct IdentityParameters {
    /// Only those at this issuer.
    #[param(example = "https://id.example.com/realms/main", value_type = String, required = false)]
    issuer: Option<String>,
    /// Only those of this subject.
    #[param(example = "f:7a1c:tdurden", value_type = String, required = false)]
    subject: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct NewUserParameters {
    /// Whether the user is suspended at first.
    #[param(default = false, value_type = bool, required = false)]
    suspended: Option<bool>,
    /// Whether the user must choose a new password at first.
    #[param(default = false, value_type = bool, required = false)]
    force_password_reset: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct ClassicUserIdParameter {
    /// Whether `user` is a number of the platform's time before GUIDs. Nobody has one here: then the answer is 404.
    #[param(default = false, value_type = bool, required = false)]
    classic_user_id: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct ChangeConditions {
    /// Tags of which one must still be current, or else nothing is done and the answer is 412.
    #[param(rename = "If-Match", example = "*", value_type = String, required = false)]
    if_match: Option<String>,
    /// Tags of which none may be current, or else nothing is done and the answer is 412.
    #[param(rename = "If-None-Match", example = "W/\"0.0\"", value_type = String, required = false)]
    if_none_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct ReadConditions {
    /// Tags that the client has. If one of them is current, the answer is 304.
    #[param(rename = "If-None-Match", example = "W/\"1.0\"", value_type = String, required = false)]
    if_none_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AssetPath {
    /// The file's name.
    #[param(min_length = 1, example = "swagger-ui.css")]
    asset: String,
}

/// The schema has no maximum, because larger sizes are cut down.
fn page_size() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).default(Some(25.into())).build()
}
