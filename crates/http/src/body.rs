//! Reading and writing JSON values.

pub(crate) mod custom;
pub(crate) mod dates;
pub(crate) mod field_errors;
pub(crate) mod json_text;
pub(crate) mod moment;
pub(crate) mod object;
pub(crate) mod uuid_list;
