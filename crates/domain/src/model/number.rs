//! Numbers in decimal notation, as JSON writes them (RFC 8259, section 6).

use std::num::FpCategory;

/// The value of a number in decimal notation. Two notations of one value, such as `180` and `1.80e2`, are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// The digits without zeros around them; none for zero.
    digits: String,
    /// The value is `0.digits` times ten to the power of this.
    exponent: i64,
}

/// Why a number is no integer of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntegerError {
    /// It has a fraction.
    #[error("not a whole number")]
    Fraction,
    /// It is less than `i64::MIN`.
    #[error("less than {}", i64::MIN)]
    TooSmall,
    /// It is more than `i64::MAX`.
    #[error("more than {}", i64::MAX)]
    TooLarge,
}

/// The most digits that the exact value of a double has.
const MOST_DIGITS_OF_A_DOUBLE: usize = 767;
/// More digits before the point than any integer of 64 bits has.
const TOO_MANY_DIGITS: i64 = 21;

impl Decimal {
    /// Reads a number in JSON's notation; `None` if `text` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let written = format!("{whole}{fraction}");
        let significant = written.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        let point = length(whole).saturating_sub(length(&written).saturating_sub(length(significant)));
        Some(Self {
            is_negative: unsigned.len() < text.len(),
            digits: significant.trim_end_matches('0').to_owned(),
            exponent: exponent.saturating_add(point),
        })
    }

    /// Its value as an integer.
    pub fn integer(&self) -> Result<i64, IntegerError> {
        let too_large = if self.is_negative { IntegerError::TooSmall } else { IntegerError::TooLarge };
        i64::try_from(self.whole().ok_or(IntegerError::Fraction)?).map_err(|_| too_large)
    }

    /// Whether a common reader keeps its value: it is an integer of 64 bits, signed or not, or a double which, written with as many
    /// digits, is the same number. So `1e999` is not kept, nor is an integer of thirty digits.
    #[must_use]
    pub fn is_portable(&self) -> bool {
        let is_integer = self.whole().is_some_and(|whole| i64::try_from(whole).is_ok() || u64::try_from(whole).is_ok());
        is_integer || self.is_kept_by_a_double()
    }

    /// Its value, if it is whole; a value beyond all integers of 64 bits stands for any that is.
    fn whole(&self) -> Option<i128> {
        let fraction = length(&self.digits).saturating_sub(self.exponent);
        if fraction > 0 && !self.digits.is_empty() {
            return None;
        }
        let zeros = if self.digits.is_empty() { 0 } else { self.exponent - length(&self.digits) };
        let magnitude = if self.exponent > TOO_MANY_DIGITS {
            i128::MAX
        } else {
            format!("0{}{}", self.digits, "0".repeat(usize::try_from(zeros).unwrap_or_default())).parse().ok()?
        };
        Some(if self.is_negative { -magnitude } else { magnitude })
    }

    fn is_kept_by_a_double(&self) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        let Ok(double) = format!("0.{}e{}", self.digits, self.exponent).parse::<f64>() else { return false };
        matches!(double.classify(), FpCategory::Normal | FpCategory::Subnormal)
            && self.digits.len() <= MOST_DIGITS_OF_A_DOUBLE
            && Self::parse(&format!("{double:.*e}", self.digits.len() - 1))
                .is_some_and(|read| (&read.digits, read.exponent) == (&self.digits, self.exponent))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent; one of too many digits is brought into the range.
fn parse_exponent(text: &str) -> Option<i64> {
    const FURTHEST: i64 = i64::MAX / 4;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let amount = is_digits(digits).then(|| digits.parse().unwrap_or(FURTHEST).min(FURTHEST))?;
    Some(if text.starts_with('-') { -amount } else { amount })
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Decimal, IntegerError};

    #[test]
    fn only_the_notation_of_json_is_read() {
        for text in ["0", "-0", "0.0", "0e5", "10", "-1.50E+2", "1e-7", "1e99999999999999999999"] {
            assert!(Decimal::parse(text).is_some(), "{text}");
        }
        for text in [
            "", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "1.e2", "0x1", "1_000", "NaN", "Infinity", " 1", "1 ",
            "1e1.0", "\u{663}",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn notations_of_one_value_are_equal() {
        for (one, other) in
            [("180", "180.0"), ("180", "1.8e2"), ("180", "18000E-2"), ("0", "-0.0e-999"), ("0.5", "5e-1")]
        {
            assert_eq!(Decimal::parse(one), Decimal::parse(other), "{one} {other}");
        }
        assert_ne!(Decimal::parse("1"), Decimal::parse("-1"));
        assert_ne!(Decimal::parse("1"), Decimal::parse("10"));
    }

    #[test]
    fn whole_numbers_are_integers_in_any_notation() {
        let integer = |text: &str| Decimal::parse(text).map(|number| number.integer());
        for (text, expected) in [
            ("0", Ok(0)),
            ("-0.0", Ok(0)),
            ("0e999", Ok(0)),
            ("180.0", Ok(180)),
            ("1.8e2", Ok(180)),
            ("-2500e-2", Ok(-25)),
            ("9223372036854775807.0", Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775808", Err(IntegerError::TooLarge)),
            ("-9223372036854775809", Err(IntegerError::TooSmall)),
            ("1e999", Err(IntegerError::TooLarge)),
            ("-1e99999999999999999999", Err(IntegerError::TooSmall)),
            ("1.5", Err(IntegerError::Fraction)),
            ("1e-99999999999999999999", Err(IntegerError::Fraction)),
            ("0.999999999999999999999999", Err(IntegerError::Fraction)),
        ] {
            assert_eq!(integer(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn numbers_that_integers_and_doubles_hold_are_portable() {
        let exact = format!("{:.60}", 0.1);
        let power = format!("{:.0}", 2_f64.powi(1000));
        for text in [
            "0",
            "-0",
            "0e999",
            "1.50",
            "0.1",
            "0.30000000000000004",
            "0.10000000000000001",
            exact.as_str(),
            "9007199254740993",
            "-9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "1e23",
            "100000000000000000000000",
            power.as_str(),
            "1.7976931348623157e308",
            "5e-324",
            "2.2250738585072014e-308",
        ] {
            assert!(Decimal::parse(text).unwrap().is_portable(), "{text}");
        }
        for text in [
            "1e309",
            "-1e999",
            "1e99999999999999999999",
            "1e-400",
            "1e-99999999999999999999",
            "123456789012345678901234567890",
            "18446744073709551617",
            "-9223372036854775809",
            "1.0000000000000000000000001",
            "0.1234567890123456789",
            "9007199254740993.5",
            "1.23456789e-320",
        ] {
            assert!(!Decimal::parse(text).unwrap().is_portable(), "{text}");
        }
        assert!(!Decimal::parse(&format!("0.{}1", "0123456789".repeat(10_000))).unwrap().is_portable());
    }
}
