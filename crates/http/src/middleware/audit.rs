//! Audit log lines, with the target `audit`. The caller and the client address are in the span of the request.

use std::fmt::Display;

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use guildhall_domain::audit::{AdministratorsChange, ApiKeyChange, AuditNote, IdList};
use guildhall_domain::context::Context;
use guildhall_domain::directory::ChangePasswordError;
use guildhall_domain::identifier::UserIdentifier;

use crate::middleware::request_span::{LONGEST_NAME, excerpt};
use crate::respond::problem::Problem;

/// The most characters of a reason: libraries may repeat part of their input in an error.
const LONGEST_REASON: usize = 300;

/// Writes the audit line of a use case's note.
pub(crate) fn report(note: &AuditNote) {
    match note {
        AuditNote::AdministratorsChanged { change, administrators, group, users, groups } => {
            let change = administrators_change(*change);
            let administrators: Vec<_> = administrators.iter().map(|group| group.name()).collect();
            tracing::info!(
                target: "audit",
                event = "administrators_changed",
                change,
                administrators = administrators.join(", "),
                group = group.map(tracing::field::display),
                users = id_list(users),
                user_count = id_count(users),
                groups = id_list(groups),
                group_count = id_count(groups),
                "who administers has changed: {change}"
            );
        }
        AuditNote::Locked { user } => {
            tracing::info!(
                target: "audit",
                event = "account_locked",
                user = %user,
                "wrong passwords have locked the account {user}"
            );
        }
        AuditNote::ApiKeyChanged { change, key, name } => {
            let (change, name) = (api_key_change(*change), excerpt(name, LONGEST_NAME));
            tracing::info!(
                target: "audit",
                event = "api_key_changed",
                change,
                key = %key,
                name,
                "the API key {key} was {change}"
            );
        }
    }
}

/// Writes an audit line if `problem` is 401 or 403, for a request with a token.
pub(crate) fn report_if_denied(problem: &Problem) {
    let status = problem.status_code();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        denied(status, &problem.cause().unwrap_or_else(|| problem.to_string()));
    }
}

/// Writes an audit line for a token that is not accepted.
pub(crate) fn token_refused(reason: &str) {
    denied(StatusCode::UNAUTHORIZED, reason);
}

fn denied(status: StatusCode, reason: &str) {
    let (code, reason) = (status.as_u16(), excerpt(reason, LONGEST_REASON));
    tracing::info!(target: "audit", event = "denied", status = code, reason, "denied with {code}");
}

/// Writes an audit line for a refused sign-in, if `problem` is a client error. `name` is the username or client id of the request.
pub(crate) fn report_if_sign_in_refused(name: Option<&str>, problem: &Problem) {
    let status = problem.status_code();
    if status.is_client_error() {
        let (name, reason) = (name.map(|name| excerpt(name, LONGEST_NAME)), problem.to_string());
        tracing::info!(target: "audit", event = "sign_in_refused", name, reason, "a sign-in was refused");
    }
}

/// What writes an audit line if a password was changed, or if the existing password was incorrect.
pub(crate) fn password_change(
    context: &Context,
    user: &UserIdentifier,
    outcome: &Result<(), ChangePasswordError>,
) -> impl FnOnce() + 'static {
    let user = match user {
        UserIdentifier::Current => context.actor().user().map(|user| user.to_string()).unwrap_or_default(),
        UserIdentifier::Id(id) => id.to_string(),
        UserIdentifier::Name(name) => excerpt(name.as_str(), LONGEST_NAME),
    };
    let (is_changed, is_guess) = (outcome.is_ok(), matches!(outcome, Err(ChangePasswordError::ExistingIncorrect)));
    move || {
        if is_changed {
            tracing::info!(target: "audit", event = "password_changed", user, "a password was changed");
        } else if is_guess {
            tracing::info!(target: "audit", event = "password_change_refused", user, "a password change was refused");
        }
    }
}

fn id_list<I: Display>(ids: &IdList<I>) -> Option<String> {
    let ids: Vec<_> = ids.first.iter().map(ToString::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

fn id_count<I>(ids: &IdList<I>) -> Option<u64> {
    (ids.count > 0).then_some(ids.count as u64)
}

fn administrators_change(change: AdministratorsChange) -> &'static str {
    match change {
        AdministratorsChange::UsersAdded => "users added",
        AdministratorsChange::UserRemoved => "user removed",
        AdministratorsChange::UsersScheduled => "users scheduled",
        AdministratorsChange::GroupsAdded => "groups added",
        AdministratorsChange::GroupRemoved => "group removed",
        AdministratorsChange::GroupsScheduled => "groups scheduled",
        AdministratorsChange::GroupDeleted => "group deleted",
        AdministratorsChange::DomainsChanged => "email domains changed",
        AdministratorsChange::UserDeleted => "user deleted",
        AdministratorsChange::UserSuspended => "user suspended",
        AdministratorsChange::UserUnsuspended => "user unsuspended",
        AdministratorsChange::ExpiryChanged => "expiry changed",
    }
}

fn api_key_change(change: ApiKeyChange) -> &'static str {
    match change {
        ApiKeyChange::Created => "created",
        ApiKeyChange::Changed => "changed",
        ApiKeyChange::Rotated => "given another secret",
        ApiKeyChange::Deleted => "deleted",
    }
}
