//! Date functions and periods.

use guildhall_zenql::{Anchor, Function, Moment, MomentError, Period, Span, Unit};

use crate::{milliseconds, read, rfc3339};

/// A Thursday, and a leap day.
const NOW: &str = "2024-02-29T12:34:56.789Z";

fn at(now: &str, written: &str) -> String {
    let moment = Moment::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
    rfc3339(moment.at(milliseconds(now)).unwrap_or_else(|error| panic!("{written}: {error}")))
}

#[test]
fn every_function_finds_its_moment() {
    for (written, is) in [
        ("now()", "2024-02-29T12:34:56.789Z"),
        ("startOfDay()", "2024-02-29T00:00:00Z"),
        ("endOfDay()", "2024-02-29T23:59:59.999Z"),
        ("startOfWeek()", "2024-02-26T00:00:00Z"),
        ("endOfWeek()", "2024-03-03T23:59:59.999Z"),
        ("startOfMonth()", "2024-02-01T00:00:00Z"),
        ("endOfMonth()", "2024-02-29T23:59:59.999Z"),
        ("startOfYear()", "2024-01-01T00:00:00Z"),
        ("endOfYear()", "2024-12-31T23:59:59.999Z"),
    ] {
        for written in [written.to_owned(), written.to_uppercase(), format!(" {} ( ) ", &written[..written.len() - 2])]
        {
            assert_eq!(at(NOW, &written), is, "{written}");
            assert_eq!(read(&written).moment(milliseconds(NOW)), Ok(milliseconds(is)), "{written} in a query");
        }
    }
}

#[test]
fn a_bare_integer_counts_spans_of_the_function_and_days_from_now() {
    for (written, same) in [
        ("now(-7)", "now(-7d)"),
        ("now(+7)", "now(7d)"),
        ("startOfDay(2)", "startOfDay(2d)"),
        ("endOfWeek(-1)", "endOfWeek(-1w)"),
        ("startOfMonth(-13)", "startOfMonth(-13M)"),
        ("endOfYear(0)", "endOfYear()"),
    ] {
        assert_eq!(Moment::parse(written), Moment::parse(same), "{written}");
        assert_eq!(at(NOW, written), at(NOW, same), "{written}");
    }
    assert_eq!(at(NOW, "now(-7)"), "2024-02-22T12:34:56.789Z");
}

#[test]
fn long_units_shift_before_the_start_is_found_and_short_ones_after() {
    for (now, written, is) in [
        (NOW, "startOfDay(7h)", "2024-02-29T07:00:00Z"),
        (NOW, "startOfDay(-1d 30m)", "2024-02-27T23:30:00Z"),
        (NOW, "endOfDay(-1d)", "2024-02-28T23:59:59.999Z"),
        (NOW, "endOfDay(1M)", "2024-03-29T23:59:59.999Z"),
        (NOW, "startOfWeek(-1d)", "2024-02-25T00:00:00Z"),
        (NOW, "startOfWeek(-1w)", "2024-02-19T00:00:00Z"),
        (NOW, "startOfWeek(-1w 1d)", "2024-02-18T00:00:00Z"),
        (NOW, "startOfWeek(1M)", "2024-03-25T00:00:00Z"),
        (NOW, "startOfMonth(-1y)", "2023-02-01T00:00:00Z"),
        (NOW, "startOfMonth(1w)", "2024-02-08T00:00:00Z"),
        (NOW, "startOfYear(-1)", "2023-01-01T00:00:00Z"),
        (NOW, "endOfYear(-1)", "2023-12-31T23:59:59.999Z"),
        (NOW, "endOfYear(-1M)", "2024-11-30T23:59:59.999Z"),
        ("2024-03-31T08:00:00Z", "endOfMonth(-1)", "2024-02-29T23:59:59.999Z"),
        ("2024-03-31T08:00:00Z", "startOfMonth(-1)", "2024-02-01T00:00:00Z"),
        ("2024-03-03T23:59:59.999Z", "startOfWeek()", "2024-02-26T00:00:00Z"),
        ("2024-03-04T00:00:00Z", "startOfWeek()", "2024-03-04T00:00:00Z"),
        ("1969-12-31T23:59:59.999Z", "endOfYear()", "1969-12-31T23:59:59.999Z"),
        ("1969-12-31T23:59:59.999Z", "startOfDay()", "1969-12-31T00:00:00Z"),
    ] {
        assert_eq!(at(now, written), is, "{written} at {now}");
    }
}

#[test]
fn a_period_alone_is_counted_from_now() {
    for (now, written, is) in [
        (NOW, "-30d", "2024-01-30T12:34:56.789Z"),
        (NOW, "5d", "2024-03-05T12:34:56.789Z"),
        (NOW, "+5d", "2024-03-05T12:34:56.789Z"),
        (NOW, "-1w 2d", "2024-02-20T12:34:56.789Z"),
        (NOW, "1M", "2024-03-29T12:34:56.789Z"),
        (NOW, "1m", "2024-02-29T12:35:56.789Z"),
        (NOW, "10h", "2024-02-29T22:34:56.789Z"),
        (NOW, "-1y", "2023-02-28T12:34:56.789Z"),
        (NOW, "4y", "2028-02-29T12:34:56.789Z"),
        (NOW, "0d", NOW),
        (NOW, "1d 1d", "2024-03-02T12:34:56.789Z"),
        ("2024-01-31T00:00:00Z", "1M", "2024-02-29T00:00:00Z"),
        ("2024-01-31T00:00:00Z", "1d 1M", "2024-03-01T00:00:00Z"),
        ("2024-03-31T00:00:00Z", "-1M", "2024-02-29T00:00:00Z"),
        ("2024-01-31T00:00:00Z", "-2M", "2023-11-30T00:00:00Z"),
    ] {
        assert_eq!(at(now, written), is, "{written} at {now}");
        assert_eq!(at(now, &format!("now({written})")), is, "now({written}) at {now}");
    }
}

#[test]
fn what_is_no_period_is_no_moment() {
    for written in [
        "d",
        "5",
        "5s",
        "5D",
        "5Y",
        "5dd",
        "5d,",
        "5d 3",
        "5d -3h",
        "- 5d",
        "--5d",
        "+-5d",
        "5 d",
        "1.5d",
        "5d3h",
        "now",
        "now(",
        "now)",
        "now()()",
        "now() x",
        "now(x)",
        "now(1 2)",
        "now(1, 2)",
        "now(\"1d\")",
        "now(now())",
        "now(5D)",
        "tomorrow()",
        "()",
        "currentUser()",
    ] {
        assert_eq!(Moment::parse(written), Err(MomentError::NotAMoment), "{written}");
    }
}

#[test]
fn what_leaves_the_years_0_to_9999_is_an_error() {
    for written in [
        "8000y",
        "-2025y",
        "99999M",
        "9223372036854775807y",
        "9223372036854775807M",
        "-9223372036854775807m",
        "9223372036854775807d",
        "9223372036854775807w 9223372036854775807h",
        "endOfYear(7976)",
        "startOfDay(9999999999h)",
    ] {
        let moment = Moment::parse(written).unwrap();
        assert_eq!(moment.at(milliseconds(NOW)), Err(MomentError::OutOfRange), "{written}");
    }
    for written in [
        "9223372036854775808d",
        "9223372036854775807d 1d",
        "now(-99999999999999999999)",
        "startOfDay(9223372036854775808)",
    ] {
        assert_eq!(Moment::parse(written), Err(MomentError::OutOfRange), "{written}");
    }
    let start_of_week = Moment::parse("startOfWeek()").unwrap();
    assert_eq!(start_of_week.at(milliseconds("0000-01-01T00:00:00Z")), Err(MomentError::OutOfRange));
    assert_eq!(at("9999-12-30T00:00:00Z", "endOfYear()"), "9999-12-31T23:59:59.999Z");
    for now in [i64::MIN, i64::MAX] {
        assert_eq!(Moment::parse("now()").unwrap().at(now), Err(MomentError::OutOfRange));
        assert_eq!(Moment::parse("endOfDay()").unwrap().at(now), Err(MomentError::OutOfRange));
        assert_eq!(Moment::Fixed(now).at(0), Err(MomentError::OutOfRange));
    }
}

#[test]
fn periods_and_functions_are_printed_as_they_are_read() {
    for (written, printed) in [
        ("-2d 1w", "-1w 2d"),
        ("+90m 1M", "1M 90m"),
        ("0h", "0d"),
        ("1y 2M 3w 4d 5h 6m", "1y 2M 3w 4d 5h 6m"),
        ("-9223372036854775807m", "-9223372036854775807m"),
    ] {
        let period = Period::parse(written).unwrap();
        assert_eq!(period.to_string(), printed, "{written}");
        assert_eq!(Period::parse(printed), Ok(period), "{printed}");
    }
    let function = Function { anchor: Anchor::EndOf(Span::Month), shift: Period::of(-1, Unit::Month) };
    assert_eq!(function.to_string(), "endOfMonth(-1M)");
    assert_eq!(Moment::parse("ENDOFMONTH( -1 )"), Ok(Moment::Relative(function)));
    assert_eq!(function.shift.amount(Unit::Month), -1);
}
