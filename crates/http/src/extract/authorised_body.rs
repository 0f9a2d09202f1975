//! The body of a request by a caller who has a permission (contract 1.3 and 1.6).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use guildhall_domain::access::{On, Permission};
use guildhall_domain::context::Context;
use guildhall_domain::identifier::UserIdentifier;

use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::request_body::{ReadError, RequestBody};
use crate::respond::problem::Problem;

/// The media type of most bodies.
pub(crate) const JSON: [&str; 1] = ["application/json"];

/// The body of a request, not yet read.
pub(crate) struct AuthorisedBody {
    content_type: Option<HeaderValue>,
    content_encoding: Option<HeaderValue>,
    body: Option<RequestBody>,
}

/// A permission that whoever sends a body must have: on all things of its kind, or on a user.
#[derive(Clone)]
pub(crate) struct Required {
    permission: Permission,
    user: Option<UserIdentifier>,
}

impl Required {
    pub(crate) fn on_all(permission: Permission) -> Self {
        Self { permission, user: None }
    }

    pub(crate) fn on_user(permission: Permission, user: &UserIdentifier) -> Self {
        Self { permission, user: Some(user.clone()) }
    }

    fn on(&self) -> On<'_> {
        self.user.as_ref().map_or(On::All, On::User)
    }
}

/// A body that was read, and the permission of its sender if that was not asked for yet.
pub(crate) struct ReceivedBody {
    bytes: Vec<u8>,
    unasked: Option<Required>,
}

impl ReceivedBody {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What `parse` makes of it. Returns the parse error only if the caller has the permission; otherwise 401 or 403. The use case asks for
    /// the permission itself, so that it need not be asked for before a body without faults.
    pub(crate) fn parse<T>(
        self,
        api: &Api,
        context: &Context,
        parse: impl FnOnce(Vec<u8>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let parsed = parse(self.bytes);
        if let (Err(_), Some(required)) = (&parsed, self.unasked) {
            api.directory.authorise(context, required.permission, required.on())?;
        }
        parsed
    }
}

impl AuthorisedBody {
    /// Checks that the caller has the permission (401, 403), then reads a body of one of the types `media` of at most `most` bytes. A body
    /// that has arrived with the head costs nothing more, so of such a one the permission is asked for later.
    pub(crate) async fn read_if_permitted(
        self,
        api: &Api,
        caller: &Caller,
        required: Required,
        (media, most): (&[&str], usize),
    ) -> Result<ReceivedBody, Problem> {
        let is_kind = self.check_media(media).is_ok();
        if let (true, Some(body)) = (is_kind, &self.body)
            && let Some(bytes) = body.arrived(most).await
        {
            return Ok(ReceivedBody { bytes, unasked: Some(required) });
        }
        match &required.user {
            None => caller.authorise(api, required.permission).await?,
            Some(user) => caller.authorise_on_user(api, required.permission, user).await?,
        }
        Ok(ReceivedBody { bytes: self.read(media, most).await?, unasked: None })
    }

    /// Reads a body of one of the types `media`. The caller must have been authorised before.
    pub(crate) async fn read(self, media: &[&str], most: usize) -> Result<Vec<u8>, Problem> {
        self.check_media(media)?;
        let Some(body) = self.body else {
            return Ok(Vec::new());
        };
        body.read(most).await.map_err(|error| match error {
            ReadError::TooLarge => Problem::too_large(format!("The body is larger than {most} bytes")),
            ReadError::TooSlow => Problem::request_timeout("The body came too slowly"),
            ReadError::Stopping => Problem::unavailable("the server stops, and the body has not come yet"),
            ReadError::Broken(error) => Problem::bad_request(format!("The body could not be read: {error}")),
        })
    }

    /// The content type must be one of `media`, with any parameters, or absent.
    fn check_media(&self, media: &[&str]) -> Result<(), Problem> {
        if let Some(kind) = &self.content_type {
            let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            if !essence.is_empty() && !media.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
                return Err(Problem::unsupported_media(format!("The content type must be {}", media.join(" or "))));
            }
        }
        match &self.content_encoding {
            Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
                Err(Problem::unsupported_media("The body must not be compressed"))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequest for AuthorisedBody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let body = request.extensions().get::<RequestBody>().cloned();
        // Not a copy of all headers, which takes 6 KiB while the body is awaited.
        let header = |name: HeaderName| request.headers().get(name).cloned();
        let (content_type, content_encoding) = (header(header::CONTENT_TYPE), header(header::CONTENT_ENCODING));
        ready(Ok(Self { content_type, content_encoding, body }))
    }
}
