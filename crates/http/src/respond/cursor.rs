//! Cursors: positions in a listing, sealed for the client (docs/api-conventions.md, "Cursors").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall_domain::context::Context;
use guildhall_domain::name::KEY_VERSION;
use guildhall_domain::position::Position;

use crate::Api;
use crate::respond::problem::Problem;

/// The name of the cursor in requests.
pub(crate) const CURSOR: &str = "cursor";

/// The most characters of a cursor. Longer ones were not made here.
const MAX_CHARACTERS: usize = 16 * 1024;

/// What a cursor is bound to: the caller, the path, the filter and the order. It is good for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding(Vec<u8>);

impl Binding {
    /// The binding to this path.
    pub(crate) fn to_path(path: &str) -> Self {
        Self(Vec::new()).with(path.trim_end_matches('/'))
    }

    /// The same, and bound to this part of the request: no two lists of parts have the same bytes.
    pub(crate) fn with(mut self, part: &str) -> Self {
        self.0.extend((part.len() as u64).to_be_bytes());
        self.0.extend(part.as_bytes());
        self
    }

    /// The same, and bound to the caller and to how texts are compared.
    fn by(self, context: &Context) -> Vec<u8> {
        let caller = context.actor().user().map(|user| user.0.to_string()).unwrap_or_default();
        self.with(&caller).with(&KEY_VERSION.to_string()).0
    }
}

/// The cursor of a position.
pub(crate) fn seal(api: &Api, context: &Context, binding: &Binding, position: &Position) -> Result<String, Problem> {
    let sealed = api.seals.seal(&position.encode(), &binding.clone().by(context));
    let sealed = sealed.map_err(|error| Problem::unexpected(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The position of a cursor.
pub(crate) fn open(api: &Api, context: &Context, binding: &Binding, cursor: &str) -> Result<Position, Problem> {
    let open = || {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        Position::decode(&api.seals.open(&sealed, &binding.clone().by(context))?)
    };
    let position = if cursor.len() > MAX_CHARACTERS { None } else { open() };
    position.ok_or_else(|| Problem::bad_request("The cursor is not valid"))
}
