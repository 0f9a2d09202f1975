//! Parses arbitrary bytes. A query must round-trip through printing, and every conversion of its values must not panic.
#![no_main]

use guildhall_zenql::{Expression, MAX_LENGTH, Moment, Test, Value, parse};
use libfuzzer_sys::fuzz_target;

/// 2024-02-29T12:34:56.789Z
const NOW: i64 = 1_709_210_096_789;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = Moment::parse(&text).map(|moment| moment.at(NOW));
    match parse(&text) {
        Ok(query) => {
            let printed = query.to_string();
            if printed.chars().count() <= MAX_LENGTH {
                assert_eq!(parse(&printed), Ok(query.clone()), "{text:?} printed as {printed:?}");
            }
            query.filter.iter().for_each(resolve);
        }
        Err(error) => {
            assert!(error.position <= text.chars().count());
            assert!(!error.to_string().is_empty());
        }
    }
});

fn resolve(expression: &Expression) {
    match expression {
        Expression::Or(all) | Expression::And(all) => all.iter().for_each(resolve),
        Expression::Not(inner) => resolve(inner),
        Expression::Anywhere { words, .. } => read(words),
        Expression::Clause(clause) => match &clause.test {
            Test::Equal(value)
            | Test::Greater(value)
            | Test::GreaterOrEqual(value)
            | Test::Less(value)
            | Test::LessOrEqual(value)
            | Test::Contains(value)
            | Test::StartsWith(value)
            | Test::EndsWith(value)
            | Test::FreeText { words: value, .. } => read(value),
            Test::In(values) => values.iter().for_each(read),
            Test::Between(least, most) => [least, most].into_iter().for_each(read),
            Test::Empty | Test::Exists => {}
        },
    }
}

fn read(value: &Value) {
    let _ = (value.as_boolean(), value.as_integer(), value.as_uuid(), value.moment(NOW), value.moment(i64::MAX));
}
