//! Parsing conditions in JSON (contract 8.3).

use guildhall_domain::search::{Field, Filter, Operator};
use guildhall_domain::time::Timestamp;
use guildhall_domain::validation::Truncated;
use guildhall_zenql::{Literal, Position, Value};

use super::comparison::NamedField;
use super::cost::Costs;
use super::json_node::JsonNode;
use super::search_error::SearchError;
use crate::respond::problem::Problem;

/// The deepest nesting of conditions.
const MAX_NESTING: usize = 50;

/// A property of a condition, other than `field` and `weight`.
#[derive(Clone, Copy)]
enum Keyword {
    And,
    Or,
    Not,
    DistanceWithin,
    /// A test of a field.
    Test(FieldTest),
}

#[derive(Clone, Copy)]
enum FieldTest {
    Compare(Operator),
    Between,
    In,
    Exists,
    FreeText,
}

const KEYWORDS: [(&str, Keyword); 16] = [
    ("and", Keyword::And),
    ("or", Keyword::Or),
    ("not", Keyword::Not),
    ("equalTo", Keyword::Test(FieldTest::Compare(Operator::Equal))),
    ("contains", Keyword::Test(FieldTest::Compare(Operator::Contains))),
    ("startsWith", Keyword::Test(FieldTest::Compare(Operator::StartsWith))),
    ("endsWith", Keyword::Test(FieldTest::Compare(Operator::EndsWith))),
    ("greaterThan", Keyword::Test(FieldTest::Compare(Operator::Greater))),
    ("greaterThanOrEqualTo", Keyword::Test(FieldTest::Compare(Operator::GreaterOrEqual))),
    ("lessThan", Keyword::Test(FieldTest::Compare(Operator::Less))),
    ("lessThanOrEqualTo", Keyword::Test(FieldTest::Compare(Operator::LessOrEqual))),
    ("between", Keyword::Test(FieldTest::Between)),
    ("in", Keyword::Test(FieldTest::In)),
    ("exists", Keyword::Test(FieldTest::Exists)),
    ("freeText", Keyword::Test(FieldTest::FreeText)),
    ("distanceWithin", Keyword::DistanceWithin),
];

/// Parses conditions.
#[derive(Clone, Copy)]
pub(super) struct ConditionReader<'a> {
    /// The time of the request, for relative dates.
    pub(super) now: Timestamp,
    /// The costs of the search so far.
    pub(super) costs: &'a Costs,
}

impl ConditionReader<'_> {
    /// The filter of one condition, or of an array of them.
    pub(super) fn conditions<F: Field>(self, node: &JsonNode<'_>) -> Result<Filter<F>, Problem> {
        Ok(Filter::All(self.several(node, 0)?))
    }

    fn several<F: Field>(self, node: &JsonNode<'_>, depth: usize) -> Result<Vec<Filter<F>>, Problem> {
        let conditions = node.elements().unwrap_or_else(|| vec![node.clone()]);
        conditions.iter().map(|condition| self.one(condition, depth)).collect()
    }

    /// One condition, nested in `depth` others.
    fn one<F: Field>(self, node: &JsonNode<'_>, depth: usize) -> Result<Filter<F>, Problem> {
        if depth > MAX_NESTING {
            return Err(node.error(format_args!("at most {MAX_NESTING} conditions may stand around another")));
        }
        let ConditionParts { field, word, operand } = ConditionParts::of(node)?;
        match (word, field) {
            (Keyword::Test(test), Some(field)) => {
                let filter = tested(&field, test, &operand, self.now)?;
                self.costs.admit(filter).map_err(|error| operand.error(error))
            }
            (Keyword::Test(_), None) => Err(node.error("the condition has no field")),
            (Keyword::DistanceWithin, _) => Err(operand.error("'distanceWithin' is not supported")),
            (_, Some(field)) => Err(field.error("a condition around others has no field")),
            (Keyword::And, None) => Ok(Filter::All(self.several(&operand, depth + 1)?)),
            (Keyword::Or, None) => Ok(Filter::Any(self.several(&operand, depth + 1)?)),
            (Keyword::Not, None) => match operand.elements().as_deref() {
                None => Ok(self.one::<F>(&operand, depth + 1)?.negated()),
                Some([only]) => Ok(self.one::<F>(only, depth + 1)?.negated()),
                Some(_) => Err(operand.error("one condition should stand here")),
            },
        }
    }
}

/// The parts of a condition.
struct ConditionParts<'a> {
    field: Option<JsonNode<'a>>,
    word: Keyword,
    operand: JsonNode<'a>,
}

impl<'a> ConditionParts<'a> {
    fn of(node: &JsonNode<'a>) -> Result<Self, Problem> {
        let properties = node.properties()?.ok_or_else(|| node.error("an object should stand here"))?;
        let (mut field, mut asked) = (None, None);
        for (name, value) in properties {
            if name.eq_ignore_ascii_case("field") {
                field = Some(value);
            } else if let Some((_, word)) = KEYWORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                if asked.is_some() {
                    return Err(value.error("the condition has an operator already"));
                }
                asked = Some((*word, value));
            } else if !name.eq_ignore_ascii_case("weight") {
                return Err(value.error(format_args!("there is no operator '{}'", Truncated(&name))));
            }
        }
        let (word, operand) = asked.ok_or_else(|| node.error("the condition has no operator"))?;
        Ok(Self { field, word, operand })
    }
}

fn tested<F: Field>(
    field: &JsonNode<'_>,
    test: FieldTest,
    operand: &JsonNode<'_>,
    now: Timestamp,
) -> Result<Filter<F>, Problem> {
    let name = field.required_text()?;
    if let ("*", FieldTest::FreeText) = (name.as_str(), test) {
        return free_text(operand, |term| Ok(Filter::with_words(term)));
    }
    let named = NamedField::find(&name).map_err(|error| field.error(error))?;
    let compared = |operator, value: &JsonNode<'_>| {
        let to_problem = |error: SearchError| if error.is_operator() { operand } else { value }.error(error);
        named.compared(operator, &value.required_value()?, now).map_err(to_problem)
    };
    match test {
        FieldTest::Compare(operator) => compared(operator, operand),
        FieldTest::In => {
            let values = operand.elements().ok_or_else(|| operand.error("an array should stand here"))?;
            Ok(Filter::Any(values.iter().map(|value| compared(Operator::Equal, value)).collect::<Result<_, _>>()?))
        }
        FieldTest::Between => match operand.elements().as_deref() {
            Some([least, most]) => {
                let bounds = [compared(Operator::GreaterOrEqual, least)?, compared(Operator::LessOrEqual, most)?];
                Ok(Filter::All(bounds.into()))
            }
            _ => Err(operand.error("an array of two values should stand here")),
        },
        FieldTest::Exists => {
            let with = Filter::with(named.field);
            Ok(if operand.required_boolean()? { with } else { with.negated() })
        }
        FieldTest::FreeText => free_text(operand, |term| {
            let words = Value { literal: Literal::Text(term.to_owned()), position: Position::default() };
            named.compared(Operator::FreeText, &words, now).map_err(|error| operand.error(error))
        }),
    }
}

/// The filter of `freeText`: a text, or an object with `term` and `operator`, which says whether all words must match or one.
/// `fuzzy` is ignored.
fn free_text<F: Field>(
    node: &JsonNode<'_>,
    all_words: impl Fn(&str) -> Result<Filter<F>, Problem>,
) -> Result<Filter<F>, Problem> {
    let Some(properties) = node.properties()? else { return all_words(&node.required_operand()?) };
    let (mut term, mut is_any) = (None, false);
    for (name, value) in properties {
        match name.to_ascii_lowercase().as_str() {
            "term" => term = Some(value.required_operand()?),
            "operator" => {
                is_any = match value.required_text()?.to_ascii_lowercase().as_str() {
                    "and" => false,
                    "or" => true,
                    _ => return Err(value.error("'and' or 'or' should stand here")),
                }
            }
            _ => {}
        }
    }
    let term = term.ok_or_else(|| node.error("there is no 'term'"))?;
    Ok(match all_words(&term)? {
        Filter::All(words) if is_any => Filter::Any(words),
        all => all,
    })
}
