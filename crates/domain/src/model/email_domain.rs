//! The domain of an email address.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46, verify_dns_length};

const UTS46: Uts46 = Uts46::new();

/// A domain of email addresses, in the form in which all its spellings are one: the ASCII form by UTS 46 (nontransitional), such as
/// `xn--mnchen-3ya.de`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailDomain(String);

/// Why a text is no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailDomainError {
    /// It is empty.
    #[error("the domain is missing")]
    Missing,
    /// Nothing stands before, after or between dots.
    #[error("the domain has a dot too many")]
    EmptyLabel,
    /// More than 63 bytes between two dots, or more than 253 in all (RFC 1035, section 2.3.4), in ASCII.
    #[error("the domain is too long")]
    TooLong,
    /// A hyphen at either end of a label.
    #[error("a part of the domain begins or ends with a hyphen")]
    Hyphen,
    /// An ASCII character other than letters, digits, hyphens and dots.
    #[error("the domain contains '{}'", .0.escape_default())]
    Character(char),
    /// What UTS 46 does not allow, such as symbols, mixed directions, or an `xn--` form that is none.
    #[error("the domain contains characters that no domain has")]
    NotAllowed,
}

impl EmailDomain {
    /// A domain as it was stored, which is not checked again.
    #[must_use]
    pub fn stored(ascii: String) -> Self {
        Self(ascii)
    }

    /// The form in ASCII, in lower case.
    #[must_use]
    pub fn as_ascii(&self) -> &str {
        &self.0
    }

    /// The form that people read: `münchen.de`.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        UTS46.to_unicode(self.0.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast).0.into_owned()
    }
}

impl TryFrom<&str> for EmailDomain {
    type Error = EmailDomainError;

    /// Hyphens may stand in the third and fourth place, as they do in names that are in use.
    fn try_from(text: &str) -> Result<Self, EmailDomainError> {
        let ascii = |length| {
            let mapped = UTS46.to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, length);
            mapped.ok().map(Cow::into_owned)
        };
        ascii(DnsLength::Verify).map(Self).ok_or_else(|| fault(text, ascii(DnsLength::Ignore).as_deref()))
    }
}

/// What is wrong with `text`, whose form in ASCII is `mapped` if only its lengths are.
fn fault(text: &str, mapped: Option<&str>) -> EmailDomainError {
    let is_dot = |character| matches!(character, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    let mut labels = text.split(is_dot);
    if text.is_empty() {
        return EmailDomainError::Missing;
    }
    if labels.clone().any(str::is_empty) {
        return EmailDomainError::EmptyLabel;
    }
    if mapped.is_some_and(|mapped| !verify_dns_length(mapped, false)) {
        return EmailDomainError::TooLong;
    }
    let is_foreign = |character: &char| character.is_ascii() && !character.is_ascii_alphanumeric() && *character != '-';
    if let Some(character) = text.chars().filter(|character| !is_dot(*character)).find(is_foreign) {
        return EmailDomainError::Character(character);
    }
    if labels.any(|label| label.starts_with('-') || label.ends_with('-')) {
        return EmailDomainError::Hyphen;
    }
    EmailDomainError::NotAllowed
}

#[cfg(test)]
mod tests {
    use super::EmailDomainError::{Character, EmptyLabel, Hyphen, Missing, NotAllowed, TooLong};
    use super::{EmailDomain, EmailDomainError};

    #[test]
    fn all_spellings_of_a_domain_are_one() {
        for (text, ascii, unicode) in [
            ("FightClub.com", "fightclub.com", "fightclub.com"),
            ("münchen.de", "xn--mnchen-3ya.de", "münchen.de"),
            ("MU\u{308}NCHEN.de", "xn--mnchen-3ya.de", "münchen.de"),
            ("XN--mnchen-3YA.de", "xn--mnchen-3ya.de", "münchen.de"),
            ("straße.de", "xn--strae-oqa.de", "straße.de"),
            ("fight\u{3002}club\u{ff0e}com", "fight.club.com", "fight.club.com"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト"),
            ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv", "مثال.إختبار"),
            ("उदाहरण.परीक्षा", "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g", "उदाहरण.परीक्षा"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f", "пример.испытание"),
            ("localhost", "localhost", "localhost"),
            ("r3---sn.example", "r3---sn.example", "r3---sn.example"),
            ("fight\u{ad}club\u{200b}.com", "fightclub.com", "fightclub.com"),
        ] {
            let domain = EmailDomain::try_from(text);
            let forms = domain.map(|domain| (domain.as_ascii().to_owned(), domain.to_unicode()));
            assert_eq!(forms, Ok((ascii.to_owned(), unicode.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_told() {
        let (long_label, long) = ("x".repeat(64), ["x".repeat(60).as_str(); 5].join("."));
        for (text, expected) in [
            ("", Missing),
            ("a..b", EmptyLabel),
            (".a", EmptyLabel),
            ("a.", EmptyLabel),
            (long_label.as_str(), TooLong),
            (long.as_str(), TooLong),
            ("ü".repeat(60).as_str(), TooLong),
            ("-a.de", Hyphen),
            ("a-.de", Hyphen),
            ("a b.de", Character(' ')),
            ("[192.0.2.1]", Character('[')),
            ("a_b.de", Character('_')),
            ("xn--\u{fc}.de", NotAllowed),
            ("xn--a-\u{200d}.de", NotAllowed),
            ("a\u{202e}b\u{200d}.de", NotAllowed),
            ("\u{5d0}a.de", NotAllowed),
        ] {
            assert_eq!(EmailDomain::try_from(text), Err::<_, EmailDomainError>(expected), "{text}");
        }
    }
}
