//! Responses: JSON, pages, entity tags and errors.

pub(crate) mod cursor;
pub(crate) mod etag;
pub(crate) mod json;
pub(crate) mod kept;
pub(crate) mod page;
pub(crate) mod preview;
pub(crate) mod problem;
pub(crate) mod response_body;
