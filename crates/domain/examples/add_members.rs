//! Adds many users to a group in one call, over a store in memory: `cargo run -p guildhall-domain --example add_members`.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::{AddMembersError, Directory};
use guildhall_domain::group::GroupDraft;
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::memory::Memory;
use guildhall_domain::page::Page;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{Clock, Ids, Passwords, PasswordsError, Reach, Secrets, SecretsError};
use guildhall_domain::search::Listing;
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{UserDraft, UserId};
use uuid::Uuid;

/// The system's clock.
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "an example of the port that everything else takes the time from")]
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_milliseconds(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Ids that are unique in this process, which is all that a store in memory needs.
struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A program whose users do not sign in with passwords keeps none.
struct NoPasswords;

impl Passwords for NoPasswords {
    fn hash(&self, _: &Password) -> Result<PasswordHash, PasswordsError> {
        Ok(PasswordHash("*".to_owned()))
    }

    fn verify(&self, _: &Password, _: &PasswordHash) -> Result<bool, PasswordsError> {
        Ok(false)
    }

    fn is_outdated(&self, _: &PasswordHash) -> bool {
        false
    }
}

/// Nor does it hand out API keys or refresh tokens.
struct NoSecrets;

impl Secrets for NoSecrets {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        Err(SecretsError("this program makes no secrets".into()))
    }

    fn digest(&self, _: &str) -> SecretDigest {
        SecretDigest([0; 32])
    }

    fn keyed_digest(&self, text: &str) -> SecretDigest {
        self.digest(text)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = Directory::new(
        Arc::new(Memory::new(Arc::new(SystemClock))),
        Arc::new(NoPasswords),
        Arc::new(NoSecrets),
        Arc::new(Counted(AtomicU64::new(1))),
    );
    // The program that embeds the directory needs no permission. Each call has a context of its own.
    let call = || Context::new(Actor::Operator, SystemClock.now(), Uuid::nil(), Origin::Embedded);
    directory.prepare(&call())?;
    directory.create_first_administrator(&call(), "admin", "F1ghtC1ub1234!")?;

    let draft = GroupDraft { name: Some("Paper Street Soap Company".to_owned()), ..GroupDraft::default() };
    directory.create_group(&call(), draft)?;
    let mut users = BTreeSet::new();
    for name in ["tdurden", "msinger", "rpaulson", "aface", "rchesler"] {
        let draft = UserDraft {
            email: Some(format!("{name}@fightclub.com")),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            ..UserDraft::default()
        };
        users.insert(directory.create_user(&call(), draft)?.id);
    }

    let group = GroupIdentifier::from("paper street soap company");
    println!("first:  {:?}", directory.add_members(&call(), &group, &users)?);
    println!("again:  {:?}", directory.add_members(&call(), &group, &users)?);

    users.insert(UserId(Uuid::from_u128(0xdead)));
    if let Err(AddMembersError::UsersNotFound(unknown)) = directory.add_members(&call(), &group, &users) {
        println!("nobody: {unknown:?} not found");
    }

    let first_page = Listing::of_all(Page::default(), SystemClock.now());
    for user in directory.members(&call(), &group, Reach::Direct, &[], &first_page)?.items {
        println!("member: {}", user.username.as_str());
    }
    Ok(())
}
