//! What handlers answer with: JSON, pages and problems.

pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod response_body;
