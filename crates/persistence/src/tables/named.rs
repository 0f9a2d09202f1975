//! What has one of many names.

use std::collections::BTreeSet;

use diesel::QueryResult;
use guildhall_domain::name::NameKey;
use guildhall_domain::ports::StoreError;

use crate::connection::AnyConnection;
use crate::dialect::lookups::Named;
use crate::sql_types::Key;
use crate::unit_of_work::Unit;

impl Unit<'_> {
    /// The ids that `lookup` finds for `names`. Nothing is looked up if there are none.
    pub(super) fn named<'n>(
        &mut self,
        names: &BTreeSet<&'n NameKey>,
        lookup: impl FnOnce(&mut AnyConnection, &[&str]) -> QueryResult<Vec<Named>>,
    ) -> Result<Vec<(&'n NameKey, Key)>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&'n NameKey> = names.iter().copied().collect();
        let keys: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        self.run(|connection| {
            let found = lookup(connection, &keys)?;
            let id_of =
                |row: Named| usize::try_from(row.place).ok().and_then(|place| Some((*names.get(place)?, row.id)));
            Ok(found.into_iter().filter_map(id_of).collect())
        })
    }
}
