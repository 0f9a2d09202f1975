//! Parsing the order of a listing (contract 4.1 and 8.3).

use guildhall_domain::search::{Field, Sort};

use super::comparison::NamedField;
use super::json_node::JsonNode;
use super::search_error::{MAX_SORTS, SearchError};
use crate::extract::query::Query;
use crate::respond::problem::Problem;

/// Parses a query parameter: fields separated by commas, with `-` for descending order.
pub(super) fn parameter<F: Field>(query: &Query, name: &str) -> Result<Vec<Sort<F>>, Problem> {
    listed(&query.value(name)?.unwrap_or_default())
        .map_err(|error| Problem::bad_request(format!("The parameter '{name}': {error}")))
}

/// Parses a query parameter that may be JSON.
pub(super) fn by_parameter_or_json<F: Field>(query: &Query, name: &str) -> Result<Vec<Sort<F>>, Problem> {
    match query.value(name)? {
        Some(text) if text.trim_start().starts_with(['[', '{', '"']) => by_json(&JsonNode::parameter(name, &text)?),
        _ => parameter(query, name),
    }
}

/// Parses JSON: a text as in a parameter, a field, `{"asc": field}`, `{"desc": field}`, or an array of these.
pub(super) fn by_json<F: Field>(node: &JsonNode<'_>) -> Result<Vec<Sort<F>>, Problem> {
    if let Some(text) = node.text()? {
        return listed(&text).map_err(|error| node.error(error));
    }
    let mut order = Vec::new();
    for element in node.elements().unwrap_or_else(|| vec![node.clone()]) {
        let sort = by_element(&element)?;
        push(&mut order, sort).map_err(|error| element.error(error))?;
    }
    Ok(order)
}

/// Adds a sort field. A repeated field is ignored, because it cannot change the order.
pub(super) fn push<F: Field>(order: &mut Vec<Sort<F>>, further: Sort<F>) -> Result<(), SearchError> {
    if order.iter().any(|sort| sort.field == further.field) {
        return Ok(());
    }
    if order.len() == MAX_SORTS {
        return Err(SearchError::TooManySorts);
    }
    order.push(further);
    Ok(())
}

fn listed<F: Field>(text: &str) -> Result<Vec<Sort<F>>, SearchError> {
    let mut order = Vec::new();
    for item in text.split(',').filter(|item| !item.trim().is_empty()) {
        push(&mut order, signed(item)?)?;
    }
    Ok(order)
}

fn by_element<F: Field>(node: &JsonNode<'_>) -> Result<Sort<F>, Problem> {
    if let Some(text) = node.text()? {
        return signed(&text).map_err(|error| node.error(error));
    }
    let mut directions = node.properties()?.unwrap_or_default();
    directions.retain(|(name, _)| ["asc", "desc"].iter().any(|direction| name.eq_ignore_ascii_case(direction)));
    let [(direction, field)] = directions.as_slice() else {
        return Err(node.error("a field, or an object with either 'asc' or 'desc', should stand here"));
    };
    let name = field.required_text()?;
    let named = NamedField::find(&name).map_err(|error| field.error(error))?;
    Ok(Sort { field: named.field, is_descending: direction.eq_ignore_ascii_case("desc") })
}

fn signed<F: Field>(item: &str) -> Result<Sort<F>, SearchError> {
    let text = item.trim();
    let name = text.strip_prefix(['-', '+']).unwrap_or(text).trim();
    Sort::read(text).ok_or_else(|| SearchError::Field(name.to_owned()))
}
