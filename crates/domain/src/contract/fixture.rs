//! A directory with an administrator, and short ways to fill it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use uuid::Uuid;

use crate::access::{Actor, Caller, Denied, On, Permission, Refused, Scopes};
use crate::context::{Context, Origin};
use crate::custom::Custom;
use crate::directory::Directory;
use crate::group::{Group, GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::password::{Password, PasswordHash};
use crate::ports::{Clock, Ids, NameSource, Passwords, PasswordsError, Secrets, SecretsError, Store, StoreError};
use crate::search::{Field, Listing};
use crate::secret::{RANDOM_BYTES, SecretDigest};
use crate::time::{DAY, Timestamp};
use crate::user::{Email, Lockout, Provider, SecurityStamp, User, UserId, Username};
use crate::version::Version;

/// The time when a test begins.
pub(super) const NOW: i64 = 1_700_000_000_123;

/// A clock that stands still until a test moves it on.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows when tests begin.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOW)))
    }

    /// Shows this moment from now on.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.milliseconds(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

/// An empty store, and the clock that it goes by.
pub struct Given {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<TestClock>,
}

impl From<Given> for Arc<dyn Store> {
    fn from(given: Given) -> Self {
        given.store
    }
}

struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// What [`AsItIs`] takes for an outdated hash begins with this, and the password follows.
pub(super) const OUTDATED: &str = "outdated:";

/// Keeps a password as it is: what a store does with hashes does not depend on how they were made.
pub(super) struct AsItIs;

impl Passwords for AsItIs {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        Ok(PasswordHash(password.reveal().to_owned()))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        Ok(password.reveal() == hash.0.strip_prefix(OUTDATED).unwrap_or(&hash.0))
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.0.starts_with(OUTDATED)
    }
}

/// Secrets that everybody can guess: what a store does with digests does not depend on how they were made.
struct Guessable(AtomicU64);

impl Secrets for Guessable {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut random = [0; RANDOM_BYTES];
        random[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(random)
    }

    fn digest(&self, secret: &str) -> SecretDigest {
        let mut digest = [0; 32];
        for (index, byte) in secret.bytes().enumerate() {
            digest[index % 32] ^= byte.rotate_left(u32::try_from(index / 32).unwrap_or(0));
        }
        SecretDigest(digest)
    }

    fn keyed_digest(&self, text: &str) -> SecretDigest {
        let mixed = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        SecretDigest(std::array::from_fn(|index| {
            mixed.rotate_left(u32::try_from(index).unwrap_or(0) * 8).to_be_bytes()[0]
        }))
    }
}

/// A prepared directory over a store, with an administrator who can do everything.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The directory over it.
    pub directory: Directory<'static>,
    /// The administrator.
    pub admin: Caller,
    ids: Arc<dyn Ids>,
    /// The clock of the calls, and of the store if it was given with it.
    pub clock: Arc<TestClock>,
}

/// The outcome of a test's unit of work.
pub(super) type Outcome<T> = Result<T, StoreError>;

impl Fixture {
    /// Prepares an empty store.
    ///
    /// # Panics
    ///
    /// If the store fails.
    #[must_use]
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self::empty(store).with_administrator()
    }

    /// Prepares an empty store whose clock is that of the calls.
    ///
    /// # Panics
    ///
    /// If the store fails.
    #[must_use]
    pub fn given(given: Given) -> Self {
        Self::by_clock(given.store, given.clock).with_administrator()
    }

    fn with_administrator(self) -> Self {
        let fixture = self;
        must(fixture.directory.create_first_administrator(&fixture.operator(), "admin", "F1ghtC1ub1234!"));
        let admin = must(fixture.directory.caller_for(&fixture.operator(), &UserIdentifier::from("admin")));
        Self { admin, ..fixture }
    }

    /// The same, without any user: the administrator is nobody.
    #[must_use]
    pub fn empty(store: Arc<dyn Store>) -> Self {
        Self::by_clock(store, TestClock::new())
    }

    fn by_clock(store: Arc<dyn Store>, clock: Arc<TestClock>) -> Self {
        let ids: Arc<dyn Ids> = Arc::new(Counted(AtomicU64::new(1)));
        let secrets = Arc::new(Guessable(AtomicU64::new(1)));
        let directory = Directory::new(Arc::clone(&store), Arc::new(AsItIs), secrets, Arc::clone(&ids));
        let admin = Caller { user: UserId(Uuid::nil()), stamp: SecurityStamp(Uuid::nil()), scopes: Scopes::default() };
        let fixture = Self { store, directory, admin, ids, clock };
        must(fixture.directory.prepare(&fixture.operator()));
        fixture
    }

    /// A directory over another store.
    #[must_use]
    pub fn directory_over(&self, store: Arc<dyn Store>) -> Directory<'static> {
        let secrets = Arc::new(Guessable(AtomicU64::new(1)));
        Directory::new(store, Arc::new(AsItIs), secrets, Arc::clone(&self.ids))
    }

    /// A directory over the same store, with other passwords.
    pub(super) fn directory_with(&self, passwords: Arc<dyn Passwords>) -> Directory<'static> {
        let secrets = Arc::new(Guessable(AtomicU64::new(1 << 32)));
        Directory::new(Arc::clone(&self.store), passwords, secrets, Arc::clone(&self.ids))
    }

    /// A call by `actor` at this moment.
    #[must_use]
    pub fn by(&self, actor: impl Into<Actor>) -> Context {
        Context::new(actor, self.now(), self.ids.next(), Origin::Embedded)
    }

    /// A call by whoever runs the program.
    #[must_use]
    pub fn operator(&self) -> Context {
        self.by(Actor::Operator)
    }

    /// A call by a client that has not authenticated.
    #[must_use]
    pub fn anonymous(&self) -> Context {
        self.by(Actor::Anonymous)
    }

    /// Whether a caller has this permission on anything of its kind.
    pub fn may(&self, caller: &Caller, permission: Permission) -> Result<(), Denied> {
        match self.directory.authorise(&self.by(caller), permission, On::All) {
            Err(Refused::Denied(denied)) => Err(denied),
            outcome => {
                must(outcome);
                Ok(())
            }
        }
    }

    /// What the clock says.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// This page of everything, by name.
    #[must_use]
    pub fn all<F: Field>(&self, page: Page) -> Listing<F> {
        Listing::of_all(page, self.now())
    }

    /// Lets so many days go by.
    pub fn wait_days(&self, days: i64) {
        self.clock.0.fetch_add(days * DAY, Ordering::Relaxed);
    }

    /// Lets so many minutes go by.
    pub fn wait_minutes(&self, minutes: i64) {
        self.clock.0.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }

    /// Adds a user who is a member of nothing.
    pub fn user(&self, username: &str) -> UserId {
        self.insert(&user_named(username, self.ids.next()))
    }

    /// Adds this user, as a member of nothing.
    pub fn insert(&self, user: &User) -> UserId {
        let stamp = SecurityStamp(self.ids.next());
        must(self.store.write(|directory| directory.insert_user(user, None, stamp, NameSource::Authority)));
        user.id
    }

    /// Adds a group.
    pub fn group(&self, name: &str) -> GroupId {
        let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
        must(self.directory.create_group(&self.by(&self.admin), draft)).id
    }

    /// The id of a system group.
    #[must_use]
    pub fn system(&self, group: SystemGroup) -> GroupId {
        must(must(self.directory.system_group(&self.operator(), group)).ok_or("no such group"))
    }

    /// Adds direct members, and says how many were new.
    pub fn join(&self, group: GroupId, users: &[UserId]) -> u64 {
        let users: BTreeSet<UserId> = users.iter().copied().collect();
        must(self.directory.add_members(&self.by(&self.admin), &GroupIdentifier::Id(group), &users)).new
    }

    /// Puts a group below another.
    pub fn nest(&self, parent: GroupId, child: GroupId) {
        must(self.directory.add_child(
            &self.by(&self.admin),
            &GroupIdentifier::Id(parent),
            &GroupIdentifier::Id(child),
        ));
    }

    /// Whether the user is an effective member.
    #[must_use]
    pub fn is_in(&self, group: GroupId, user: UserId) -> bool {
        must(self.store.read(|directory| directory.is_effective_member(group, user)))
    }

    /// The group as it is read.
    #[must_use]
    pub fn read(&self, group: GroupId) -> Group {
        must(self.directory.group(&self.by(&self.admin), &GroupIdentifier::Id(group)))
    }

    /// The caller that a user is.
    #[must_use]
    pub fn caller(&self, user: UserId) -> Caller {
        let status = must(must(self.store.read(|directory| directory.account_status(user))).ok_or("no such user"));
        Caller { user, stamp: status.stamp, scopes: Scopes::all() }
    }
}

/// A user with this username and id, and nothing else of note.
#[must_use]
pub fn user_named(username: &str, id: Uuid) -> User {
    let now = Timestamp::from_milliseconds(NOW);
    User {
        id: UserId(id),
        username: must(Username::try_from(username.to_owned())),
        email: Email::try_from(username.to_owned()).ok(),
        first_name: None,
        last_name: None,
        timezone: "Etc/UTC".to_owned(),
        language: "en-GB".to_owned(),
        custom: Custom::new(),
        password_change_frequency: Some(180),
        provider: Provider::contensis(),
        suspended: false,
        lockout: Lockout::default(),
        password_reset_required: false,
        created: now,
        modified: now,
        last_login: None,
        last_failed_login: None,
        expiry: None,
        password_changed: Some(now),
        opt_out_of_notifications: false,
        failed_login_attempts: 0,
        failed_login_attempts_since_last_success: 0,
        successful_login_attempts: 0,
        version: Version::FIRST,
    }
}

/// The value, in a place where a failure ends the test.
///
/// # Panics
///
/// If there is none.
#[expect(clippy::panic, reason = "this is test code, built only with the feature `contract`")]
pub(super) fn must<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}
