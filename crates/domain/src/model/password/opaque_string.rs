//! The profile `OpaqueString` of passwords (RFC 8265, section 4.2), over the current version of Unicode.

use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, HangulSyllableType, JoiningType,
    NoncharacterCodePoint, Script,
};
use icu_properties::{CodePointMapData, CodePointSetData};

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();

/// The form in which a password is hashed: spaces beyond ASCII become U+0020, and the text is in Normalization Form C. Fails with
/// the first character that is not allowed.
pub(super) fn prepare(text: &str) -> Result<String, char> {
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        if !is_allowed(*character, &characters, at) {
            return Err(*character);
        }
    }
    let is_space = |character: char| category(character) == GeneralCategory::SpaceSeparator;
    let spaced: String = characters.into_iter().map(|each| if is_space(each) { ' ' } else { each }).collect();
    Ok(NFC.normalize(&spaced).into_owned())
}

/// Whether the character is in `FreeformClass` (RFC 8264, sections 4.3 and 8), where it stands at this place of the text.
fn is_allowed(character: char, text: &[char], at: usize) -> bool {
    use GeneralCategory as Category;
    match character {
        ' '..='~' | '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => return true,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => return false,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => {
            return fits(character, text, at);
        }
        '\u{200c}' | '\u{200d}' => return joins(character, text, at),
        _ => {}
    }
    if is_old_hangul(character) || is_ignorable(character) {
        return false;
    }
    match category(character) {
        Category::Unassigned | Category::Control => false,
        Category::LineSeparator | Category::ParagraphSeparator | Category::PrivateUse | Category::Format => {
            !NFKC.is_normalized(character.encode_utf8(&mut [0; 4]))
        }
        _ => true,
    }
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

/// Conjoining jamo of Hangul: Normalization Form C composes some of them and not others.
fn is_old_hangul(character: char) -> bool {
    matches!(
        CodePointMapData::<HangulSyllableType>::new().get(character),
        HangulSyllableType::LeadingJamo | HangulSyllableType::VowelJamo | HangulSyllableType::TrailingJamo
    )
}

/// `PrecisIgnorableProperties` (RFC 8264, section 9.13).
fn is_ignorable(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(character)
}

/// The rules of characters that need a context (RFC 5892, appendix A.3 to A.9).
fn fits(character: char, text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(at + 1).copied();
    let is_of = |character: Option<char>, script: Script| character.is_some_and(|known| script_of(known) == script);
    match character {
        '\u{b7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => is_of(after, Script::Greek),
        '\u{5f3}' | '\u{5f4}' => is_of(before, Script::Hebrew),
        '\u{30fb}' => {
            text.iter().any(|other| matches!(script_of(*other), Script::Hiragana | Script::Katakana | Script::Han))
        }
        '\u{660}'..='\u{669}' => !text.iter().any(|other| matches!(other, '\u{6f0}'..='\u{6f9}')),
        _ => !text.iter().any(|other| matches!(other, '\u{660}'..='\u{669}')),
    }
}

fn script_of(character: char) -> Script {
    CodePointMapData::<Script>::new().get(character)
}

/// The rules of the zero-width joiner and non-joiner (RFC 5892, appendix A.1 and A.2).
fn joins(joiner: char, text: &[char], at: usize) -> bool {
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let is_after_virama = before.last().is_some_and(|last| {
        CodePointMapData::<CanonicalCombiningClass>::new().get(*last) == CanonicalCombiningClass::Virama
    });
    let joining = |character: &char| CodePointMapData::<JoiningType>::new().get(*character);
    let is_not_transparent = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let breaks_a_join = || {
        let left = before.iter().rev().map(joining).find(is_not_transparent);
        let right = after.iter().map(joining).find(is_not_transparent);
        matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
            && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
    };
    is_after_virama || (joiner == '\u{200c}' && breaks_a_join())
}

#[cfg(test)]
mod tests {
    use super::prepare;

    #[test]
    fn spaces_are_one_and_the_text_is_composed() {
        for (text, expected) in [
            ("correct horse", "correct horse"),
            // The examples of RFC 8265, section 4.3.
            ("Correct Horse Battery Staple", "Correct Horse Battery Staple"),
            ("πßå", "πßå"),
            ("Jack of \u{2666}s", "Jack of \u{2666}s"),
            ("foo\u{1680}bar", "foo bar"),
            ("cafe\u{301}\u{a0}\u{3000}\u{2009}!", "caf\u{e9}   !"),
            // Neither case nor width changes.
            ("\u{ff21}A", "\u{ff21}A"),
            ("\u{212b}", "\u{c5}"),
            ("1\u{1f412}\u{1f926}", "1\u{1f412}\u{1f926}"),
            ("col\u{b7}lega", "col\u{b7}lega"),
            ("\u{375}\u{3b1}", "\u{375}\u{3b1}"),
            ("\u{5d0}\u{5f3}", "\u{5d0}\u{5f3}"),
            ("\u{30a2}\u{30fb}", "\u{30a2}\u{30fb}"),
            ("\u{660}\u{661}", "\u{660}\u{661}"),
            ("\u{915}\u{94d}\u{200d}", "\u{915}\u{94d}\u{200d}"),
            ("\u{628}\u{64b}\u{200c}\u{628}", "\u{628}\u{64b}\u{200c}\u{628}"),
            ("\u{fb01}", "\u{fb01}"),
        ] {
            assert_eq!(prepare(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn the_first_character_that_is_not_allowed_is_told() {
        for (text, character) in [
            ("a\tb", '\t'),
            ("a\0", '\0'),
            ("a\u{85}", '\u{85}'),
            ("my cat is a \u{9}by", '\t'),
            ("a\u{ad}b", '\u{ad}'),
            ("❤\u{fe0f}", '\u{fe0f}'),
            ("\u{1f468}\u{200d}\u{1f469}", '\u{200d}'),
            ("a\u{200c}b", '\u{200c}'),
            ("a\u{378}", '\u{378}'),
            ("a\u{e000}", '\u{e000}'),
            ("a\u{fdd0}", '\u{fdd0}'),
            ("a\u{2028}", '\u{2028}'),
            ("a\u{640}", '\u{640}'),
            ("a\u{b7}b", '\u{b7}'),
            ("a\u{30fb}", '\u{30fb}'),
            ("\u{660}\u{6f0}", '\u{660}'),
            ("\u{1100}", '\u{1100}'),
        ] {
            assert_eq!(prepare(text), Err(character), "{text:?}");
        }
    }
}
