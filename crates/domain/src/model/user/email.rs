//! Email addresses.

use crate::email_domain::{EmailDomain, EmailDomainError};
use crate::name::{NameKey, has_control};

/// An email address, such as `t.durden@fightclub.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// Why a text is no email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// There is no `@`.
    #[error("The email address is not valid: it has no '@'")]
    NoAt,
    /// Nothing stands before the `@`, or nothing visible.
    #[error("The email address is not valid: nothing stands before the '@'")]
    NoMailbox,
    /// More than [`Email::LONGEST_MAILBOX`] bytes before the `@`.
    #[error("The email address is not valid: more than {} bytes stand before the '@'", Email::LONGEST_MAILBOX)]
    MailboxTooLong,
    /// A dot at either end of what is before the `@`, or two in a row.
    #[error("The email address is not valid: a dot stands at the beginning, before the '@' or beside another dot")]
    Dot,
    /// A character that is not allowed before the `@`, at least not without quotation marks around it all.
    #[error("The email address is not valid: '{}' must not stand before the '@'", .0.escape_debug())]
    Character(char),
    /// The quotation marks before the `@` are not closed, or hold what they may not.
    #[error("The email address is not valid: the quotation marks before the '@' are not used right")]
    Quotation,
    /// The domain is none.
    #[error("The email address is not valid: {0}")]
    Domain(#[from] EmailDomainError),
    /// More than [`Email::LONGEST`] bytes.
    #[error("The email address is not valid: it has more than {} bytes", Email::LONGEST)]
    TooLong,
}

impl Email {
    /// The most bytes an address has, its domain in ASCII (RFC 5321, section 4.5.3.1.3, without the brackets of a path).
    pub const LONGEST: usize = 254;
    /// The most bytes before the `@` (RFC 5321, section 4.5.3.1.1).
    pub const LONGEST_MAILBOX: usize = 64;

    /// An address as it was stored. It is not checked again: the rules of before may have let it pass.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address as it was entered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key by which names are compared.
    #[must_use]
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.0)
    }

    /// The domain. An address that was stored by the rules of before may have none that is valid.
    #[must_use]
    pub fn domain(&self) -> Option<EmailDomain> {
        self.0.rsplit_once('@').and_then(|(_, domain)| EmailDomain::try_from(domain).ok())
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        let text = text.trim();
        let (mailbox, domain) = text.rsplit_once('@').ok_or(EmailError::NoAt)?;
        check_mailbox(mailbox)?;
        let domain = EmailDomain::try_from(domain)?;
        let is_long = mailbox.len() + 1 + domain.as_ascii().len() > Self::LONGEST;
        // Invisible characters of the domain are not in its form in ASCII.
        if is_long || text.chars().count() > Self::LONGEST || NameKey::of(text).is_too_long() {
            return Err(EmailError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Checks a `Local-part`: a `Dot-string` or a `Quoted-string` (RFC 5321, section 4.1.2), in which any character beyond ASCII may
/// stand (RFC 6531, section 3.3) that is neither a control character nor white space.
fn check_mailbox(mailbox: &str) -> Result<(), EmailError> {
    if NameKey::of(mailbox).is_empty() {
        return Err(EmailError::NoMailbox);
    }
    if mailbox.len() > Email::LONGEST_MAILBOX {
        return Err(EmailError::MailboxTooLong);
    }
    if let Some(rest) = mailbox.strip_prefix('"') {
        let quoted = rest.strip_suffix('"').ok_or(EmailError::Quotation)?;
        return if is_quoted_content(quoted) { Ok(()) } else { Err(EmailError::Quotation) };
    }
    if let Some(character) = mailbox.chars().find(|character| !is_atom_text(*character) && *character != '.') {
        return Err(EmailError::Character(character));
    }
    if mailbox.split('.').any(str::is_empty) { Err(EmailError::Dot) } else { Ok(()) }
}

/// `atext` (RFC 5322, section 3.2.3; RFC 6531, section 3.3).
fn is_atom_text(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character);
    }
    is_international(character)
}

/// What stands in a `Quoted-string`: `qtextSMTP` and `quoted-pairSMTP` (RFC 5321, section 4.1.2).
fn is_quoted_content(quoted: &str) -> bool {
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        let is_allowed = match character {
            '\\' => characters.next().is_some_and(|escaped| matches!(escaped, ' '..='~')),
            '"' => false,
            ' '..='~' => true,
            other => is_international(other),
        };
        if !is_allowed {
            return false;
        }
    }
    true
}

fn is_international(character: char) -> bool {
    !character.is_ascii() && !character.is_whitespace() && !has_control(character.encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::{Email, EmailError};
    use crate::email_domain::EmailDomainError;

    #[test]
    fn addresses_have_a_mailbox_and_a_domain() {
        for (text, domain) in [
            ("\"t@d\"@FightClub.com", "fightclub.com"),
            ("\"Tyler \\\"D\\\" Durden\"@fightclub.com", "fightclub.com"),
            (" t.durden+soap/lye=1@fightclub.com ", "fightclub.com"),
            ("!#$%&'*+-/=?^_`{|}~@localhost", "localhost"),
            ("用户@例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("иван@пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("t@xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ] {
            let email = Email::try_from(text.to_owned());
            let found = email.map(|email| email.domain().map(|domain| domain.as_ascii().to_owned()));
            assert_eq!(found, Ok(Some(domain.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        let (local, long) = ("x".repeat(65), format!("{}.de", ["x".repeat(60).as_str(); 4].join(".")));
        for (text, expected) in [
            ("", EmailError::NoAt),
            ("tyler", EmailError::NoAt),
            ("tyler\u{ff20}fightclub.com", EmailError::NoAt),
            ("@fightclub.com", EmailError::NoMailbox),
            ("\u{200b}@fightclub.com", EmailError::NoMailbox),
            (&format!("{local}@fightclub.com"), EmailError::MailboxTooLong),
            ("t@@fightclub.com", EmailError::Character('@')),
            ("t d@fightclub.com", EmailError::Character(' ')),
            ("t\u{3000}d@fightclub.com", EmailError::Character('\u{3000}')),
            ("t\0d@fightclub.com", EmailError::Character('\0')),
            ("t\u{85}d@fightclub.com", EmailError::Character('\u{85}')),
            ("a,b@fightclub.com", EmailError::Character(',')),
            ("a\"b\"@fightclub.com", EmailError::Character('"')),
            (".a@fightclub.com", EmailError::Dot),
            ("a.@fightclub.com", EmailError::Dot),
            ("a..b@fightclub.com", EmailError::Dot),
            ("\"a@fightclub.com", EmailError::Quotation),
            ("\"a\"b\"@fightclub.com", EmailError::Quotation),
            ("\"a\\\"@fightclub.com", EmailError::Quotation),
            ("t@", EmailError::Domain(EmailDomainError::Missing)),
            ("t@-x.com", EmailError::Domain(EmailDomainError::Hyphen)),
            ("t@fight..com", EmailError::Domain(EmailDomainError::EmptyLabel)),
            ("t@fight_club.com", EmailError::Domain(EmailDomainError::Character('_'))),
            ("t@[192.0.2.1]", EmailError::Domain(EmailDomainError::Character('['))),
            ("t@xn--\u{fc}.de", EmailError::Domain(EmailDomainError::NotAllowed)),
            (&format!("tyler.durden@{long}"), EmailError::TooLong),
        ] {
            assert_eq!(Email::try_from(text.to_owned()), Err(expected), "{text}");
        }
    }
}
