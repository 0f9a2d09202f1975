//! Writes what a directory keeps.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use guildhall_domain::context::Context;
use guildhall_domain::directory::{ApiKeyError, Directory, ManagersError, ReadGroupError, ReadUserError};
use guildhall_domain::group::{Group, GroupKind, SystemGroup};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::page::{EmptyPage, Page, Paged};
use guildhall_domain::ports::{MembershipListing, MembershipOrder};
use guildhall_domain::search::{Filter, GroupListing, UserListing};
use guildhall_domain::user::UserId;

use crate::file::{Format, TableFile};
use crate::tables::{self, EDGES, GROUPS, MANAGERS, MEMBERSHIPS, USERS};

/// Why not all was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file cannot be written.
    #[error("{}", .path.display())]
    File {
        /// The file or the folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Users cannot be read.
    #[error(transparent)]
    Users(#[from] ReadUserError),
    /// Groups, or their members, cannot be read.
    #[error(transparent)]
    Groups(#[from] ReadGroupError),
    /// Managers cannot be read.
    #[error(transparent)]
    Managers(#[from] ManagersError),
    /// API keys cannot be read.
    #[error(transparent)]
    ApiKeys(#[from] ApiKeyError),
    /// A page cannot be asked for.
    #[error(transparent)]
    Page(#[from] EmptyPage),
    /// A custom property that JSON cannot say.
    #[error("a custom property cannot be written")]
    Custom(#[from] serde_json::Error),
}

/// How many rows each file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Users, but for those of API keys.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Edges between groups.
    pub edges: u64,
    /// Memberships, but for those of `Everyone` and of API keys.
    pub memberships: u64,
    /// Managers of groups, but for API keys.
    pub managers: u64,
}

/// Where pages come from.
struct Export<'a> {
    directory: &'a Directory<'a>,
    context: &'a dyn Fn() -> Context,
    /// The users of API keys, which are left out: a key is no key without its secret.
    of_keys: BTreeSet<UserId>,
    folder: &'a Path,
    format: Format,
}

/// Writes users, groups, edges, memberships and managers to a file each in `folder`, which is made if it is not there. Each page is read at its own moment: for the
/// state of one moment, nobody may change anything meanwhile. `context` is that of a reader who may read all.
///
/// # Errors
///
/// When one of the files is there, cannot be written, or something cannot be read. Files that are complete stay.
pub fn export(
    directory: &Directory<'_>,
    context: &dyn Fn() -> Context,
    folder: &Path,
    format: Format,
) -> Result<Exported, ExportError> {
    fs::create_dir_all(folder).map_err(|source| ExportError::File { path: folder.to_owned(), source })?;
    let mut of_keys = BTreeSet::new();
    for index in 0.. {
        let page = directory.api_keys(&context(), &Page::new(index, Page::LARGEST_SIZE)?)?;
        of_keys.extend(page.items.iter().map(|key| key.user));
        if index + 1 >= page.page_count() {
            break;
        }
    }
    let export = Export { directory, context, of_keys, folder, format };
    let users = export.users()?;
    Ok(Exported { users, ..export.groups()? })
}

impl Export<'_> {
    /// Whether a user is told.
    fn is_told(&self, user: UserId) -> bool {
        !self.of_keys.contains(&user)
    }

    fn users(&self) -> Result<u64, ExportError> {
        let mut file = self.create(USERS)?;
        let mut count = 0;
        walk(
            |page| {
                let context = (self.context)();
                Ok(self.directory.users(&context, &UserListing::of_all(page, context.now()))?)
            },
            |user| {
                if !self.of_keys.contains(&user.id) {
                    write(&mut file, &tables::user(user)?)?;
                    count += 1;
                }
                Ok(())
            },
        )?;
        finish(file)?;
        Ok(count)
    }

    fn groups(&self) -> Result<Exported, ExportError> {
        let mut groups = self.create(GROUPS)?;
        let mut edges = self.create(EDGES)?;
        let mut memberships = self.create(MEMBERSHIPS)?;
        let mut managers = self.create(MANAGERS)?;
        let mut count = Exported::default();
        walk(
            |page| {
                let context = (self.context)();
                Ok(self.directory.groups(&context, &GroupListing::of_all(page, context.now()))?)
            },
            |group| {
                write(&mut groups, &tables::group(group)?)?;
                count.groups += 1;
                count.edges += self.edges(group, &mut edges)?;
                count.memberships += self.memberships(group, &mut memberships)?;
                count.managers += self.managers(group, &mut managers)?;
                Ok(())
            },
        )?;
        for file in [groups, edges, memberships, managers] {
            finish(file)?;
        }
        Ok(count)
    }

    fn edges(&self, group: &Group, file: &mut TableFile) -> Result<u64, ExportError> {
        let id = GroupIdentifier::Id(group.id);
        let mut count = 0;
        walk(
            |page| {
                let context = (self.context)();
                Ok(self.directory.edges_of_group(&context, &id, &listing(page, &context))?)
            },
            |edge| {
                count += 1;
                write(file, &tables::edge(edge, |user| self.is_told(user)))
            },
        )?;
        Ok(count)
    }

    fn memberships(&self, group: &Group, file: &mut TableFile) -> Result<u64, ExportError> {
        if group.kind == GroupKind::System && group.name.key() == SystemGroup::Everyone.key() {
            return Ok(0);
        }
        let id = GroupIdentifier::Id(group.id);
        let mut count = 0;
        walk(
            |page| {
                let context = (self.context)();
                Ok(self.directory.memberships_of_group(&context, &id, &listing(page, &context))?)
            },
            |membership| {
                if self.of_keys.contains(&membership.member.id) {
                    return Ok(());
                }
                count += 1;
                write(file, &tables::membership(membership, |user| self.is_told(user)))
            },
        )?;
        Ok(count)
    }

    fn managers(&self, group: &Group, file: &mut TableFile) -> Result<u64, ExportError> {
        let id = GroupIdentifier::Id(group.id);
        let mut count = 0;
        walk(
            |page| Ok(self.directory.managers(&(self.context)(), &id, &page)?),
            |manager| {
                if matches!(manager.id, ManagerId::User(user) if self.of_keys.contains(&user)) {
                    return Ok(());
                }
                count += 1;
                write(file, &tables::manager(group, manager, |user| self.is_told(user)))
            },
        )?;
        Ok(count)
    }

    fn create(&self, table: tables::Table) -> Result<TableFile, ExportError> {
        let path = || self.folder.join(format!("{}.{}", table.name, self.format.extension()));
        TableFile::create(self.folder, table, self.format).map_err(|source| ExportError::File { path: path(), source })
    }
}

/// Everything that a listing of a group's members has.
fn listing<F>(page: Page, context: &Context) -> MembershipListing<F> {
    MembershipListing {
        state: None,
        expiring_before: None,
        filter: Filter::All(Vec::new()),
        order: MembershipOrder::Name,
        is_descending: false,
        page,
        now: context.now(),
    }
}

/// Goes through a listing page by page.
fn walk<T>(
    read: impl Fn(Page) -> Result<Paged<T>, ExportError>,
    mut each: impl FnMut(&T) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut page = Page::first(Page::LARGEST_SIZE)?;
    loop {
        let found = read(page)?;
        for item in &found.items {
            each(item)?;
        }
        let Some(next) = found.next else { return Ok(()) };
        page = Page::after(next, Page::LARGEST_SIZE)?;
    }
}

fn write(file: &mut TableFile, cells: &[crate::cell::Cell]) -> Result<(), ExportError> {
    file.write(cells).map_err(|source| ExportError::File { path: file.path().to_owned(), source })
}

fn finish(file: TableFile) -> Result<(), ExportError> {
    let path = file.path().to_owned();
    file.finish().map_err(|source| ExportError::File { path, source })
}
