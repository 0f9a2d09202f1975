//! Users as an import tells them.

use super::draft::{Account, DEFAULT_PASSWORD_CHANGE_FREQUENCY, check_frequency};
use super::{Provider, ProviderKind, User, UserChanges, Username};
use crate::custom::CustomChange;
use crate::name::has_control;
use crate::record::UserRecord;
use crate::validation::{Faults, InvalidField, Truncated};
use crate::version::Version;

/// The most characters of the name of a provider.
const LONGEST_PROVIDER: usize = 255;

impl UserRecord {
    /// The name by which the user is found who has no id here: the username, or else the email address.
    pub(crate) fn name(&self) -> Option<&str> {
        let email = self.email.as_ref().and_then(Option::as_deref);
        self.username.as_deref().filter(|name| !name.trim().is_empty()).or(email)
    }

    /// The user who is `before` as the record tells them, or a new one, or every invalid column.
    pub(crate) fn user(&self, before: Option<&User>, account: Account) -> Result<User, Vec<InvalidField>> {
        let mut faults = Faults::default();
        let new = || {
            let username = faults.check("userName", Username::try_from(self.name().unwrap_or_default().to_owned()));
            let provider = Provider::contensis();
            Some(User {
                version: Version::FIRST,
                ..User::without_password(account.id, username?, provider, account.now)
            })
        };
        let Some(base) = before.cloned().or_else(new) else { return faults.into_result(None) };
        let changes = UserChanges {
            username: before.and(self.username.clone().map(Some)),
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            timezone: self.timezone.clone(),
            language: self.language.clone(),
            custom: self.custom.clone().map(CustomChange::Replace),
            opt_out_of_notifications: self.opt_out_of_notifications,
            ..UserChanges::default()
        };
        let mut user = match changes.apply(&base, account.now) {
            Ok(user) => user,
            Err(invalid) => {
                for InvalidField { field, message } in invalid {
                    faults.add(column(&field), message);
                }
                base.clone()
            }
        };
        self.set_provider(&mut user, &mut faults);
        self.set_frequency(&mut user, before.is_none(), &mut faults);
        self.set_account(&mut user);
        let is_changed = before.is_none_or(|before| user != *before);
        user.modified = self.modified.unwrap_or(if is_changed { account.now } else { base.modified });
        faults.into_result(Some(user))
    }

    fn set_provider(&self, user: &mut User, faults: &mut Faults) {
        match self.provider_type.as_deref() {
            None => {}
            Some("contensis") => user.provider.kind = ProviderKind::Contensis,
            Some("external") => user.provider.kind = ProviderKind::External,
            Some(other) => {
                let other = Truncated(other);
                let message = format!("The type '{other}' is not valid; it must be 'contensis' or 'external'");
                faults.add("providerType", message);
            }
        }
        let Some(name) = &self.provider_name else { return };
        if name.is_empty() || name.chars().count() > LONGEST_PROVIDER || has_control(name) {
            let message =
                format!("The name must have 1 to {LONGEST_PROVIDER} characters, none of them control characters");
            faults.add("providerName", message);
        } else {
            user.provider.name.clone_from(name);
        }
    }

    fn set_frequency(&self, user: &mut User, is_new: bool, faults: &mut Faults) {
        match self.password_change_frequency {
            Some(Some(days)) => {
                let mut own = Faults::default();
                user.password_change_frequency = Some(check_frequency(&mut own, days));
                for InvalidField { message, .. } in own.into_result(Some(())).err().unwrap_or_default() {
                    faults.add("passwordChangeFrequency", message);
                }
            }
            Some(None) => user.password_change_frequency = None,
            None if is_new && user.provider.kind == ProviderKind::Contensis => {
                user.password_change_frequency = Some(DEFAULT_PASSWORD_CHANGE_FREQUENCY);
            }
            None => {}
        }
    }

    /// Sets what requests do not set: an import tells it as it was elsewhere.
    fn set_account(&self, user: &mut User) {
        user.suspended = self.suspended.unwrap_or(user.suspended);
        user.password_reset_required = self.password_reset_required.unwrap_or(user.password_reset_required);
        user.expiry = self.expiry.unwrap_or(user.expiry);
        user.created = self.created.unwrap_or(user.created);
        user.last_login = self.last_login.unwrap_or(user.last_login);
        user.last_failed_login = self.last_failed_login.unwrap_or(user.last_failed_login);
        user.password_changed = self.password_changed.unwrap_or(user.password_changed);
        user.failed_login_attempts = self.failed_login_attempts.unwrap_or(user.failed_login_attempts);
        user.failed_login_attempts_since_last_success =
            self.failed_login_attempts_since_last_success.unwrap_or(user.failed_login_attempts_since_last_success);
        user.successful_login_attempts = self.successful_login_attempts.unwrap_or(user.successful_login_attempts);
    }
}

/// The column of a field.
fn column(field: &str) -> String {
    match field {
        "username" => "userName".to_owned(),
        other => other.to_owned(),
    }
}

/// The columns in which two states of a user differ.
pub(crate) fn differing_columns(before: &User, after: &User) -> Vec<&'static str> {
    let differs = [
        ("userName", before.username != after.username),
        ("email", before.email != after.email),
        ("firstName", before.first_name != after.first_name),
        ("lastName", before.last_name != after.last_name),
        ("timezone", before.timezone != after.timezone),
        ("language", before.language != after.language),
        ("custom", before.custom != after.custom),
        ("passwordChangeFrequency", before.password_change_frequency != after.password_change_frequency),
        ("providerType", before.provider.kind != after.provider.kind),
        ("providerName", before.provider.name != after.provider.name),
        ("suspended", before.suspended != after.suspended),
        ("passwordResetRequired", before.password_reset_required != after.password_reset_required),
        ("expiry", before.expiry != after.expiry),
        ("optOutOfNotifications", before.opt_out_of_notifications != after.opt_out_of_notifications),
        ("created", before.created != after.created),
        ("modified", before.modified != after.modified),
        ("lastLogin", before.last_login != after.last_login),
        ("lastFailedLogin", before.last_failed_login != after.last_failed_login),
        ("passwordChanged", before.password_changed != after.password_changed),
        ("failedLoginAttempts", before.failed_login_attempts != after.failed_login_attempts),
        (
            "failedLoginAttemptsSinceLastSuccess",
            before.failed_login_attempts_since_last_success != after.failed_login_attempts_since_last_success,
        ),
        ("successfulLoginAttempts", before.successful_login_attempts != after.successful_login_attempts),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column).collect()
}
