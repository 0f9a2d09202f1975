//! Adds many members to a group in one call and asks who belongs where, without HTTP. See README.md.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use embedded::store::RedbStore;
use embedded::system::{NoPasswords, SystemClock, SystemSecrets, UuidV7};
use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::{AddMembersError, CreateGroupError, Directory, ReadUserError};
use guildhall_domain::group::GroupDraft;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::page::Page;
use guildhall_domain::ports::{Clock as _, Ids as _, Reach, Secrets};
use guildhall_domain::search::Listing;
use guildhall_domain::secret::Secret;
use guildhall_domain::user::{UserDraft, UserId};
use uuid::Uuid;

const COMPANY: &str = "Paper Street Soap Company";
const MAYHEM: &str = "Project Mayhem";
const ARSON: &str = "Arson Committee";
const NIGHT_SHIFT: &str = "Night Shift";

/// The program: the directory, and what its calls need.
struct Program {
    directory: Directory<'static>,
    secrets: Arc<dyn Secrets>,
}

impl Program {
    fn open(file: PathBuf) -> Result<Self, Box<dyn Error>> {
        let secrets = Arc::new(SystemSecrets::with_random_key()?);
        let store = Arc::new(RedbStore::open(file, Arc::new(SystemClock))?);
        let directory = Directory::new(store, Arc::new(NoPasswords), secrets.clone(), Arc::new(UuidV7));
        Ok(Self { directory, secrets })
    }

    /// The context of one call. The program itself calls, so no permission is needed.
    fn call() -> Context {
        Context::new(Actor::Operator, SystemClock.now(), UuidV7.next(), Origin::Embedded)
    }

    /// A password that nobody knows. Every account must have one, but the users of this program do not sign in to it.
    fn unknown_password(&self) -> Result<String, Box<dyn Error>> {
        Ok(Secret::of_client(&self.secrets.random()?).reveal().to_owned())
    }

    /// The user with this username, who is created if there is none.
    fn user(&self, username: &str) -> Result<UserId, Box<dyn Error>> {
        match self.directory.user(&Self::call(), &UserIdentifier::from(username)) {
            Ok(user) => Ok(user.id),
            Err(ReadUserError::UserNotFound) => {
                let draft = UserDraft {
                    username: Some(username.to_owned()),
                    email: Some(format!("{username}@fightclub.com")),
                    password: Some(self.unknown_password()?),
                    ..UserDraft::default()
                };
                Ok(self.directory.create_user(&Self::call(), draft)?.id)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Creates a group with this name, if there is none.
    fn create_group(&self, name: &str) -> Result<(), Box<dyn Error>> {
        let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
        match self.directory.create_group(&Self::call(), draft) {
            Ok(_) | Err(CreateGroupError::NameTaken(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// The usernames of the members of a group within `reach`.
    fn members(&self, group: &str, reach: Reach) -> Result<Vec<String>, Box<dyn Error>> {
        let listing = Listing::of_all(Page::default(), SystemClock.now());
        let page = self.directory.members(&Self::call(), &GroupIdentifier::from(group), reach, &[], &listing)?;
        Ok(page.items.into_iter().map(|user| user.username.as_str().to_owned()).collect())
    }

    /// Fills the directory. A second time, nothing changes.
    fn fill(&self) -> Result<BTreeSet<UserId>, Box<dyn Error>> {
        self.directory.prepare(&Self::call())?;
        self.directory.create_first_administrator(&Self::call(), "admin", &self.unknown_password()?)?;
        for group in [COMPANY, MAYHEM, ARSON, NIGHT_SHIFT] {
            self.create_group(group)?;
        }
        for (parent, child) in [(COMPANY, MAYHEM), (MAYHEM, ARSON)] {
            self.directory.add_child(&Self::call(), &parent.into(), &child.into())?;
        }
        self.directory.add_member(&Self::call(), &COMPANY.into(), &UserIdentifier::Id(self.user("msinger")?))?;
        ["aface", "rchesler", "rpaulson", "tdurden"].into_iter().map(|name| self.user(name)).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Removed at the end.
    let folder = tempfile::tempdir()?;
    let file = std::env::args_os().nth(1).map_or_else(|| folder.path().join("directory.redb"), PathBuf::from);
    let program = Program::open(file)?;
    let users = program.fill()?;

    let added = program.directory.add_members(&Program::call(), &ARSON.into(), &users)?;
    println!("{ARSON}: {} members by one call", added.new + added.existing);

    let unknown = UserId(Uuid::from_u128(0xdead));
    let with_unknown = users.iter().copied().chain([unknown]).collect();
    match program.directory.add_members(&Program::call(), &NIGHT_SHIFT.into(), &with_unknown) {
        Err(AddMembersError::UsersNotFound(ids)) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            println!("{NIGHT_SHIFT}: refused, because no user has the id {}", ids.join(", "));
        }
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("an unknown user was added".into()),
    }
    println!("{NIGHT_SHIFT}: {} members", program.members(NIGHT_SHIFT, Reach::Direct)?.len());

    for (user, group) in [("rpaulson", ARSON), ("rpaulson", COMPANY), ("msinger", ARSON)] {
        let is_member = program.directory.is_member(&Program::call(), &group.into(), &user.into())?;
        println!("Is {user} in {group}? {}", if is_member { "yes" } else { "no" });
    }
    println!("{COMPANY}, direct members: {}", program.members(COMPANY, Reach::Direct)?.join(", "));
    println!("{COMPANY}, all members: {}", program.members(COMPANY, Reach::Effective)?.join(", "));
    Ok(())
}
