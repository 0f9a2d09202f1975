//! Comparisons of named fields with values, which are parsed according to the kind of the field.

use guildhall_domain::number::{Decimal, IntegerError};
use guildhall_domain::search::{Field, Filter, Kind, Operand, Operator, Unfit};
use guildhall_domain::time::Timestamp;
use guildhall_zenql::{Literal, MomentError, Value};

use super::search_error::SearchError;

/// A field, and its name in the request.
pub(super) struct NamedField<'a, F> {
    name: &'a str,
    pub(super) field: F,
}

impl<'a, F: Field> NamedField<'a, F> {
    pub(super) fn find(name: &'a str) -> Result<Self, SearchError> {
        F::named(name).map(|field| Self { name, field }).ok_or_else(|| SearchError::Field(name.to_owned()))
    }

    /// The filter that compares the field with `value`.
    pub(super) fn compared(&self, operator: Operator, value: &Value, now: Timestamp) -> Result<Filter<F>, SearchError> {
        let comparing = |operand| {
            Filter::comparing(self.field.clone(), operator, operand).map_err(|unfit| match unfit {
                Unfit::Operator => SearchError::Operator(self.name.to_owned(), self.field.kind()),
                Unfit::Operand => self.unfit(),
            })
        };
        match self.operand(value, now) {
            Ok(operand) => comparing(operand),
            // If neither the operator nor the value fits the field, the operator is reported.
            Err(error) => Err(comparing(Operand::Null).err().filter(SearchError::is_operator).unwrap_or(error)),
        }
    }

    fn operand(&self, value: &Value, now: Timestamp) -> Result<Operand, SearchError> {
        let operand = match (&value.literal, self.field.kind()) {
            (Literal::Null, _) => Some(Operand::Null),
            (_, Kind::Id) => value.as_uuid().map(Operand::Id),
            (_, Kind::Text) => value.text().map(|text| Operand::Text(text.to_owned())),
            (_, Kind::Integer) => match integer(value) {
                Some(Ok(integer)) => Some(Operand::Integer(integer)),
                None | Some(Err(IntegerError::Fraction)) => None,
                Some(Err(IntegerError::TooSmall | IntegerError::TooLarge)) => {
                    return Err(SearchError::TooLarge(self.name.to_owned()));
                }
            },
            (_, Kind::Boolean) => value.as_boolean().map(Operand::Boolean),
            (_, Kind::Moment) => match value.moment(now.milliseconds()) {
                Ok(milliseconds) => Some(Operand::Moment(Timestamp::from_milliseconds(milliseconds))),
                Err(MomentError::NotAMoment) => None,
                Err(MomentError::NoSuchMoment) => return Err(SearchError::NoSuchMoment),
                Err(MomentError::OutOfRange) => return Err(SearchError::OutOfRange),
            },
        };
        operand.ok_or_else(|| self.unfit())
    }

    fn unfit(&self) -> SearchError {
        SearchError::Value(self.name.to_owned(), self.field.kind())
    }
}

/// A whole number in any notation, such as `180`, `+180` or `180.0`; `None` if it is no number.
fn integer(value: &Value) -> Option<Result<i64, IntegerError>> {
    let number = || Some(Decimal::parse(value.text()?)?.integer());
    value.as_integer().map(Ok).or_else(number)
}
