//! Who manages which groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, Denied, Refused};
use crate::directory::{AppointError, DismissError, ManagersError, ReadUserError};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::{Author, Management, Manager, ManagerId};
use crate::page::Page;
use crate::ports::{Member, Store};
use crate::search::{Filter, GroupListing};
use crate::user::UserId;
use crate::version::Precondition;

impl Fixture {
    /// Appoints a manager of a group.
    pub(super) fn appoint(&self, group: GroupId, manager: ManagerId) {
        must(self.appoint_by(&self.admin, group, manager));
    }

    fn appoint_by(&self, caller: &Caller, group: GroupId, manager: ManagerId) -> Result<(), AppointError> {
        let (user, other);
        let manager = match manager {
            ManagerId::User(id) => {
                user = UserIdentifier::Id(id);
                Member::User(&user)
            }
            ManagerId::Group(id) => {
                other = GroupIdentifier::Id(id);
                Member::Group(&other)
            }
        };
        self.directory.appoint_manager(&self.by(caller), &GroupIdentifier::Id(group), manager)
    }

    fn managers(&self, group: GroupId) -> Vec<ManagerId> {
        let listed = self.directory.managers(&self.by(&self.admin), &GroupIdentifier::Id(group), &Page::default());
        must(listed).items.into_iter().map(|manager| manager.id).collect()
    }

    fn managed(&self, user: UserId, groups: &[GroupId]) -> BTreeMap<GroupId, Management> {
        let groups: BTreeSet<GroupId> = groups.iter().copied().collect();
        must(self.store.read(|directory| directory.managed_among(user, &groups)))
    }

    fn managed_listing(&self, user: UserId, listing: &GroupListing) -> Vec<GroupId> {
        let listed = self.directory.managed_groups(&self.by(&self.admin), &UserIdentifier::Id(user), listing);
        must(listed).items.into_iter().map(|group| group.id).collect()
    }
}

/// Users by username, then groups by name, in pages and in a walk; appointing again keeps when and by whom.
pub fn managers_are_listed_and_walked(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let soap = fixture.group("Soap");
    let [marla, bob] = ["marla", "Bob"].map(|name| fixture.user(name));
    let [zoo, ants] = ["Zoo", "ants"].map(|name| fixture.group(name));
    let since = fixture.now();
    for manager in [ManagerId::Group(zoo), ManagerId::User(marla), ManagerId::Group(ants), ManagerId::User(bob)] {
        fixture.appoint(soap, manager);
    }
    fixture.wait_days(1);
    must(fixture.directory.appoint_manager(
        &fixture.operator(),
        &GroupIdentifier::from("SOAP"),
        Member::User(&UserIdentifier::from("MARLA")),
    ));
    let author = Some(Author { id: fixture.admin.user, username: "admin".to_owned() });
    let manager = |id, name: &str| Manager { id, name: name.to_owned(), added: since, added_by: author.clone() };
    let expected = [
        manager(ManagerId::User(bob), "Bob"),
        manager(ManagerId::User(marla), "marla"),
        manager(ManagerId::Group(ants), "ants"),
        manager(ManagerId::Group(zoo), "Zoo"),
    ];
    let context = fixture.by(&fixture.admin);
    let list = |page: &Page| must(fixture.directory.managers(&context, &GroupIdentifier::Id(soap), page));
    let all = list(&Page::default());
    assert_eq!((all.total, &all.items[..]), (4, &expected[..]));
    let second = list(&must(Page::new(1, 3)));
    assert_eq!((second.total, &second.items[..]), (4, &expected[3..]));
    for size in 1..5 {
        let (mut page, mut walked) = (must(Page::first(size)), Vec::new());
        loop {
            let found = list(&page);
            assert_eq!(found.total, 4);
            walked.extend(found.items);
            let Some(next) = found.next else { break };
            page = must(Page::after(next, size));
        }
        assert_eq!(walked, expected, "{size}");
    }
    // Whoever runs the program is nobody in particular.
    must(fixture.directory.appoint_manager(
        &fixture.operator(),
        &GroupIdentifier::Id(zoo),
        Member::User(&UserIdentifier::Id(bob)),
    ));
    let listed = must(fixture.directory.managers(&context, &GroupIdentifier::Id(zoo), &Page::default()));
    assert_eq!(listed.items[0].added_by, None);
    let unknown = GroupIdentifier::from("nothing");
    let missing = fixture.directory.managers(&context, &unknown, &Page::default());
    assert!(matches!(missing, Err(ManagersError::GroupNotFound)));
}

/// Nothing is left of a manager, or of a group, that is deleted; who appointed may go.
pub fn managers_go_with_their_user_and_their_group(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, lye, team] = ["Soap", "Lye", "Team"].map(|name| fixture.group(name));
    let [marla, second] = ["marla", "second"].map(|name| fixture.user(name));
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[second]);
    must(fixture.appoint_by(&fixture.caller(second), soap, ManagerId::User(marla)));
    fixture.appoint(soap, ManagerId::Group(team));
    fixture.appoint(lye, ManagerId::User(marla));
    let by_admin = fixture.by(&fixture.admin);
    let delete_user = |user| {
        must(fixture.directory.delete_user(&by_admin, &UserIdentifier::Id(user), &Precondition::default()));
    };
    let delete_group = |group| {
        must(fixture.directory.delete_group(&by_admin, &GroupIdentifier::Id(group), &Precondition::default()));
    };
    delete_user(second);
    let listed = must(fixture.directory.managers(&by_admin, &GroupIdentifier::Id(soap), &Page::default()));
    assert_eq!((listed.items[0].id, &listed.items[0].added_by), (ManagerId::User(marla), &None));
    delete_group(team);
    assert_eq!(fixture.managers(soap), [ManagerId::User(marla)]);
    delete_group(lye);
    assert_eq!(fixture.managed(marla, &[soap, lye]), BTreeMap::from([(soap, Management::OfItself)]));
    delete_user(marla);
    assert_eq!(fixture.managers(soap), []);
    assert_eq!(fixture.managed(marla, &[soap]), BTreeMap::new());
}

/// Neither managers nor ordinary users list, appoint or dismiss, and nobody learns what exists.
pub fn only_system_administrators_appoint(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let soap = fixture.group("Soap");
    let [marla, bob] = ["marla", "bob"].map(|name| fixture.user(name));
    fixture.appoint(soap, ManagerId::User(marla));
    let [marlas, bobs] = [marla, bob].map(UserIdentifier::Id);
    for user in [marla, bob] {
        let context = fixture.by(fixture.caller(user));
        for group in [GroupIdentifier::Id(soap), GroupIdentifier::from("nothing")] {
            let listed = fixture.directory.managers(&context, &group, &Page::default());
            assert!(matches!(listed, Err(ManagersError::Refused(Refused::Denied(Denied::NotPermitted)))));
            for manager in [Member::User(&UserIdentifier::Current), Member::User(&bobs), Member::Group(&group)] {
                let appointed = fixture.directory.appoint_manager(&context, &group, manager);
                assert!(matches!(appointed, Err(AppointError::Refused(Refused::Denied(Denied::NotPermitted)))));
                let dismissed = fixture.directory.dismiss_manager(&context, &group, manager);
                assert!(matches!(dismissed, Err(DismissError::Refused(Refused::Denied(Denied::NotPermitted)))));
            }
        }
    }
    assert_eq!(fixture.managers(soap), [ManagerId::User(marla)]);
    let context = fixture.by(&fixture.admin);
    let (soap, nobody) = (GroupIdentifier::Id(soap), UserIdentifier::from("nobody"));
    let nothing = GroupIdentifier::from("nothing");
    let dismiss = |manager| fixture.directory.dismiss_manager(&context, &soap, manager);
    assert!(matches!(dismiss(Member::User(&bobs)), Err(DismissError::NotAManager)));
    assert!(matches!(dismiss(Member::User(&nobody)), Err(DismissError::UserNotFound)));
    assert!(matches!(dismiss(Member::Group(&nothing)), Err(DismissError::ManagerNotFound)));
    must(dismiss(Member::User(&marlas)));
    assert!(matches!(dismiss(Member::User(&marlas)), Err(DismissError::NotAManager)));
    let appoint = |group, manager| fixture.directory.appoint_manager(&context, group, manager);
    assert!(matches!(appoint(&soap, Member::User(&nobody)), Err(AppointError::UserNotFound)));
    assert!(matches!(appoint(&soap, Member::Group(&nothing)), Err(AppointError::ManagerNotFound)));
    assert!(matches!(appoint(&nothing, Member::User(&bobs)), Err(AppointError::GroupNotFound)));
}

/// Nobody is appointed for an administrators' group or one below; what is above may have managers, who do not manage those.
pub fn groups_that_make_administrators_have_no_managers(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let marla = fixture.user("marla");
    let [over, below, deep] = ["over", "below", "deep"].map(|name| fixture.group(name));
    fixture.nest(below, deep);
    for system in SystemGroup::ADMINISTRATORS.map(|group| fixture.system(group)) {
        fixture.nest(over, system);
        fixture.nest(system, below);
        for group in [system, below, deep] {
            let appointed = fixture.appoint_by(&fixture.admin, group, ManagerId::User(marla));
            assert!(matches!(appointed, Err(AppointError::MakesAdministrators)), "{appointed:?}");
        }
        fixture.appoint(over, ManagerId::User(marla));
        assert_eq!(fixture.managed(marla, &[over, system, below, deep]).into_keys().collect::<Vec<_>>(), [over]);
        let removed = fixture.directory.remove_child(
            &fixture.by(&fixture.admin),
            &GroupIdentifier::Id(system),
            &GroupIdentifier::Id(below),
        );
        must(removed);
    }
}

/// All of them, direct and by groups, each once, by name, filtered and in pages; for themselves and for administrators alone.
pub fn the_groups_of_a_manager_are_listed(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, left, right, bottom, deputies] = ["a", "b", "c", "d", "e"].map(|name| fixture.group(name));
    let [team, inner] = ["team", "inner"].map(|name| fixture.group(name));
    let [marla, bob] = ["marla", "bob"].map(|name| fixture.user(name));
    fixture.nest(team, inner);
    fixture.join(inner, &[marla]);
    for (parent, child) in
        [(top, left), (left, bottom), (right, bottom), (top, fixture.system(SystemGroup::UserAdministrators))]
    {
        fixture.nest(parent, child);
    }
    fixture.nest(fixture.system(SystemGroup::UserAdministrators), deputies);
    fixture.appoint(left, ManagerId::User(marla));
    fixture.appoint(top, ManagerId::Group(team));
    fixture.appoint(bottom, ManagerId::User(marla));
    let expected =
        BTreeMap::from([(top, Management::OfItself), (left, Management::FromAbove), (bottom, Management::FromAbove)]);
    assert_eq!(fixture.managed(marla, &[top, left, right, bottom, deputies, team, inner]), expected);
    let all = fixture.all(Page::default());
    assert_eq!(fixture.managed_listing(marla, &all), [top, left, bottom]);
    assert_eq!(fixture.managed_listing(bob, &all), []);
    assert_eq!(fixture.managed_listing(marla, &fixture.all(must(Page::new(1, 2)))), [bottom]);
    let named = GroupListing { filter: Filter::naming("B"), ..fixture.all(Page::default()) };
    assert_eq!(fixture.managed_listing(marla, &named), [left]);
    let own = fixture.directory.managed_groups(&fixture.by(fixture.caller(marla)), &UserIdentifier::Current, &all);
    assert_eq!(must(own).total, 3);
    for user in [UserIdentifier::Id(marla), UserIdentifier::from("nobody")] {
        let refused = fixture.directory.managed_groups(&fixture.by(fixture.caller(bob)), &user, &all);
        assert!(matches!(refused, Err(ReadUserError::Refused(Refused::Denied(Denied::NotPermitted)))));
    }
    let missing = fixture.directory.managed_groups(&fixture.by(&fixture.admin), &UserIdentifier::from("nobody"), &all);
    assert!(matches!(missing, Err(ReadUserError::UserNotFound)));
}
