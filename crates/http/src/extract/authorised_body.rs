//! The body of a request, read only after the caller is authorised.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use guildhall_domain::access::Permission;

use crate::Api;
use crate::extract::caller::Caller;
use crate::extract::request_body::{ReadError, RequestBody};
use crate::respond::problem::Problem;

/// The body of a request, not yet read.
pub(crate) struct AuthorisedBody {
    headers: HeaderMap,
    body: Option<RequestBody>,
}

impl AuthorisedBody {
    /// Checks that the caller has `permission` (401, 403), then reads a JSON body of at most `most` bytes (contract 1.3 and 1.6).
    pub(crate) async fn read_if_permitted(
        self,
        api: &Api,
        caller: &Caller,
        permission: Permission,
        most: usize,
    ) -> Result<Vec<u8>, Problem> {
        caller.authorise(api, permission).await?;
        self.read(&["application/json"], most).await
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
        if let Some(kind) = self.headers.get(header::CONTENT_TYPE) {
            let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            if !essence.is_empty() && !media.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
                return Err(Problem::unsupported_media(format!("The content type must be {}", media.join(" or "))));
            }
        }
        match self.headers.get(header::CONTENT_ENCODING) {
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
        ready(Ok(Self { headers: request.headers().clone(), body }))
    }
}
