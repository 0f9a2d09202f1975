//! Hashes and comparisons of passwords that are made beside a unit of work, not in it: they take long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::password::{Password, PasswordHash};
use crate::ports::{Passwords, PasswordsError};

/// Gives the results that it has. What it is asked for beyond them fails, and can be made afterwards.
pub(super) struct PreparedPasswords {
    passwords: Arc<dyn Passwords>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hashes: Vec<(Password, PasswordHash)>,
    comparisons: Vec<(Password, PasswordHash, bool)>,
    asked: Option<Question>,
    /// Something could not be made: who asks again gets the error.
    has_failed: bool,
}

enum Question {
    Hash(Password),
    Comparison(Password, PasswordHash),
}

/// There is no result yet.
#[derive(Debug, thiserror::Error)]
#[error("the password is hashed or compared before the work is run again")]
struct NotPrepared;

impl PreparedPasswords {
    pub(super) fn over(passwords: Arc<dyn Passwords>) -> Self {
        Self { passwords, state: Mutex::default() }
    }

    /// Whether it was asked for something that it did not have.
    pub(super) fn is_asked(&self) -> bool {
        self.state().asked.is_some()
    }

    /// Makes what it was asked for.
    pub(super) fn answer(&self) {
        let Some(question) = self.state().asked.take() else { return };
        match question {
            Question::Hash(password) => match self.passwords.hash(&password) {
                Ok(hash) => self.state().hashes.push((password, hash)),
                Err(_) => self.state().has_failed = true,
            },
            Question::Comparison(password, hash) => match self.passwords.verify(&password, &hash) {
                Ok(is_equal) => self.state().comparisons.push((password, hash, is_equal)),
                Err(_) => self.state().has_failed = true,
            },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found; otherwise it is asked for.
    fn found<T>(
        &self,
        find: impl FnOnce(&State) -> Option<T>,
        make: impl FnOnce(&dyn Passwords) -> Result<T, PasswordsError>,
        question: impl FnOnce() -> Question,
    ) -> Result<T, PasswordsError> {
        let mut state = self.state();
        if let Some(found) = find(&state) {
            return Ok(found);
        }
        if state.has_failed {
            return make(&*self.passwords);
        }
        state.asked = Some(question());
        Err(PasswordsError(Box::new(NotPrepared)))
    }
}

impl Passwords for PreparedPasswords {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        self.found(
            |state| state.hashes.iter().find(|(known, _)| known == password).map(|(_, hash)| hash.clone()),
            |passwords| passwords.hash(password),
            || Question::Hash(password.clone()),
        )
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        self.found(
            |state| {
                let known = state.comparisons.iter().find(|(known, with, _)| known == password && with == hash);
                known.map(|(.., is_equal)| *is_equal)
            },
            |passwords| passwords.verify(password, hash),
            || Question::Comparison(password.clone(), hash.clone()),
        )
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        self.passwords.is_outdated(hash)
    }
}
