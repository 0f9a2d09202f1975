//! In which order a request wants a listing (contract 4.1 and 8.3).

use guildhall_domain::search::{Field, Sort};

use super::comparison::Named;
use super::mistake::{MOST_SORTS, Mistake};
use super::piece::Piece;
use crate::extract::query::Query;
use crate::respond::problem::Problem;

/// What a parameter lists: fields separated by commas, those to be reversed with `-` before them.
pub(super) fn parameter<F: Field>(query: &Query, name: &str) -> Result<Vec<Sort<F>>, Problem> {
    listed(&query.value(name).unwrap_or_default())
        .map_err(|mistake| Problem::bad_request(format!("The parameter '{name}': {mistake}")))
}

/// The same, or JSON.
pub(super) fn by_parameter<F: Field>(query: &Query, name: &str) -> Result<Vec<Sort<F>>, Problem> {
    match query.value(name) {
        Some(text) if text.trim_start().starts_with(['[', '{', '"']) => by_piece(&Piece::parameter(name, &text)?),
        _ => parameter(query, name),
    }
}

/// What JSON says: a text as in a parameter, a field, `{"asc": field}`, `{"desc": field}`, or several of these.
pub(super) fn by_piece<F: Field>(piece: &Piece<'_>) -> Result<Vec<Sort<F>>, Problem> {
    if let Some(text) = piece.text() {
        return listed(&text).map_err(|mistake| piece.refused(mistake));
    }
    let mut order = Vec::new();
    for element in piece.elements().unwrap_or_else(|| vec![piece.clone()]) {
        let sort = by_element(&element)?;
        push(&mut order, sort).map_err(|mistake| element.refused(mistake))?;
    }
    Ok(order)
}

/// Sorts by a further field. One that is there already decides nothing any more.
pub(super) fn push<F: Field>(order: &mut Vec<Sort<F>>, further: Sort<F>) -> Result<(), Mistake> {
    if order.iter().any(|sort| sort.field == further.field) {
        return Ok(());
    }
    if order.len() == MOST_SORTS {
        return Err(Mistake::TooManySorts);
    }
    order.push(further);
    Ok(())
}

fn listed<F: Field>(text: &str) -> Result<Vec<Sort<F>>, Mistake> {
    let mut order = Vec::new();
    for item in text.split(',').filter(|item| !item.trim().is_empty()) {
        push(&mut order, signed(item)?)?;
    }
    Ok(order)
}

fn by_element<F: Field>(piece: &Piece<'_>) -> Result<Sort<F>, Problem> {
    if let Some(text) = piece.text() {
        return signed(&text).map_err(|mistake| piece.refused(mistake));
    }
    let mut directions = piece.properties().unwrap_or_default();
    directions.retain(|(name, _)| ["asc", "desc"].iter().any(|direction| name.eq_ignore_ascii_case(direction)));
    let [(direction, field)] = directions.as_slice() else {
        return Err(piece.refused("a field, or an object with either 'asc' or 'desc', should stand here"));
    };
    let name = field.required_text()?;
    let named = Named::find(&name).map_err(|mistake| field.refused(mistake))?;
    Ok(Sort { field: named.field, is_descending: direction.eq_ignore_ascii_case("desc") })
}

fn signed<F: Field>(item: &str) -> Result<Sort<F>, Mistake> {
    let text = item.trim();
    let name = text.strip_prefix(['-', '+']).unwrap_or(text).trim();
    Sort::read(text).ok_or_else(|| Mistake::Field(name.to_owned()))
}
