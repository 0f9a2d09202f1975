//! Who may do what (contract 2.3, 2.4 and 5.3).

mod admitted;
mod caller;
mod managing;
mod permission;
mod policy;
mod protection;
mod refused;
mod target;

pub use crate::model::caller::Caller;
pub use crate::model::scopes::{KNOWN_SCOPES, SECURITY_ADMINISTRATOR, Scopes};
pub use caller::{Actor, Admission};
pub use permission::{On, Permission};
pub use policy::Policy;
pub use refused::{Denied, Refused};

pub(crate) use admitted::{Admitted, Grant};
pub(crate) use managing::NO_GROUP;
pub(crate) use refused::contains_refused;
pub(crate) use target::{Target, TargetGroup};
