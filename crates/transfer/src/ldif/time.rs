//! Moments as LDAP writes them.

use guildhall_domain::time::Timestamp;

/// Reads `GeneralizedTime` (RFC 4517), or ISO 8601 as LLDAP writes it.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    generalized(text).or_else(|| Timestamp::parse(text).ok())
}

/// `YYYYMMDDHH`, minutes, seconds and a fraction that need not be there, and a zone.
fn generalized(text: &str) -> Option<Timestamp> {
    let end = text.find(['Z', 'z', '+', '-'])?;
    let (local, zone) = text.split_at(end);
    let (digits, fraction) = local.split_once(['.', ',']).unwrap_or((local, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(digits) || !is_number(fraction) {
        return None;
    }
    // A fraction of an hour or a minute is written by nobody, and left out.
    let (minute, second, fraction) = match digits.len() {
        10 => ("00", "00", "0"),
        12 => (&digits[10..12], "00", "0"),
        14 => (&digits[10..12], &digits[12..14], fraction),
        _ => return None,
    };
    let zone = match zone.len() {
        1 => zone.to_owned(),
        3 if is_number(&zone[1..]) => format!("{zone}:00"),
        5 if is_number(&zone[1..]) => format!("{}:{}", &zone[..3], &zone[3..]),
        _ => return None,
    };
    let (year, month, day, hour) = (&digits[..4], &digits[4..6], &digits[6..8], &digits[8..10]);
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction}{zone}")).ok()
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn every_form_of_a_moment_is_read() {
        for (text, written) in [
            ("20240903095120Z", "2024-09-03T09:51:20.000Z"),
            ("20240903095120.0Z", "2024-09-03T09:51:20.000Z"),
            ("20240903095120.123456Z", "2024-09-03T09:51:20.123Z"),
            ("20240903095120,5Z", "2024-09-03T09:51:20.500Z"),
            ("20240903115120+0200", "2024-09-03T09:51:20.000Z"),
            ("20240903045120-05", "2024-09-03T09:51:20.000Z"),
            ("202409030951Z", "2024-09-03T09:51:00.000Z"),
            ("2024090309Z", "2024-09-03T09:00:00.000Z"),
            ("2024-09-03T09:51:20.123456+00:00", "2024-09-03T09:51:20.123Z"),
        ] {
            assert_eq!(moment(text).map(|moment| moment.to_string()).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "Z",
            "20240903095120",
            "20241303095120Z",
            "2024090309512Z",
            "20240903095120.Z",
            "２０Z",
            "20240903095120+é",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
