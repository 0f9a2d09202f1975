//! Types of settings.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Error, Expected, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// What is shown in the place of a secret.
pub(crate) const MASK: &str = "********";

/// A secret, which is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// The log level, or directives of `tracing_subscriber`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Level(String);

impl Level {
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl TryFrom<String> for Level {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // A directive without a level is a target: "inof" would log everything of a crate of that name, and nothing else.
        let is_known = |directive: &str| directive.contains('=') || directive.trim().parse::<LevelFilter>().is_ok();
        if text.split(',').all(is_known) && EnvFilter::try_new(&text).is_ok() {
            return Ok(Self(text));
        }
        Err("expected error, warn, info, debug, trace or off, or directives such as info,guildhall_http=debug")
    }
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text.
    Text,
    /// JSON.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected auto, text or json"),
        }
    }
}

/// The permissions of a file, in octal digits as `chmod` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileMode(pub(crate) u32);

impl<'de> Deserialize<'de> for FileMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Octal)
    }
}

impl Serialize for FileMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:o}", self.0))
    }
}

/// A number without quotes would be read as a decimal one, or in TOML as whatever its prefix says.
struct Octal;

impl Visitor<'_> for Octal {
    type Value = FileMode;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("octal digits in quotes, such as \"660\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FileMode, E> {
        let is_octal = !text.is_empty() && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777);
        mode.map(FileMode).ok_or_else(|| E::custom(format_args!("expected {}", &self as &dyn Expected)))
    }
}

/// Serializes values as the texts by which they are set.
pub(super) fn as_texts<T: fmt::Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}

/// A whole number, as number or as text: the environment has only text. The `config` crate by itself would also take `yes` for 1
/// and 8080.4 for 8080.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    deserializer.deserialize_any(Whole(PhantomData))
}

/// As [`whole`], where the key may be absent.
pub(super) fn optional_whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    whole(deserializer).map(Some)
}

/// Several texts: an array, or one text with commas between, for the environment.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(List)
}

/// Networks, as [`list`] reads texts: an address with the length of its prefix, or an address alone.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| address()).map_err(|_| {
            D::Error::custom(format_args!("'{text}' is neither an address nor a network such as 10.0.0.0/8"))
        })
    };
    list(deserializer)?.into_iter().map(network).collect()
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of texts, or a text with commas between them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<String>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(list)
    }
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = u64::MAX >> (64 - 8 * size_of::<T>().min(8));
        write!(formatter, "a whole number from 0 to {largest}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| self.refused())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        u64::try_from(number).map_err(|_| self.refused()).and_then(|number| self.visit_u64(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.trim().parse().map_err(|_| self.refused()).and_then(|number| self.visit_u64(number))
    }
}

impl<T: TryFrom<u64>> Whole<T> {
    /// The message does not repeat the value, which may be a misplaced secret.
    fn refused<E: Error>(&self) -> E {
        E::custom(format_args!("expected {}", self as &dyn Expected))
    }
}
