//! What managers of groups do with the groups below those.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Denied, Policy, Refused};
use crate::directory::{
    AddChildrenError, ChangeGroupError, CreateGroupError, MemberError, ReadGroupError, RemoveChildError,
};
use crate::group::{GroupChanges, GroupDraft, GroupId, GroupKind, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::page::Page;
use crate::ports::{Reach, Store};
use crate::search::{GroupListing, UserListing};
use crate::version::Precondition;

/// Whom a listing leaves out would tell who is in a group that is not theirs; a group that makes administrators is in no listing of theirs.
pub fn a_manager_leaves_out_no_group_of_others(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, below, apart] = ["Soap", "Below", "Apart"].map(|name| fixture.group(name));
    let [deputies, mixed] = ["Deputies", "Mixed"].map(|name| fixture.group(name));
    let system = fixture.system(SystemGroup::SystemAdministrators);
    for (parent, child) in [(soap, below), (soap, mixed), (system, deputies), (deputies, mixed)] {
        fixture.nest(parent, child);
    }
    let [marla, tyler] = ["marla", "tyler"].map(|name| fixture.user(name));
    fixture.join(soap, &[marla, tyler]);
    fixture.join(below, &[tyler]);
    fixture.join(apart, &[tyler]);
    fixture.appoint(soap, ManagerId::User(marla));
    let context = fixture.by(fixture.caller(marla));
    let soap = GroupIdentifier::Id(soap);
    let (users, groups): (UserListing, GroupListing) = (fixture.all(Page::default()), fixture.all(Page::default()));
    let members = |excluded: &[GroupIdentifier]| {
        let shown = fixture.directory.shown_members(&context, &soap, Reach::Direct, excluded, &users);
        shown.map(|page| page.total)
    };
    let children = |excluded: &[GroupIdentifier]| {
        let listed = fixture.directory.children(&context, &soap, (Reach::Effective, true), excluded, &groups);
        listed.map(|page| page.items.into_iter().map(|group| group.id).collect::<Vec<GroupId>>())
    };
    assert_eq!(must(members(&[])), 2);
    assert_eq!(must(members(&[GroupIdentifier::from("BELOW"), GroupIdentifier::Id(below)])), 1);
    let GroupIdentifier::Id(itself) = soap else { return };
    assert_eq!(must(children(&[])), [below, itself]);
    assert_eq!(must(children(&[GroupIdentifier::Id(itself)])), [itself]);
    for other in ["Apart", "Mixed", "System Administrators", "nothing", "", "00000000-0000-0000-0000-00000000dead"] {
        let excluded = [GroupIdentifier::from("Below"), GroupIdentifier::from(other)];
        let refusals = [members(&excluded).err(), children(&excluded).err()];
        for refusal in refusals {
            let is_denied = matches!(refusal, Some(ReadGroupError::Refused(Refused::Denied(Denied::NotPermitted))));
            assert!(is_denied, "{other}: {refusal:?}");
        }
    }
    let by_admin =
        fixture.directory.children(&fixture.by(&fixture.admin), &soap, (Reach::Effective, true), &[], &groups);
    assert_eq!(must(by_admin).total, 3);
}

/// At once with its edge, or not at all. Managers create ordinary groups, and whoever may not create one learns nothing of its faults.
pub fn a_group_is_created_below_another(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, apart, deputies] = ["Soap", "Apart", "Deputies"].map(|name| fixture.group(name));
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), deputies);
    let [marla, groups] = ["marla", "groups"].map(|name| fixture.user(name));
    fixture.join(fixture.system(SystemGroup::GroupAdministrators), &[groups]);
    fixture.appoint(soap, ManagerId::User(marla));
    let directory =
        fixture.directory.clone().with_policy(Policy { delegated_administration: true, ..Policy::default() });
    let named = |name: &str| GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
    let [marla, groups] = [marla, groups].map(|user| fixture.caller(user));
    let create = |caller, parent: &str, draft: GroupDraft| {
        directory.create_group_below(&fixture.by(caller), &GroupIdentifier::from(parent), draft)
    };
    let by_marla = must(create(&marla, "soap", named("Lye")));
    assert_eq!((by_marla.kind, fixture.read(soap).child_group_count), (GroupKind::Contensis, 1));
    let above = must(fixture.store.read(|d| d.at_or_above_among(by_marla.id, &BTreeSet::from([soap, apart]))));
    assert_eq!(above, BTreeSet::from([soap]));
    // It is theirs, and so is what they create below it.
    let deeper = must(create(&marla, "Lye", named("Ash")));
    must(create(&groups, "Ash", GroupDraft { kind: Some("external".to_owned()), ..named("Coal") }));
    must(create(&fixture.admin, "Deputies", named("Second deputies")));
    let domains = GroupDraft { auto_membership_email_domains: vec!["fightclub.com".to_owned()], ..named("Fat") };
    let external = GroupDraft { kind: Some("external".to_owned()), ..named("Fat") };
    let unnamed = GroupDraft::default();
    for (caller, parent, draft) in [
        (&marla, "Apart", named("Fat")),
        (&marla, "Apart", unnamed.clone()),
        (&marla, "Deputies", named("Fat")),
        (&marla, "nothing", named("Fat")),
        (&marla, "Soap", domains.clone()),
        (&marla, "Soap", external),
        (&groups, "Deputies", named("Fat")),
        (&groups, "System Administrators", unnamed.clone()),
    ] {
        let refused = create(caller, parent, draft);
        let is_denied = matches!(refused, Err(CreateGroupError::Refused(Refused::Denied(Denied::NotPermitted))));
        assert!(is_denied, "{parent}: {refused:?}");
    }
    must(create(&fixture.admin, "Apart", domains));
    assert!(matches!(create(&marla, "Soap", unnamed.clone()), Err(CreateGroupError::Invalid(_))));
    assert!(matches!(create(&marla, "Soap", named("SOAP")), Err(CreateGroupError::NameTaken(_))));
    let taken = GroupDraft { id: Some(deeper.id.0), ..named("Other") };
    assert!(matches!(create(&marla, "Soap", taken), Err(CreateGroupError::IdTaken(_))));
    assert!(matches!(create(&fixture.admin, "nothing", unnamed), Err(CreateGroupError::ParentNotFound)));
    assert_eq!(fixture.read(soap).child_group_count, 1);
    // Name, description and custom properties change below, and nothing else does.
    let rename = |name: &str| GroupChanges { name: Some(Some(name.to_owned())), ..GroupChanges::default() };
    let change = |group, changes: &GroupChanges| {
        let group = GroupIdentifier::Id(group);
        directory.change_group(&fixture.by(&marla), &group, changes, &Precondition::default())
    };
    assert_eq!(must(change(deeper.id, &rename("Ashes"))).name.as_str(), "Ashes");
    let is_denied = |outcome| matches!(outcome, Err(ChangeGroupError::Refused(Refused::Denied(Denied::NotPermitted))));
    assert!(is_denied(change(soap, &rename("Suds"))));
    let none = GroupChanges { auto_membership_email_domains: Some(Vec::new()), ..GroupChanges::default() };
    must(change(deeper.id, &none));
    let some = GroupChanges {
        auto_membership_email_domains: Some(vec!["fightclub.com".to_owned()]),
        ..GroupChanges::default()
    };
    assert!(is_denied(change(deeper.id, &some)));
    assert!(is_denied(change(apart, &rename("Suds"))));
}

/// A group that is put below an administrators' group is its managers' no more, nor are the groups below it; taken away again, they are.
pub fn a_manager_of_a_group_that_administers_later_is_refused(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, lye] = ["Soap", "Lye"].map(|name| fixture.group(name));
    fixture.nest(soap, lye);
    let marla = fixture.user("marla");
    fixture.appoint(soap, ManagerId::User(marla));
    let marla = fixture.caller(marla);
    let keys = fixture.system(SystemGroup::ApiKeyAdministrators);
    let (soap_id, keys_id) = (GroupIdentifier::Id(soap), GroupIdentifier::Id(keys));
    for is_permitted in [true, false, true] {
        for group in [soap, lye] {
            let group = GroupIdentifier::Id(group);
            let added = fixture.directory.add_member(&fixture.by(&marla), &group, &UserIdentifier::Current);
            assert_eq!(added.is_ok(), is_permitted, "{added:?}");
            let denied = matches!(added, Err(MemberError::Refused(Refused::Denied(Denied::NotPermitted))));
            assert_eq!(denied, !is_permitted);
            let read = fixture.directory.group(&fixture.by(&marla), &group);
            assert_eq!(read.is_ok(), is_permitted, "{read:?}");
            let removed =
                fixture.directory.remove_member(&fixture.by(&fixture.admin), &group, &UserIdentifier::Id(marla.user));
            assert_eq!(removed.is_ok(), is_permitted, "{removed:?}");
        }
        let nested = fixture.directory.remove_child(&fixture.by(&marla), &soap_id, &GroupIdentifier::Id(lye));
        let denied = matches!(nested, Err(RemoveChildError::Refused(Refused::Denied(Denied::NotPermitted))));
        assert_eq!((nested.is_ok(), denied), (is_permitted, !is_permitted));
        if is_permitted {
            fixture.nest(soap, lye);
        }
        match fixture.directory.remove_child(&fixture.by(&fixture.admin), &keys_id, &soap_id) {
            Ok(()) => {}
            Err(RemoveChildError::NotAChild) => {
                let cycle = fixture.directory.add_child(&fixture.by(&fixture.admin), &keys_id, &soap_id);
                assert!(!matches!(cycle, Err(AddChildrenError::Cycle(_))));
                must(cycle);
            }
            other => must(other),
        }
    }
}
