//! Who may do what (spec sections 2.3, 2.4 and 5.3).

use std::collections::BTreeSet;

use crate::ports::{Reader, Standing, StoreError};
use crate::time::Timestamp;
use crate::user::{SecurityStamp, UserId, password_is_stale};

/// The scope that everything beyond one's own account asks for (spec section 2.1).
pub const SECURITY_ADMINISTRATOR: &str = "Security_Administrator";

/// Every scope that is granted (spec section 2.1).
pub const KNOWN_SCOPES: [&str; 15] = [
    "openid",
    "offline_access",
    SECURITY_ADMINISTRATOR,
    "ContentType_Read",
    "ContentType_Write",
    "ContentType_Delete",
    "Entry_Read",
    "Entry_Write",
    "Entry_Delete",
    "Project_Read",
    "Project_Write",
    "Project_Delete",
    "Workflow_Administrator",
    "DiagnosticsAllUsers",
    "DiagnosticsAdministrator",
];

/// What a token may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Every known scope.
    #[must_use]
    pub fn all() -> Self {
        Self(KNOWN_SCOPES.into_iter().map(str::to_owned).collect())
    }

    /// The known ones among those in `text`, which are separated by spaces; others are dropped.
    #[must_use]
    pub fn known_in(text: &str) -> Self {
        Self(text.split_whitespace().filter(|scope| KNOWN_SCOPES.contains(scope)).map(str::to_owned).collect())
    }

    /// Whether `scope` is one of them.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// All of them in one text, separated by spaces.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Who is calling, as their token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The security stamp under which the token was issued.
    pub stamp: SecurityStamp,
    /// What the token may be used for.
    pub scopes: Scopes,
}

/// A request that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller is not, or no longer, somebody who may call.
    #[error("the caller is not authenticated")]
    Unauthenticated,
    /// The caller may not do this.
    #[error("the caller may not do this")]
    NotPermitted,
    /// The caller must change their password before anything else.
    #[error("the caller must change their password first")]
    PasswordResetRequired,
}

/// What was decided about a caller, unless the store failed.
pub type Decision<T = ()> = Result<Result<T, Denied>, StoreError>;

/// Lets an effective member of System Administrators through, and nobody else.
pub(crate) fn administrator(directory: &mut dyn Reader, caller: &Caller, now: Timestamp) -> Decision {
    Ok(standing(directory, caller, now)?.and_then(|standing| administers(&standing, caller, now)))
}

/// Lets an administrator through, and anybody who asks about themselves.
pub(crate) fn administrator_or_self(
    directory: &mut dyn Reader,
    caller: &Caller,
    about: Option<UserId>,
    now: Timestamp,
) -> Decision {
    let is_self = about == Some(caller.user);
    Ok(standing(directory, caller, now)?
        .and_then(|standing| if is_self { Ok(()) } else { administers(&standing, caller, now) }))
}

/// The caller's standing, if they may call at all: their account is there and open, and their token is of its present stamp.
fn standing(directory: &mut dyn Reader, caller: &Caller, now: Timestamp) -> Decision<Standing> {
    let heard = |standing: &Standing| standing.stamp == caller.stamp && standing.is_open(now);
    Ok(directory.standing(caller.user)?.filter(heard).ok_or(Denied::Unauthenticated))
}

fn administers(standing: &Standing, caller: &Caller, now: Timestamp) -> Result<(), Denied> {
    let stale = password_is_stale(standing.password_change_frequency, standing.password_changed, now);
    if standing.password_reset_required || stale {
        return Err(Denied::PasswordResetRequired);
    }
    if !standing.system_administrator || !caller.scopes.contains(SECURITY_ADMINISTRATOR) {
        return Err(Denied::NotPermitted);
    }
    Ok(())
}
