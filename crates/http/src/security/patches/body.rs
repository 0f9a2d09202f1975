//! The body of a patch. Lists may be long, so of an element that is an id nothing but the id is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use guildhall_domain::directory::{MemberList, Patch, PatchedList, Place};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::element::{Element, element};
use super::switches::BulkReport;
use super::{Groups, Kind, Users};
use crate::body::object::{JsonObject, Repeated};
use crate::respond::problem::Problem;

/// A patch, and what its elements that are no ids were called.
pub(crate) struct PatchBody<K: Kind> {
    pub(crate) patch: Patch<K::Id>,
    pub(super) names: BTreeMap<Place, Box<str>>,
}

impl PatchBody<Users> {
    /// Parses a body with at most `most` elements in all lists together. The body is freed before the elements are used.
    pub(crate) fn read(body: Vec<u8>, most: usize) -> Result<Self, Problem> {
        read(body, most)
    }
}

impl PatchBody<Groups> {
    /// The same for groups.
    pub(crate) fn read(body: Vec<u8>, most: usize) -> Result<Self, Problem> {
        read(body, most)
    }
}

impl<K: Kind> PatchBody<K> {
    /// A patch that adds what the platform's bulk requests name, which is ids alone.
    pub(crate) fn adding(add: MemberList<K::Id>) -> Self {
        Self { patch: Patch::adding(add), names: BTreeMap::new() }
    }
}

/// The body of one of the platform's bulk requests.
pub(crate) enum Addition<K: Kind> {
    /// Without a report.
    Plain(BTreeSet<K::Id>),
    /// With this report.
    Reported(BulkReport, PatchBody<K>),
}

impl<K: Kind> Addition<K>
where
    MemberList<K::Id>: FromIterator<K::Identifier>,
{
    /// The addition of `ids`, with a report if one is wanted.
    pub(crate) fn new(report: Option<BulkReport>, ids: Vec<K::Id>) -> Self {
        match report {
            None => Self::Plain(ids.into_iter().collect()),
            Some(report) => Self::Reported(report, PatchBody::adding(ids.into_iter().map(K::identifier).collect())),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the body is larger than all its ids and must not outlive them")]
fn read<K: Kind>(body: Vec<u8>, most: usize) -> Result<PatchBody<K>, Problem>
where
    MemberList<K::Id>: Extend<K::Identifier>,
{
    let object = JsonObject::read(&body)?;
    let mut reader = ListReader::<K> { most, left: most, names: BTreeMap::new(), kind: PhantomData };
    let mut list = |list| reader.read(&object, list);
    let lists = (list(PatchedList::Add)?, list(PatchedList::Remove)?, list(PatchedList::Set)?);
    let patch = match lists {
        (None, None, Some(set)) => Patch::Set(set),
        (None, None, None) => return Err(Problem::bad_request("The body must have 'add', 'remove' or 'set'")),
        (add, remove, None) => Patch::Change { add: add.unwrap_or_default(), remove: remove.unwrap_or_default() },
        (_, _, Some(_)) => {
            return Err(Problem::bad_request("The body must not have 'set' beside 'add' or 'remove'"));
        }
    };
    Ok(PatchBody { patch, names: reader.names })
}

/// The name of a list in JSON.
pub(crate) fn list_name(list: PatchedList) -> &'static str {
    match list {
        PatchedList::Add => "add",
        PatchedList::Remove => "remove",
        PatchedList::Set => "set",
    }
}

struct ListReader<K> {
    most: usize,
    left: usize,
    names: BTreeMap<Place, Box<str>>,
    kind: PhantomData<K>,
}

impl<K: Kind> ListReader<K>
where
    MemberList<K::Id>: Extend<K::Identifier>,
{
    /// The list of this name; `None` if it is absent or `null`.
    fn read(&mut self, object: &JsonObject<'_>, list: PatchedList) -> Result<Option<MemberList<K::Id>>, Problem> {
        let name = list_name(list);
        let json = object
            .find(name)
            .map_err(|Repeated| Problem::bad_request(format!("The property '{name}' is given more than once")))?;
        let Some(json) = json.map(RawValue::get).filter(|json| *json != "null") else { return Ok(None) };
        let mut visitor = ListVisitor { reader: self, list, read: MemberList::default(), problem: None };
        let outcome = serde_json::Deserializer::from_str(json).deserialize_seq(&mut visitor);
        match (outcome, visitor.problem) {
            (_, Some(problem)) => Err(problem),
            (Ok(()), None) => Ok(Some(visitor.read)),
            // It is JSON, so it can only be of another kind.
            (Err(_), None) => Err(Problem::bad_request(format!("'{name}' must be an array"))),
        }
    }

    /// Adds an element to `read`.
    fn take(&mut self, json: &str, list: PatchedList, read: &mut MemberList<K::Id>) -> Result<(), Problem> {
        let index = read.len();
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Problem::too_large(format!("There are more than {} elements in the lists together", self.most))
        })?;
        let Element { text, dates } = element::<K>(json, list).map_err(|fault| {
            Problem::bad_request(format!("The element at index {index} of '{}' {fault}", list_name(list)))
        })?;
        let identifier = K::Identifier::from(&text);
        if !K::is_id(&identifier) {
            self.names.insert(Place { list, index }, text.into());
        }
        read.extend([identifier]);
        read.date_last(dates);
        Ok(())
    }
}

struct ListVisitor<'r, K: Kind> {
    reader: &'r mut ListReader<K>,
    list: PatchedList,
    read: MemberList<K::Id>,
    problem: Option<Problem>,
}

impl<'de, K: Kind> Visitor<'de> for &mut ListVisitor<'_, K>
where
    MemberList<K::Id>: Extend<K::Identifier>,
{
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if let Err(problem) = self.reader.take(element.get(), self.list, &mut self.read) {
                self.problem = Some(problem);
                return Err(A::Error::custom("the rest does not matter"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, MemberList, PatchBody, Users};

    const ID: &str = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";

    fn outcome(body: &str) -> Result<usize, String> {
        let count = |body: PatchBody<Users>| {
            use guildhall_domain::directory::PatchedList::{Add, Remove, Set};
            [Add, Remove, Set].into_iter().filter_map(|list| body.patch.list(list)).map(MemberList::len).sum()
        };
        PatchBody::<Users>::read(body.into(), 4).map(count).map_err(|problem| problem.to_string())
    }

    #[test]
    fn lists_of_identifiers_are_read() {
        for (body, expected) in [
            (r#"{"add":[]}"#.to_owned(), 0),
            (format!(r#"{{"ADD":["{ID}",{{"User":"a","other":[{{}}]}}],"remove":["b","\u0063"]}}"#), 4),
            (r#"{"set":["@current",{"user":"x"}],"add":null,"remove":null,"x":[1]}"#.to_owned(), 2),
            (r#"{"add":[{"user":"x","validUntil":"2027-01-01T00:00:00Z","VALIDFROM":null}]}"#.to_owned(), 1),
        ] {
            assert_eq!(outcome(&body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_list_and_its_index() {
        let neither = "must be a string or an object with 'user'";
        for (body, expected) in [
            ("{}", "The body must have 'add', 'remove' or 'set'".to_owned()),
            (r#"{"set":null}"#, "The body must have 'add', 'remove' or 'set'".to_owned()),
            (r#"{"set":[],"add":[]}"#, "The body must not have 'set' beside 'add' or 'remove'".to_owned()),
            (r#"{"set":[],"remove":[]}"#, "The body must not have 'set' beside 'add' or 'remove'".to_owned()),
            (r#"{"add":[],"Add":[]}"#, "The property 'add' is given more than once".to_owned()),
            (r#"{"add":"x"}"#, "'add' must be an array".to_owned()),
            (r#"{"remove":{}}"#, "'remove' must be an array".to_owned()),
            (r#"{"set":1}"#, "'set' must be an array".to_owned()),
            (r#"{"add":["a",1]}"#, format!("The element at index 1 of 'add' {neither}")),
            (r#"{"add":[null]}"#, format!("The element at index 0 of 'add' {neither}")),
            (r#"{"set":[[]]}"#, format!("The element at index 0 of 'set' {neither}")),
            (r#"{"remove":["a",{"user":"b"}]}"#, "The element at index 1 of 'remove' must be a string".to_owned()),
            (r#"{"add":[{}]}"#, "The element at index 0 of 'add' must have 'user', a string".to_owned()),
            (r#"{"add":[{"user":1}]}"#, "The element at index 0 of 'add' must have 'user', a string".to_owned()),
            (r#"{"add":[{"group":"x"}]}"#, "The element at index 0 of 'add' must have 'user', a string".to_owned()),
            (
                r#"{"add":["a",{"user":"x","USER":"x"}]}"#,
                "The element at index 1 of 'add' has 'user' more than once".to_owned(),
            ),
            (
                r#"{"set":["a",{"user":"x","validUntil":"2027-13-01"}]}"#,
                "The element at index 1 of 'set' has dates that cannot be read: 'validUntil' is a date or a time that there is not"
                    .to_owned(),
            ),
            (
                r#"{"add":[{"user":"x","VALIDFROM":null,"validFrom":null}]}"#,
                "The element at index 0 of 'add' has dates that cannot be read: 'validFrom' is given more than once".to_owned(),
            ),
            (
                r#"{"add":["a","b"],"remove":["c","d","e"]}"#,
                "There are more than 4 elements in the lists together".to_owned(),
            ),
        ] {
            assert_eq!(outcome(body), Err(expected), "{body}");
        }
        for body in [r#"{"add":["\ud800"]}"#, r#"{"add":[{"user":"\ud800"}]}"#] {
            assert!(outcome(body).is_err_and(|message| message.contains("index 0 of 'add' has half of")), "{body}");
        }
        let message = PatchBody::<Groups>::read(br#"{"add":[{"user":"x"}]}"#.to_vec(), 4).err();
        let message = message.map(|problem| problem.to_string());
        assert_eq!(message.as_deref(), Some("The element at index 0 of 'add' must have 'group', a string"));
    }
}
