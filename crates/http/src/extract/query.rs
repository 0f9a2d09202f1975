//! Query parameters (contract 1.2).

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use guildhall_domain::access::{On, Permission};
use guildhall_domain::context::Context;
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;

use crate::Api;
use crate::extract::caller::error_unless_permitted;
use crate::extract::form;
use crate::respond::cursor::{Binding, CURSOR};
use crate::respond::page::{self, PageRequest};
use crate::respond::problem::Problem;
use crate::work::Lane;

/// The query string of a request, not yet parsed, and the path before it.
pub(crate) struct Query {
    path: String,
    text: String,
}

/// The parameters that decide, with the path, what a listing holds and in which order.
const LISTING: [&str; 8] =
    ["q", "zenql", "where", "order", "orderBy", "includeInherited", "excludedGroups", "includeSelf"];

impl FromRequest for Query {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl Query {
    /// That of `request`.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        Self { path: request.path().to_owned(), text: request.query_string().to_owned() }
    }

    /// Whether there is a parameter of this name, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        form::pairs(self.text.as_bytes()).any(|(key, _)| key.is_some_and(|key| key.eq_ignore_ascii_case(name)))
    }

    /// The lane for a listing with these parameters.
    pub(crate) fn lane(&self) -> Lane {
        Lane::of_search(self.text.len())
    }

    /// The page that `pageIndex`, `cursor` and `pageSize` ask for (contract 3.2).
    pub(crate) fn page_request(&self) -> Result<PageRequest, Problem> {
        self.page_request_of(&LISTING)
    }

    /// The same for a listing of which these parameters decide what it holds and in which order.
    pub(crate) fn page_request_of(&self, deciding: &[&str]) -> Result<PageRequest, Problem> {
        Ok(PageRequest {
            place: "parameter",
            index: self.value(page::INDEX)?,
            size: self.value(page::SIZE)?,
            // An empty cursor asks for the first page.
            cursor: self.value_that(CURSOR, |value| !matches!(value, "undefined" | "null"))?,
            binding: self.binding(deciding)?,
        })
    }

    /// The page that the parameters ask for, and the request that shapes its body. What they do wrong is told to a caller with this permission; others get 403.
    pub(crate) fn page_if_permitted(
        &self,
        api: &Api,
        context: &Context,
        permission: Permission,
        on: On<'_>,
    ) -> Result<(Page, PageRequest), Problem> {
        let read = self.page_request().and_then(|request| Ok((request.page(api, context)?, request)));
        error_unless_permitted(&api.directory, context, permission, on, read)
    }

    /// What the cursors of this listing are bound to.
    fn binding(&self, deciding: &[&str]) -> Result<Binding, Problem> {
        let mut binding = self.path_binding();
        for name in deciding {
            if let Some(value) = self.value(name)? {
                binding = binding.with(name).with(&value);
            }
        }
        Ok(binding)
    }

    /// The binding to the path alone.
    pub(crate) fn path_binding(&self) -> Binding {
        Binding::to_path(&self.path)
    }

    /// A boolean parameter; `false` if absent.
    pub(crate) fn is_on(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name)?.map(|value| value.to_ascii_lowercase()).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(not_a_switch(name)),
        }
    }

    /// A boolean parameter that a client of the platform does not know; `false` if absent. So an empty one, which those clients send for
    /// what is absent, is refused like every other that cannot be read.
    pub(crate) fn switch(&self, name: &str) -> Result<bool, Problem> {
        match self.value(name)? {
            None if self.has(name) => Err(not_a_switch(name)),
            _ => self.is_on(name),
        }
    }

    /// The group that a parameter names which a client of the platform does not know. An empty one is refused, as by [`switch`](Self::switch).
    pub(crate) fn group(&self, name: &str) -> Result<Option<GroupIdentifier>, Problem> {
        match self.value(name)? {
            Some(value) => Ok(Some(GroupIdentifier::from(value.as_str()))),
            None if self.has(name) => {
                Err(Problem::bad_request(format!("The parameter '{name}' must be the id or the name of a group")))
            }
            None => Ok(None),
        }
    }

    /// The whole number from 1 to `most` in a parameter that a client of the platform does not know. An empty one is refused, as by
    /// [`switch`](Self::switch).
    pub(crate) fn count(&self, name: &str, most: usize) -> Result<Option<usize>, Problem> {
        let refused =
            || Problem::bad_request(format!("The parameter '{name}' must be a whole number from 1 to {most}"));
        match self.value(name)? {
            None if self.has(name) => Err(refused()),
            None => Ok(None),
            Some(digits) => {
                let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
                let count = digits.parse().ok().filter(|count| is_whole && (1..=most).contains(count));
                count.map(Some).ok_or_else(refused)
            }
        }
    }

    /// A parameter that changes what a request does, and that no client of the platform knows: it is refused when it is empty, unreadable or
    /// given twice, so that it is never taken for absent. `None`: absent.
    pub(crate) fn choice<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let refused = |fault: &str| Problem::bad_request(format!("The parameter '{name}' {fault}"));
        let is_named = |key: &Option<String>| key.as_ref().is_some_and(|key| key.eq_ignore_ascii_case(name));
        let mut given = form::pairs(self.text.as_bytes()).filter(|(key, _)| is_named(key));
        let Some((_, value)) = given.next() else { return Ok(None) };
        if given.next().is_some() {
            return Err(refused("is given more than once"));
        }
        let value = value.ok_or_else(|| refused("is not UTF-8"))?;
        read(&value.to_ascii_lowercase()).map(Some).ok_or_else(|| refused(&format!("must be {wanted}")))
    }

    /// Direct or effective membership, by `includeInherited`.
    pub(crate) fn reach(&self) -> Result<Reach, Problem> {
        Ok(if self.is_on("includeInherited")? { Reach::Effective } else { Reach::Direct })
    }

    /// The groups in `excludedGroups`, separated by commas (contract 5.2).
    pub(crate) fn excluded_groups(&self) -> Result<Vec<GroupIdentifier>, Problem> {
        let listed = self.value("excludedGroups")?.unwrap_or_default();
        Ok(listed.split(',').map(str::trim).filter(|name| !name.is_empty()).map(GroupIdentifier::from).collect())
    }

    /// The value of this name. Clients send an empty text, `undefined` or `null` for an absent one.
    pub(crate) fn value(&self, name: &str) -> Result<Option<String>, Problem> {
        self.value_that(name, |value| !matches!(value, "" | "undefined" | "null"))
    }

    /// The value of this name that counts as one. Of several that differ, readers take different ones, so they are refused.
    fn value_that(&self, name: &str, counts: impl Fn(&str) -> bool) -> Result<Option<String>, Problem> {
        let refused = |fault: &str| Problem::bad_request(format!("The parameter '{name}' {fault}"));
        let mut found: Option<String> = None;
        for (key, value) in form::pairs(self.text.as_bytes()) {
            if !key.is_some_and(|key| key.eq_ignore_ascii_case(name)) {
                continue;
            }
            let value = value.ok_or_else(|| refused("is not UTF-8"))?;
            if !counts(&value) {
                continue;
            }
            if found.as_ref().is_some_and(|found| *found != value) {
                return Err(refused("is given more than once"));
            }
            found = Some(value);
        }
        Ok(found)
    }
}

fn not_a_switch(name: &str) -> Problem {
    Problem::bad_request(format!("The parameter '{name}' must be true or false"))
}

#[cfg(test)]
mod tests {
    use super::Query;

    fn query(text: &str) -> Query {
        Query { path: "/users".to_owned(), text: text.to_owned() }
    }

    fn page(text: &str) -> Result<(u64, u64), String> {
        query(text).page_request().and_then(|request| request.numbers()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn pages_are_read_in_any_case_and_cut_down() {
        for (query, expected) in [
            ("", (0, 25)),
            ("pageIndex=2&pageSize=10", (2, 10)),
            ("PAGEINDEX=2&pagesize=10&defaultHeaders=%5Bobject%20Object%5D", (2, 10)),
            ("pageIndex=undefined&pageSize=null", (0, 25)),
            ("pageIndex=&pageSize", (0, 25)),
            ("pageIndex=%31&pageSize=1000", (1, 1000)),
            ("pageSize=1001", (0, 1000)),
            ("pageSize=99999999999999999999999", (0, 1000)),
            ("pageIndex=3&pageindex=3&pageIndex=&pageIndex=null", (3, 25)),
            ("%FF=%FF&&=&=x", (0, 25)),
        ] {
            assert_eq!(page(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_is_no_page_is_refused_by_name() {
        for query in ["pageIndex=-1", "pageIndex=x", "pageIndex=1.5", "pageIndex=2147483648", "pageIndex=+1"] {
            assert!(page(query).is_err_and(|message| message.contains("'pageIndex'")), "{query}");
        }
        for query in ["pageIndex=1&PAGEINDEX=3", "pageIndex=%FF"] {
            assert!(page(query).is_err_and(|message| message.contains("'pageIndex'")), "{query}");
        }
        for query in ["pageSize=0", "pageSize=-1", "pageSize=ten", "pageSize=1e2"] {
            assert!(page(query).is_err_and(|message| message.contains("'pageSize'")), "{query}");
        }
    }

    #[test]
    fn switches_are_words_or_digits() {
        for (text, expected) in
            [("", false), ("x=TRUE", true), ("X=1", true), ("x=False", false), ("x=0", false), ("x=undefined", false)]
        {
            assert_eq!(query(text).is_on("x").ok(), Some(expected), "{text}");
        }
        assert!(query("x=yes").is_on("x").is_err());
    }

    #[test]
    fn a_count_and_a_group_are_never_there_without_a_value() {
        for (text, expected) in
            [("", None), ("y=1", None), ("x=1", Some(1)), ("X=100&x=100", Some(100)), ("x=%31", Some(1))]
        {
            assert_eq!(query(text).count("x", 100).ok(), Some(expected), "{text}");
        }
        for text in
            ["x", "x=", "x=null", "x=undefined", "x=0", "x=101", "x=-1", "x=+1", "x=1.0", "x=ten", "x=1&x=2", "x=%FF"]
        {
            assert!(query(text).count("x", 100).is_err_and(|problem| problem.to_string().contains("'x'")), "{text}");
        }
        assert!(query("x=1").group("y").is_ok_and(|group| group.is_none()));
        assert!(query("X=Soap%20works").group("x").is_ok_and(|group| group == Some("soap WORKS".into())));
        for text in ["x", "x=", "x=null", "x=undefined", "x=a&x=b", "x=%FF"] {
            assert!(query(text).group("x").is_err_and(|problem| problem.to_string().contains("'x'")), "{text}");
        }
    }

    #[test]
    fn a_switch_is_never_there_without_a_value() {
        for (text, expected) in [("", false), ("y=&z", false), ("x=TRUE", true), ("X=1&x=1", true), ("x=0", false)] {
            assert_eq!(query(text).switch("x").ok(), Some(expected), "{text}");
        }
        for text in ["x", "x=", "X=undefined", "x=null", "x=yes", "x=true&x=false", "x=%FF"] {
            assert!(query(text).switch("x").is_err(), "{text}");
        }
    }
}
