//! The body of a bulk request: its schema and its parser.

use guildhall_domain::group::GroupId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::uuid_list::read_uuid_list;
use crate::respond::problem::Problem;

/// Ids of groups. One may be there more than once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes what `read` reads")]
pub(crate) struct GroupIds(Vec<Uuid>);

impl GroupIds {
    /// Parses at most `most` ids, in their order and with duplicates.
    pub(crate) fn read(body: Vec<u8>, most: usize) -> Result<Vec<GroupId>, Problem> {
        Ok(read_uuid_list(body, most)?.into_iter().map(GroupId).collect())
    }
}
