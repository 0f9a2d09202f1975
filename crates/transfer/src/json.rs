//! Reads a JSON file element by element, so that memory does not grow with the file.

mod limited;

use std::fmt;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::ops::ControlFlow;
use std::path::Path;

use guildhall_domain::validation::{InvalidField, Truncated};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use self::limited::Limited;
use crate::source::SourceError;

/// What an object has under its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Names of lists, whose elements are given one by one.
    pub(crate) lists: &'a [&'a str],
    /// Names of values that are given as a whole.
    pub(crate) values: &'a [&'a str],
}

/// A part of the object that is the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// The name under which it, or the list that it is in, stands.
    pub(crate) name: &'a str,
    /// Its number in that list, counted from 1.
    pub(crate) number: u64,
    /// Its JSON.
    pub(crate) text: &'a str,
}

type Each<'a> = &'a mut dyn FnMut(Element<'_>) -> ControlFlow<()>;

/// Gives what is wanted of the object that the file is, or that is the only element of the list that it is, until `each` breaks.
pub(crate) fn elements(path: &Path, wanted: Wanted<'_>, each: Each<'_>) -> Result<(), SourceError> {
    let failed = |source| SourceError::File { path: path.to_owned(), source };
    let mut input = Limited::new(File::open(path).map_err(failed)?);
    let mut given = Given { wanted, each, is_over: false };
    let result = read(BufReader::with_capacity(64 * 1024, &mut input), &mut given);
    let Err(error) = result else { return Ok(()) };
    if given.is_over {
        return Ok(());
    }
    let (line, message) = match error.io_error_kind() {
        None => (u64::try_from(error.line()).unwrap_or(u64::MAX), syntax(&error)),
        Some(ErrorKind::InvalidData) => (input.line(), std::io::Error::from(error).to_string()),
        Some(_) => return Err(failed(error.into())),
    };
    Err(SourceError::Format { path: path.to_owned(), line, message })
}

fn read(input: BufReader<&mut Limited<File>>, given: &mut Given<'_>) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    Top(given).deserialize(&mut deserializer)?;
    deserializer.end()
}

/// What is wrong with a file. The error itself may tell a value, and a value may be a secret.
fn syntax(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if error.is_data() && !text.starts_with(SEVERAL) {
        return "this is not the JSON that is expected here".to_owned();
    }
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

const SEVERAL: &str = "the file has a list of several objects, where one is expected";

struct Given<'a> {
    wanted: Wanted<'a>,
    each: Each<'a>,
    /// Whether nothing more is wanted. Reading ends with an error then.
    is_over: bool,
}

impl Given<'_> {
    fn give<E: Error>(&mut self, name: &str, number: u64, value: &RawValue) -> Result<(), E> {
        if (self.each)(Element { name, number, text: value.get() }).is_break() {
            self.is_over = true;
            return Err(E::custom("nothing more is wanted"));
        }
        Ok(())
    }
}

/// The whole file.
struct Top<'g, 'a>(&'g mut Given<'a>);

impl<'de> DeserializeSeed<'de> for Top<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let wanted = self.0.wanted;
            if wanted.lists.contains(&name.as_str()) {
                map.next_value_seed(List { name: &name, given: &mut *self.0 })?;
            } else if wanted.values.contains(&name.as_str()) {
                let value = map.next_value::<Box<RawValue>>()?;
                self.0.give(&name, 1, &value)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        list.next_element_seed(Top(&mut *self.0))?;
        match list.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom(SEVERAL)),
            None => Ok(()),
        }
    }
}

/// A list that is wanted; `null` is an empty one.
struct List<'g, 'a> {
    name: &'g str,
    given: &'g mut Given<'a>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(value) = list.next_element::<Box<RawValue>>()? {
            number += 1;
            self.given.give(self.name, number, &value)?;
        }
        Ok(())
    }
}

/// Reads an element. An error names where in the element it is, but not the value that is there, which may be a secret.
pub(crate) fn parse<'de, T: Deserialize<'de>>(name: &str, text: &'de str) -> Result<T, Vec<InvalidField>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { name.to_owned() } else { format!("{name}.{}", Truncated(&path)) };
        vec![InvalidField::new(field, "This is not the JSON that is expected here")]
    })
}
