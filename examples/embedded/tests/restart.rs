//! The directory outlives the program.

use std::sync::Arc;

use embedded::store::RedbStore;
use embedded::system::{NoPasswords, SystemClock, SystemSecrets, UuidV7};
use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::Directory;
use guildhall_domain::group::{GroupDraft, SystemGroup};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::ports::{Clock, Ids};

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let call = || Context::new(Actor::Operator, SystemClock.now(), UuidV7.next(), Origin::Embedded);
    let open = || {
        let store = RedbStore::open(folder.path().join("directory.redb"), Arc::new(SystemClock)).unwrap();
        let secrets = SystemSecrets::with_random_key().unwrap();
        Directory::new(Arc::new(store), Arc::new(NoPasswords), Arc::new(secrets), Arc::new(UuidV7))
    };
    let directory = open();
    directory.prepare(&call()).unwrap();
    let draft = GroupDraft { name: Some("Soap".to_owned()), ..GroupDraft::default() };
    let group = directory.create_group(&call(), draft).unwrap();
    let everyone = directory.system_group(&call(), SystemGroup::Everyone).unwrap();
    assert!(everyone.is_some());
    drop(directory);

    let directory = open();
    assert_eq!(directory.group(&call(), &GroupIdentifier::from("soap")).unwrap(), group);
    assert_eq!(directory.system_group(&call(), SystemGroup::Everyone).unwrap(), everyone);
}
