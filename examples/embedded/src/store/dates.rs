//! Dates of memberships and edges between groups: of those that have some.
//!
//! What counts at present, the relations tell. Dates whose beginning has not come, beside something that counts, tell when that ends.

use guildhall_domain::group::GroupId;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::ports::StoreError;
use guildhall_domain::provenance::Provenance;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::Validity;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UnitOfWork;
use super::children::CHILDREN;
use super::memberships::MEMBERS;
use super::tables::{Changes, Rows, Tables};

/// A group, the kind of a member, and its id.
pub(super) type DatesKey = (Uuid, u8, Uuid);
/// The moment at which a row has an effect next, and the key of the row.
type NextKey = (i64, Uuid, u8, Uuid);

pub(super) const DATES: Rows<DatesKey, DatesRow> = Rows::new("dates of memberships");
/// The keys of rows that have an effect later, by that moment.
pub(super) const NEXT: Rows<NextKey, DatesKey> = Rows::new("next dates of memberships");

/// From when until when somebody or something belongs to a group.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct DatesRow {
    group: Uuid,
    kind: u8,
    member: Uuid,
    pub(super) from: Option<i64>,
    pub(super) until: Option<i64>,
    added: i64,
    by: Option<Uuid>,
    /// When it has an effect next: the beginning, until it has come, then the end.
    pub(super) next: Option<i64>,
}

const USER: u8 = 0;
const GROUP: u8 = 1;

pub(super) fn key(group: GroupId, member: ManagerId) -> DatesKey {
    match member {
        ManagerId::User(user) => (group.0, USER, user.0),
        ManagerId::Group(child) => (group.0, GROUP, child.0),
    }
}

impl DatesRow {
    pub(super) fn new(group: GroupId, member: ManagerId, added: Provenance) -> Self {
        let (group, kind, member) = key(group, member);
        let (added, by) = (added.at.milliseconds(), added.by.map(|user| user.0));
        Self { group, kind, member, from: None, until: None, added, by, next: None }
    }

    /// The same with these dates, as of `now`.
    pub(super) fn with(self, validity: Validity, now: Timestamp) -> Self {
        let [from, until, next] =
            [validity.from, validity.until, validity.next(now)].map(|moment| moment.map(Timestamp::milliseconds));
        Self { from, until, next, ..self }
    }

    pub(super) fn group(&self) -> GroupId {
        GroupId(self.group)
    }

    pub(super) fn member(&self) -> ManagerId {
        if self.kind == USER { ManagerId::User(UserId(self.member)) } else { ManagerId::Group(GroupId(self.member)) }
    }

    pub(super) fn added(&self) -> Provenance {
        Provenance { at: Timestamp::from_milliseconds(self.added), by: self.by.map(UserId) }
    }

    /// Whether the beginning has not come.
    pub(super) fn begins_later(&self) -> bool {
        self.from.is_some() && self.next == self.from
    }

    pub(super) fn validity(&self) -> Validity {
        let moment = |moment: Option<i64>| moment.map(Timestamp::from_milliseconds);
        Validity { from: moment(self.from), until: moment(self.until) }
    }

    fn key(&self) -> DatesKey {
        (self.group, self.kind, self.member)
    }
}

impl<T: Tables> UnitOfWork<T> {
    pub(super) fn dates(&self, group: GroupId, member: ManagerId) -> Result<Option<DatesRow>, StoreError> {
        DATES.get(&self.0, key(group, member))
    }

    /// Whether somebody or something belongs to the group at present.
    pub(super) fn is_present(&self, group: GroupId, member: ManagerId) -> Result<bool, StoreError> {
        let pair = match member {
            ManagerId::User(user) => MEMBERS.pair(&self.0, group.0, user.0)?,
            ManagerId::Group(child) => CHILDREN.pair(&self.0, group.0, child.0)?,
        };
        Ok(pair.is_some())
    }

    /// The dates of one who belongs to the group. One who came in sooner than was scheduled has no beginning.
    pub(super) fn validity_of(&self, group: GroupId, member: ManagerId) -> Result<Validity, StoreError> {
        let Some(row) = self.dates(group, member)? else { return Ok(Validity::ALWAYS) };
        let Validity { from, until } = row.validity();
        Ok(Validity { from: from.filter(|_| !row.begins_later()), until })
    }

    /// The dates of all who do not belong to a group at present, and will.
    pub(super) fn scheduled(&self) -> Result<Vec<DatesRow>, StoreError> {
        let mut rows = DATES.all(&self.0)?;
        rows.retain(DatesRow::begins_later);
        let mut scheduled = Vec::new();
        for row in rows {
            if !self.is_present(row.group(), row.member())? {
                scheduled.push(row);
            }
        }
        Ok(scheduled)
    }

    /// The edges that begin later: from which group to which.
    pub(super) fn later_edges(&self) -> Result<Vec<(GroupId, GroupId)>, StoreError> {
        let edge = |row: DatesRow| match row.member() {
            ManagerId::Group(child) => Some((row.group(), child)),
            ManagerId::User(_) => None,
        };
        Ok(self.scheduled()?.into_iter().filter_map(edge).collect())
    }

    /// The dates that have come by `now`, in the order of the groups and members.
    pub(super) fn due(&self, now: Timestamp) -> Result<Vec<DatesRow>, StoreError> {
        let mut due = Vec::new();
        for key in NEXT.up_to(&self.0, (now.milliseconds(), Uuid::max(), u8::MAX, Uuid::max()), usize::MAX)? {
            due.extend(DATES.get(&self.0, key)?);
        }
        due.sort_by_key(DatesRow::key);
        Ok(due)
    }

    /// Whether any date has come by `now`.
    pub(super) fn is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let first = NEXT.up_to(&self.0, (now.milliseconds(), Uuid::max(), u8::MAX, Uuid::max()), 1)?;
        Ok(!first.is_empty())
    }
}

impl UnitOfWork<Changes> {
    /// Stores a row, or removes it if it has no dates.
    pub(super) fn put_dates(&self, row: &DatesRow) -> Result<(), StoreError> {
        self.remove_dates(row.group(), row.member())?;
        if row.validity().is_always() {
            return Ok(());
        }
        let (group, kind, member) = row.key();
        if let Some(next) = row.next {
            NEXT.put(&self.0, (next, group, kind, member), &row.key())?;
        }
        DATES.put(&self.0, row.key(), row).map(drop)
    }

    /// Removes the dates of one member and returns them.
    pub(super) fn remove_dates(&self, group: GroupId, member: ManagerId) -> Result<Option<DatesRow>, StoreError> {
        let row = DATES.remove(&self.0, key(group, member))?;
        if let Some((next, row)) = row.as_ref().and_then(|row| Some((row.next?, row))) {
            let (group, kind, member) = row.key();
            NEXT.remove(&self.0, (next, group, kind, member))?;
        }
        Ok(row)
    }

    /// Removes all dates of a user or a group that is deleted.
    pub(super) fn forget_dates(&self, id: ManagerId) -> Result<(), StoreError> {
        for row in DATES.all(&self.0)? {
            if row.member() == id || ManagerId::Group(row.group()) == id {
                self.remove_dates(row.group(), row.member())?;
            }
        }
        Ok(())
    }
}
