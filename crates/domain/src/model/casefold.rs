//! Unicode's form of a text for comparison: `NFKC_Casefold`.

use std::borrow::Cow;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};
use icu_properties::props::DefaultIgnorableCodePoint;
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// `toNFKC_Casefold(NFD(text))`, by which identifiers are compared (The Unicode Standard, section 3.13, R5 and D147): normalised,
/// case-folded, and without default ignorable code points. Folding twice changes nothing more.
pub(crate) fn casefold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for character in NFD.normalize(text).chars() {
        fold_character(character, &mut folded);
    }
    match NFC.normalize(&folded) {
        Cow::Owned(composed) => Cow::Owned(composed),
        Cow::Borrowed(_) => Cow::Owned(folded),
    }
}

/// Appends the property `NFKC_Casefold` of the character: what is left of it when removing, folding and normalising change nothing
/// any more. The property is one of characters: folding a whole text at once would fold marks after they were put in order, and so
/// give U+0345 another place.
fn fold_character(character: char, folded: &mut String) {
    let mut buffer = [0; 4];
    let mut form = Cow::Borrowed(&*character.encode_utf8(&mut buffer));
    loop {
        if !form.contains(is_ignorable)
            && matches!(CASES.fold_string(&form), Cow::Borrowed(_))
            && NFKC.is_normalized(&form)
        {
            folded.push_str(&form);
            return;
        }
        let visible: String = form.chars().filter(|character| !is_ignorable(*character)).collect();
        form = Cow::Owned(NFKC.normalize(&CASES.fold_string(&visible)).into_owned());
    }
}

/// Whether the character is a default ignorable code point, which is shown as nothing: zero-width spaces and joiners, soft hyphens,
/// variation selectors, directional marks.
pub(crate) fn is_ignorable(character: char) -> bool {
    IGNORABLE.contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NFC, NFD, NFKC, casefold};

    #[test]
    fn texts_that_read_the_same_have_one_form() {
        for (text, expected) in [
            ("Tyler", "tyler"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("CAFE\u{301}", "caf\u{e9}"),
            ("\u{ff34}\u{ff59}ler", "tyler"),
            ("\u{200b}ty\u{ad}l\u{2060}er\u{feff}", "tyler"),
            ("\u{212b}ngstr\u{f6}m", "\u{e5}ngstr\u{f6}m"),
            ("\u{fb01}n", "fin"),
            ("\u{1d4e3}yler", "tyler"),
            ("\u{3a3}\u{3c2}\u{3c3}", "\u{3c3}\u{3c3}\u{3c3}"),
            // The joiners of emoji and of Indic scripts are in what is shown, not in what is compared.
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{1f469}"),
            ("\u{915}\u{94d}\u{200d}\u{937}", "\u{915}\u{94d}\u{937}"),
            // Thai: SARA AM is a mark and a vowel in its compatibility form, and both spellings are one.
            ("\u{e19}\u{e49}\u{e33}", "\u{e19}\u{e49}\u{e4d}\u{e32}"),
            // Canonically the same, with the marks in another order.
            ("\u{3b1}\u{345}\u{301}", "\u{3ac}\u{3b9}"),
            ("\u{3b1}\u{301}\u{345}", "\u{3ac}\u{3b9}"),
            ("\u{3164}\u{115f}\u{200b}", ""),
            ("\u{d6}\u{30b}I\u{307}", "\u{f6}\u{30b}i\u{307}"),
        ] {
            assert_eq!(casefold(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = casefold(&text).into_owned();
            prop_assert_eq!(casefold(&once), once.as_str());
        }

        #[test]
        fn the_normal_forms_of_a_text_fold_to_one(text in any::<String>()) {
            let folded = casefold(&text).into_owned();
            for form in [NFC.normalize(&text), NFD.normalize(&text)] {
                prop_assert_eq!(casefold(&form), folded.as_str());
            }
            prop_assert!(NFKC.is_normalized(&folded));
        }
    }
}
