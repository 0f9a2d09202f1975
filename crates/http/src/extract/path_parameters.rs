//! The parameters of a path (contract 6), as the router found them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::respond::problem::Problem;
use crate::routes::path_match::PathMatch;

/// The parameter of a path that has one.
pub(crate) struct PathParameter<T>(pub(crate) T);

impl<T: for<'a> From<&'a str>> FromRequest for PathParameter<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameters(request).map(|[only]| Self(T::from(&only))))
    }
}

/// The parameters of a path that has two.
pub(crate) struct PathParameters<A, B>(pub(crate) A, pub(crate) B);

impl<A: for<'a> From<&'a str>, B: for<'a> From<&'a str>> FromRequest for PathParameters<A, B> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameters(request).map(|[first, second]| Self(A::from(&first), B::from(&second))))
    }
}

fn parameters<const COUNT: usize>(request: &HttpRequest) -> Result<[String; COUNT], Problem> {
    let extensions = request.extensions();
    let parameters = extensions.get::<PathMatch>().map(PathMatch::parameters).unwrap_or_default();
    let exactly = parameters.to_vec().try_into();
    exactly.map_err(|_| Problem::unexpected(format!("the handler reads {COUNT} parameters of another path")))
}
