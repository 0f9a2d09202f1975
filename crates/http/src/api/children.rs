//! Groups in groups (spec section 5.l).

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::Api;
use crate::blocking::blocking;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::segment::GroupSegment;

/// `PUT /groups/{group}/groups/{child}`
pub(crate) async fn add(
    api: Data<Api>,
    caller: Caller,
    path: Path<(GroupSegment, GroupSegment)>,
) -> Result<HttpResponse, Problem> {
    let (group, child) = path.into_inner();
    blocking(move || api.directory.add_child(&caller.0, &group.0, &child.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}
