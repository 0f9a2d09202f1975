//! Values, and their conversion to the type of a field.

use guildhall_zenql::{Literal, MomentError, Value};

use crate::{read, text, value};

/// 2024-02-29T12:34:56.789Z
const NOW: i64 = 1_709_210_096_789;

#[test]
fn a_value_that_could_be_many_things_keeps_its_text() {
    for written in [
        "123",
        "-7",
        "1.5",
        "2020-01-01",
        "2020/1/1",
        "2020-03-01 12:00:00",
        "true",
        "5d",
        "-1w 2d",
        "word",
        "a@b.com",
        "O'Brien",
        "50%",
        "a*b?c",
        "x^2",
        "C:\\dir\\",
        "a.b",
        "..",
        "now",
        "currentUser",
        "-",
        "{3695fac7-bbe4-4637-894a-8857bc662638}",
        "‘x’",
    ] {
        assert_eq!(read(written), text(written), "{written}");
        assert_eq!(read(written).to_string(), written);
    }
}

#[test]
fn quotes_hold_what_would_be_something_else() {
    for (written, is) in [
        ("\"two words\"", "two words"),
        ("\"\"", ""),
        ("\"NULL\"", "NULL"),
        ("\"and\"", "and"),
        ("\"now()\"", "now()"),
        ("\"a (b), c = d!\"", "a (b), c = d!"),
        ("“your home”", "your home"),
        ("„your home“", "your home"),
        ("”your home”", "your home"),
        ("“say \"hi\"”", "say \"hi\""),
        ("\"say “hi”\"", "say “hi”"),
        (r#""say \"hi\"""#, "say \"hi\""),
        (r"“say \”hi\””", "say ”hi”"),
        (r#""back\\slash""#, r"back\slash"),
        (r#""DOMAIN\user""#, r"DOMAIN\user"),
        (r#""50\* off""#, r"50\* off"),
        (r#""\\""#, r"\"),
        ("\"line\nbreak\0\"", "line\nbreak\0"),
    ] {
        assert_eq!(read(written), text(is), "{written}");
    }
}

#[test]
fn words_are_joined_only_where_a_date_or_a_period_needs_it() {
    for (written, is) in [
        ("2020-03-01   12:00", "2020-03-01 12:00"),
        ("2020/3/1\t12:00:59", "2020/3/1 12:00:59"),
        ("2020-99-99 77:88", "2020-99-99 77:88"),
        ("+1y 2M  3w\n4d 5h 6m", "+1y 2M 3w 4d 5h 6m"),
    ] {
        assert_eq!(read(written), text(is), "{written}");
    }
    for (query, position) in [
        ("f = 12:00 2020-03-01", 10),
        ("f = 2020-03-01 12", 15),
        ("f = 2020-03-01 12:00:00Z", 15),
        ("f = 2020-03-01T00:00 12:00", 21),
        ("f = 5d -3h", 7),
        ("f = 5d 3x", 7),
        ("f = 5d 3D", 7),
        ("f = 5 d", 6),
        ("f = a b", 6),
        ("f = a 5d", 6),
        ("f = a 12:00", 6),
    ] {
        assert_eq!(guildhall_zenql::parse(query).unwrap_err().position, position, "{query}");
    }
}

#[test]
fn null_and_functions_are_no_text() {
    for (written, literal) in [
        ("NULL", Literal::Null),
        ("null", Literal::Null),
        ("currentUser()", Literal::CurrentUser),
        ("CURRENTUSER ( )", Literal::CurrentUser),
    ] {
        let read = read(written);
        assert_eq!(read, value(literal), "{written}");
        assert_eq!((read.text(), read.as_boolean(), read.as_integer(), read.as_uuid()), (None, None, None, None));
        assert_eq!(read.moment(NOW), Err(MomentError::NotAMoment));
    }
    let now = read("now()");
    assert_eq!((now.text(), now.moment(NOW)), (None, Ok(NOW)));
}

#[test]
fn booleans_are_read_in_any_case() {
    for (written, is) in [
        ("true", Some(true)),
        ("FALSE", Some(false)),
        ("\"True\"", Some(true)),
        ("1", None),
        ("yes", None),
        ("\"\"", None),
    ] {
        assert_eq!(read(written).as_boolean(), is, "{written}");
    }
}

#[test]
fn integers_are_read_if_they_fit() {
    for (written, is) in [
        ("0", Some(0)),
        ("007", Some(7)),
        ("-5", Some(-5)),
        ("+5", Some(5)),
        ("\"12\"", Some(12)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1.0", None),
        ("1e3", None),
        ("٣", None),
        ("\" 1\"", None),
        ("-", None),
    ] {
        assert_eq!(read(written).as_integer(), is, "{written}");
    }
}

#[test]
fn uuids_are_read_in_every_spelling_of_dot_net() {
    let id = text("3695fac7-bbe4-4637-894a-8857bc662638").as_uuid().unwrap();
    for written in [
        "3695FAC7-BBE4-4637-894A-8857BC662638",
        "3695fac7bbe44637894a8857bc662638",
        "{3695fac7-bbe4-4637-894a-8857bc662638}",
        "{3695fac7bbe44637894a8857bc662638}",
        "\"(3695fac7-bbe4-4637-894a-8857bc662638)\"",
    ] {
        assert_eq!(read(written).as_uuid(), Some(id), "{written}");
    }
    for written in ["3695fac7-bbe4-4637-894a-8857bc66263", "urn:uuid:3695fac7-bbe4-4637-894a-8857bc662638", "x", "{}"] {
        assert_eq!(read(written).as_uuid(), None, "{written}");
    }
}

#[test]
fn a_moment_may_be_quoted() {
    let of = |written: &str| read(written).moment(NOW);
    assert_eq!(of("\"2020-03-01 12:00\""), of("2020-03-01 12:00"));
    assert_eq!(of("\"-1w 2d\""), of("-1w 2d"));
    assert_eq!(of("\"now(-7)\""), of("now(-7)"));
    let unread: Vec<Value> = ["word", "5", "5D", "\"\"", "\"nonsense()\"", "\"now(\""].map(read).into();
    assert!(unread.iter().all(|value| value.moment(NOW) == Err(MomentError::NotAMoment)), "{unread:?}");
}
