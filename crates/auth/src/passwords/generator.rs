//! Generated passwords.

use crate::random::{NoRandomness, random_text};

/// The length of a generated password, for more than 128 bits of entropy.
const LENGTH: usize = 24;

/// A password of 24 letters and digits, with every kind of character that the password policy requires (contract 7).
pub fn generate_password() -> Result<String, NoRandomness> {
    loop {
        let password = random_text(LENGTH)?;
        if is_mixed(&password) {
            return Ok(password);
        }
    }
}

fn is_mixed(text: &str) -> bool {
    text.contains(char::is_lowercase) && text.contains(char::is_uppercase) && text.contains(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{generate_password, is_mixed};

    #[test]
    fn generated_passwords_keep_to_the_policy_and_differ() {
        let passwords: BTreeSet<_> = (0..200).map(|_| generate_password().unwrap()).collect();
        assert_eq!(passwords.len(), 200);
        for password in passwords {
            assert!(password.len() == 24 && is_mixed(&password), "{password}");
        }
    }
}
