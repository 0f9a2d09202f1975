//! Languages as other programs write them.

/// A language such as `en` or `en-GB`; `None` for any other form, of which the service has none.
pub(crate) fn language(text: &str) -> Option<String> {
    let is_code = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let has_form = match text.split_once('-') {
        None => is_code(text),
        Some((language, country)) => is_code(language) && is_code(country),
    };
    has_form.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn a_language_has_one_of_two_forms() {
        for text in ["en", "en-GB", "DE-at"] {
            assert_eq!(language(text).as_deref(), Some(text));
        }
        for text in ["", "e", "eng", "en-", "en_GB", "zh-Hans", "en-GB, de;q=0.5", "ée", "en-GB-oed"] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}
