//! The bodies of many checks: the schema and the parser of the request, and the answer.

use std::borrow::Cow;
use std::fmt;

use guildhall_domain::directory::{CheckedMembership, MembershipCheck};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::body::field_errors::{FieldErrors, Wanted};
use crate::body::object::{JsonObject, Repeated};
use crate::respond::problem::Problem;

/// The most checks in one request.
const MOST_CHECKS: usize = 10_000;
/// The message above the faults of a body.
const INVALID: &str = "There are validation errors in the checks";

/// What is asked. Other properties are ignored.
#[derive(ToSchema)]
#[schema(examples(json!({
    "checks": [
        { "user": "tdurden", "group": "Paper Street Soap Company" },
        { "user": "t.durden@fightclub.com", "group": "6254736c-70e1-43b0-b769-f8e0f6359862" },
        { "user": "75490b0f-56f7-4690-a20a-6f2a822f1d3f", "group": "Everyone" },
        { "user": "@current", "group": "System Administrators" },
    ],
})))]
#[expect(dead_code, reason = "it only describes what `read` reads")]
pub(crate) struct MembershipChecks {
    #[schema(min_items = 1, max_items = 10_000)]
    checks: Vec<MembershipCheckBody>,
}

/// Whether this user is in this group.
#[derive(ToSchema)]
#[schema(as = MembershipCheck)]
#[expect(dead_code, reason = "it only describes what `MembershipChecks::read` reads")]
struct MembershipCheckBody {
    /// An id, a username, an email address or `@current`.
    #[schema(examples("tdurden"))]
    user: String,
    /// An id or a name.
    #[schema(examples("Paper Street Soap Company"))]
    group: String,
}

/// The answer to each check, in their order.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum MembershipResults {
    Plain {
        /// Whether each user is in the group.
        #[schema(min_items = 1, max_items = 10_000)]
        results: Vec<bool>,
    },
    Detailed {
        /// Where `detail` is `true`.
        #[schema(min_items = 1, max_items = 10_000)]
        results: Vec<CheckedMembershipBody>,
    },
}

/// The answer to one check.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckedMembership)]
pub(crate) struct CheckedMembershipBody {
    /// Whether the user is in the group.
    member: bool,
    /// Whether there is such a user.
    user_found: bool,
    /// Whether there is such a group.
    group_found: bool,
}

impl From<CheckedMembership> for CheckedMembershipBody {
    fn from(CheckedMembership { member, user_found, group_found }: CheckedMembership) -> Self {
        Self { member, user_found, group_found }
    }
}

impl MembershipChecks {
    /// Parses a body. The body is freed before the checks are used.
    #[expect(clippy::needless_pass_by_value, reason = "the body is large and must not outlive its checks")]
    pub(crate) fn read(body: Vec<u8>) -> Result<Vec<MembershipCheck>, Problem> {
        let object = JsonObject::read(&body)?;
        let mut reader = ChecksReader::default();
        match object.find("checks") {
            Err(Repeated) => reader.errors.add("checks".to_owned(), Repeated::MESSAGE),
            Ok(json) => match json.map(RawValue::get).filter(|json| *json != "null") {
                None => reader.errors.add("checks".to_owned(), "The checks are required"),
                Some(json) => reader.read_list(json),
            },
        }
        if reader.count > MOST_CHECKS {
            return Err(Problem::too_large(format!("There are more than {MOST_CHECKS} checks")));
        }
        reader.errors.into_result(INVALID, reader.checks)
    }
}

/// Reads the checks one after the other, without keeping the text of any.
#[derive(Default)]
struct ChecksReader {
    count: usize,
    checks: Vec<MembershipCheck>,
    errors: FieldErrors,
}

impl ChecksReader {
    fn read_list(&mut self, json: &str) {
        let outcome = serde_json::Deserializer::from_str(json).deserialize_seq(&mut *self);
        match outcome {
            Ok(()) if self.count == 0 => self.errors.add("checks".to_owned(), "There must be at least one check"),
            // The text is JSON, so it can only be of another kind.
            Err(_) if self.count == 0 => self.errors.add("checks".to_owned(), Wanted::Objects.fault(json)),
            _ => {}
        }
    }

    /// One check. Faults name it by its index.
    fn read_check(&mut self, json: &str) {
        let Ok(fields) = serde_json::from_str::<CheckFields<'_>>(json) else {
            self.errors.add(format!("checks[{}]", self.count), Wanted::Object.fault(json));
            return;
        };
        let user = self.text("user", &fields.user, "The user is required");
        let group = self.text("group", &fields.group, "The group is required");
        if let (Some(user), Some(group)) = (user, group) {
            let (user, group) = (UserIdentifier::from(&*user), GroupIdentifier::from(&*group));
            self.checks.push(MembershipCheck { user, group });
        }
    }

    fn text<'a>(&mut self, name: &str, field: &Field<'a>, required: &str) -> Option<Cow<'a, str>> {
        let text = match field {
            Field::Absent => Err(required),
            Field::Repeated => Err(Repeated::MESSAGE),
            Field::Json(json) => match json.get() {
                "null" => Err(required),
                json => text(json).ok_or_else(|| Wanted::Text.fault(json)),
            },
        };
        text.map_err(|fault| self.errors.add(format!("checks[{}].{name}", self.count), fault)).ok()
    }
}

/// The string that this JSON is, if it is one.
fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Some(inner.into()),
        _ => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
    }
}

impl<'de> Visitor<'de> for &mut ChecksReader {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if self.count < MOST_CHECKS {
                self.read_check(element.get());
            }
            self.count += 1;
            if self.count > MOST_CHECKS {
                return Err(A::Error::custom("the rest does not matter"));
            }
        }
        Ok(())
    }
}

/// The properties of a check.
#[derive(Default)]
struct CheckFields<'a> {
    user: Field<'a>,
    group: Field<'a>,
}

#[derive(Default)]
enum Field<'a> {
    #[default]
    Absent,
    Json(&'a RawValue),
    Repeated,
}

impl<'a> Field<'a> {
    fn set(&mut self, json: &'a RawValue) {
        *self = if matches!(self, Self::Absent) { Self::Json(json) } else { Self::Repeated };
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CheckFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CheckFieldsVisitor)
    }
}

struct CheckFieldsVisitor;

impl<'de> Visitor<'de> for CheckFieldsVisitor {
    type Value = CheckFields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = CheckFields::default();
        while let Some(name) = map.next_key::<PropertyName>()? {
            match name {
                PropertyName::User => fields.user.set(map.next_value()?),
                PropertyName::Group => fields.group.set(map.next_value()?),
                PropertyName::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(fields)
    }
}

/// The name of a property, in any case.
enum PropertyName {
    User,
    Group,
    Other,
}

impl<'de> Deserialize<'de> for PropertyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PropertyNameVisitor)
    }
}

struct PropertyNameVisitor;

impl Visitor<'_> for PropertyNameVisitor {
    type Value = PropertyName;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<PropertyName, E> {
        Ok(match name {
            _ if name.eq_ignore_ascii_case("user") => PropertyName::User,
            _ if name.eq_ignore_ascii_case("group") => PropertyName::Group,
            _ => PropertyName::Other,
        })
    }
}
