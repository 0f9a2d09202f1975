//! Reading a JSON array of UUIDs without keeping their text, because there may be many (contract 10 rows 1 to 7).

use std::borrow::Cow;
use std::fmt;

use guildhall_domain::identifier::parse_guid;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::de::StrRead;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::body::json_text::{is_not, utf8};
use crate::respond::problem::Problem;

/// Reads at most `most` ids, in their order and with duplicates. The body is freed before the ids are used.
#[expect(clippy::needless_pass_by_value, reason = "the body is larger than all its ids and must not outlive them")]
pub(crate) fn read_uuid_list(body: Vec<u8>, most: usize) -> Result<Vec<Uuid>, Problem> {
    let mut visitor = UuidListVisitor { most, read: Vec::new(), error: None };
    let text = utf8(&body)?;
    let mut deserializer = serde_json::Deserializer::new(StrRead::new(text));
    let outcome = deserializer.deserialize_seq(&mut visitor).and_then(|()| deserializer.end());
    match (outcome, visitor.error) {
        (_, Some(error)) => Err(error),
        (Ok(()), None) => Ok(visitor.read),
        (Err(error), None) => Err(is_not("array of UUIDs", text, &error)),
    }
}

struct UuidListVisitor {
    most: usize,
    read: Vec<Uuid>,
    error: Option<Problem>,
}

impl<'de> Visitor<'de> for &mut UuidListVisitor {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of UUIDs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            let index = self.read.len();
            if index == self.most {
                self.error = Some(Problem::too_large(format!("There are more than {index} ids")));
            } else if let Some(id) = parse_element(element.get()) {
                self.read.push(id);
            } else {
                self.error = Some(Problem::bad_request(format!("The element at index {index} is not a UUID")));
            }
            if self.error.is_some() {
                return Err(A::Error::custom("the rest does not matter"));
            }
        }
        Ok(())
    }
}

/// The UUID of an element, if it is one.
fn parse_element(element: &str) -> Option<Uuid> {
    let text: Cow<'_, str> = match element.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => inner.into(),
        _ => serde_json::from_str::<String>(element).ok()?.into(),
    };
    parse_guid(&text)
}

#[cfg(test)]
mod tests {
    use super::read_uuid_list;

    const ID: &str = "75490b0f-56f7-4690-a20a-6f2a822f1d3f";

    fn outcome(body: &str) -> Result<usize, String> {
        read_uuid_list(body.into(), 3).map(|ids| ids.len()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn arrays_of_ids_are_read() {
        assert_eq!(outcome("[]"), Ok(0));
        assert_eq!(outcome(&format!(" [\"{ID}\", \"{{{ID}}}\",\n\"{}\"] ", ID.replace('-', ""))), Ok(3));
        assert_eq!(outcome("[\"75490b0f-56f7-4690-a20a-6f2a822f1d3\\u0066\"]"), Ok(1));
    }

    #[test]
    fn the_first_element_that_is_no_id_is_named() {
        for element in
            ["1", "-1", "1.5", "1e999", "null", "true", "\"tdurden\"", "\"\"", "[]", "[[[1]]]", "{}", "{\"a\":[{}]}"]
        {
            let body = format!("[\"{ID}\", {element}, 5]");
            assert_eq!(outcome(&body), Err("The element at index 1 is not a UUID".to_owned()), "{body}");
        }
    }

    #[test]
    fn what_is_no_array_is_refused_with_a_position() {
        for (body, reason) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("{}", "it is an object"),
            ("\"x\"", "it is a string"),
            ("null", "it is null"),
            ("true", "it is true or false"),
            ("-1", "it is a number"),
        ] {
            let message = format!("The body is not a JSON array of UUIDs: {reason}");
            assert_eq!(outcome(body), Err(message), "{body}");
        }
        for body in ["[", "[\"", "[,]", "[] []", "[\"\u{1}\"]", "[}"] {
            let message = outcome(body).err().unwrap_or_default();
            assert!(message.starts_with("The body is not a JSON array of UUIDs: "), "{body}: {message}");
            assert!(message.contains(" at line "), "{body}: {message}");
        }
        assert!(outcome(&"[".repeat(1_000_000)).is_err());
        assert_eq!(
            read_uuid_list(b"[\"\xff\"]".to_vec(), 3).map_err(|problem| problem.to_string()),
            Err("The body is not UTF-8 after 2 bytes".to_owned())
        );
    }

    #[test]
    fn more_ids_than_allowed_are_refused() {
        assert_eq!(
            outcome(&format!("[\"{ID}\",\"{ID}\",\"{ID}\",\"{ID}\"]")),
            Err("There are more than 3 ids".to_owned())
        );
    }
}
