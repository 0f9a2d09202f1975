//! Conditions written as JSON (contract 8.3).

use guildhall_domain::search::{Field, Filter, Operator};
use guildhall_domain::time::Timestamp;
use guildhall_zenql::{Literal, Position, Value};

use super::comparison::Named;
use super::cost::Costs;
use super::mistake::{Mistake, Shortened};
use super::piece::Piece;
use crate::respond::problem::Problem;

/// How many conditions may stand inside one another.
const MOST_NESTED: usize = 50;

/// What a condition asks, besides `field` and `weight`.
#[derive(Clone, Copy)]
enum Word {
    And,
    Or,
    Not,
    DistanceWithin,
    /// Something of a field.
    Ask(Test),
}

#[derive(Clone, Copy)]
enum Test {
    Compare(Operator),
    Between,
    In,
    Exists,
    FreeText,
}

const WORDS: [(&str, Word); 16] = [
    ("and", Word::And),
    ("or", Word::Or),
    ("not", Word::Not),
    ("equalTo", Word::Ask(Test::Compare(Operator::Equal))),
    ("contains", Word::Ask(Test::Compare(Operator::Contains))),
    ("startsWith", Word::Ask(Test::Compare(Operator::StartsWith))),
    ("endsWith", Word::Ask(Test::Compare(Operator::EndsWith))),
    ("greaterThan", Word::Ask(Test::Compare(Operator::Greater))),
    ("greaterThanOrEqualTo", Word::Ask(Test::Compare(Operator::GreaterOrEqual))),
    ("lessThan", Word::Ask(Test::Compare(Operator::Less))),
    ("lessThanOrEqualTo", Word::Ask(Test::Compare(Operator::LessOrEqual))),
    ("between", Word::Ask(Test::Between)),
    ("in", Word::Ask(Test::In)),
    ("exists", Word::Ask(Test::Exists)),
    ("freeText", Word::Ask(Test::FreeText)),
    ("distanceWithin", Word::DistanceWithin),
];

/// How conditions are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The moment of asking.
    pub(super) now: Timestamp,
    /// What the search costs so far.
    pub(super) costs: &'a Costs,
}

impl Reading<'_> {
    /// Those that pass the condition that `piece` is, or all that are in it.
    pub(super) fn conditions<F: Field>(self, piece: &Piece<'_>) -> Result<Filter<F>, Problem> {
        Ok(Filter::All(self.several(piece, 0)?))
    }

    fn several<F: Field>(self, piece: &Piece<'_>, depth: usize) -> Result<Vec<Filter<F>>, Problem> {
        let conditions = piece.elements().unwrap_or_else(|| vec![piece.clone()]);
        conditions.iter().map(|condition| self.one(condition, depth)).collect()
    }

    /// A condition inside `depth` others.
    fn one<F: Field>(self, piece: &Piece<'_>, depth: usize) -> Result<Filter<F>, Problem> {
        if depth > MOST_NESTED {
            return Err(piece.refused(format_args!("at most {MOST_NESTED} conditions may stand around another")));
        }
        let Parts { field, word, operand } = Parts::of(piece)?;
        match (word, field) {
            (Word::Ask(test), Some(field)) => {
                let filter = tested(&field, test, &operand, self.now)?;
                self.costs.admit(filter).map_err(|mistake| operand.refused(mistake))
            }
            (Word::Ask(_), None) => Err(piece.refused("the condition has no field")),
            (Word::DistanceWithin, _) => Err(operand.refused("'distanceWithin' is not supported")),
            (_, Some(field)) => Err(field.refused("a condition around others has no field")),
            (Word::And, None) => Ok(Filter::All(self.several(&operand, depth + 1)?)),
            (Word::Or, None) => Ok(Filter::Any(self.several(&operand, depth + 1)?)),
            (Word::Not, None) => match operand.elements().as_deref() {
                None => Ok(self.one::<F>(&operand, depth + 1)?.negated()),
                Some([only]) => Ok(self.one::<F>(only, depth + 1)?.negated()),
                Some(_) => Err(operand.refused("one condition should stand here")),
            },
        }
    }
}

/// What a condition is made of.
struct Parts<'a> {
    field: Option<Piece<'a>>,
    word: Word,
    operand: Piece<'a>,
}

impl<'a> Parts<'a> {
    fn of(piece: &Piece<'a>) -> Result<Self, Problem> {
        let properties = piece.properties().ok_or_else(|| piece.refused("an object should stand here"))?;
        let (mut field, mut asked) = (None, None);
        for (name, value) in properties {
            if name.eq_ignore_ascii_case("field") {
                field = Some(value);
            } else if let Some((_, word)) = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                if asked.is_some() {
                    return Err(value.refused("the condition has an operator already"));
                }
                asked = Some((*word, value));
            } else if !name.eq_ignore_ascii_case("weight") {
                return Err(value.refused(format_args!("there is no operator '{}'", Shortened(&name))));
            }
        }
        let (word, operand) = asked.ok_or_else(|| piece.refused("the condition has no operator"))?;
        Ok(Self { field, word, operand })
    }
}

fn tested<F: Field>(field: &Piece<'_>, test: Test, operand: &Piece<'_>, now: Timestamp) -> Result<Filter<F>, Problem> {
    let name = field.required_text()?;
    if let ("*", Test::FreeText) = (name.as_str(), test) {
        return free_text(operand, |term| Ok(Filter::with_words(term)));
    }
    let named = Named::find(&name).map_err(|mistake| field.refused(mistake))?;
    let compared = |operator, value: &Piece<'_>| {
        let refused = |mistake: Mistake| if mistake.is_operator() { operand } else { value }.refused(mistake);
        named.compared(operator, &value.required_value()?, now).map_err(refused)
    };
    match test {
        Test::Compare(operator) => compared(operator, operand),
        Test::In => {
            let values = operand.elements().ok_or_else(|| operand.refused("an array should stand here"))?;
            Ok(Filter::Any(values.iter().map(|value| compared(Operator::Equal, value)).collect::<Result<_, _>>()?))
        }
        Test::Between => match operand.elements().as_deref() {
            Some([least, most]) => {
                let bounds = [compared(Operator::GreaterOrEqual, least)?, compared(Operator::LessOrEqual, most)?];
                Ok(Filter::All(bounds.into()))
            }
            _ => Err(operand.refused("an array of two values should stand here")),
        },
        Test::Exists => {
            let with = Filter::with(named.field);
            Ok(if operand.required_boolean()? { with } else { with.negated() })
        }
        Test::FreeText => free_text(operand, |term| {
            let words = Value { literal: Literal::Text(term.to_owned()), position: Position::default() };
            named.compared(Operator::FreeText, &words, now).map_err(|mistake| operand.refused(mistake))
        }),
    }
}

/// Those that hold the words of a text, or of an object with a text in `term`: all of them, or one of them if its
/// `operator` is `or`. How exactly words are compared (`fuzzy`) cannot be chosen.
fn free_text<F: Field>(
    piece: &Piece<'_>,
    all_words: impl Fn(&str) -> Result<Filter<F>, Problem>,
) -> Result<Filter<F>, Problem> {
    let Some(properties) = piece.properties() else { return all_words(&piece.required_operand()?) };
    let (mut term, mut is_any) = (None, false);
    for (name, value) in properties {
        match name.to_ascii_lowercase().as_str() {
            "term" => term = Some(value.required_operand()?),
            "operator" => {
                is_any = match value.required_text()?.to_ascii_lowercase().as_str() {
                    "and" => false,
                    "or" => true,
                    _ => return Err(value.refused("'and' or 'or' should stand here")),
                }
            }
            _ => {}
        }
    }
    let term = term.ok_or_else(|| piece.refused("there is no 'term'"))?;
    Ok(match all_words(&term)? {
        Filter::All(words) if is_any => Filter::Any(words),
        all => all,
    })
}
