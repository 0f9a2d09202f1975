//! What a preview names, and what it counts alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::previews::Stop;
use crate::context::Context;
use crate::directory::{Directory, Effects};
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::ports::Store;
use crate::user::UserId;

/// Of many users and groups, the first are named and all are counted.
pub fn a_large_preview_names_the_first_and_counts_all(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let users: Vec<UserId> = (0..50).map(|number| fixture.user(&format!("user {number:02}"))).collect();
    let [top, middle, bottom, crowd] = ["top", "middle", "bottom", "crowd"].map(|name| fixture.group(name));
    fixture.nest(top, middle);
    fixture.nest(middle, bottom);
    fixture.join(crowd, &users);
    // In the top group are all but a few in the middle of the order, in the middle group every other one.
    let but_few: Vec<UserId> =
        users.iter().enumerate().filter(|(at, _)| !(20..25).contains(at)).map(|(_, user)| *user).collect();
    let every_other: Vec<UserId> = users.iter().step_by(2).copied().collect();
    fixture.join(top, &but_few);
    fixture.join(middle, &every_other);
    let attach = |directory: &Directory<'_>, context: &Context| {
        let attached = directory.add_child(context, &GroupIdentifier::Id(bottom), &GroupIdentifier::Id(crowd));
        attached.map_err(|error| Stop::Refused(format!("{error:?}")))
    };
    let ((), effects) = must(fixture.directory.preview(&fixture.by(&fixture.admin), attach));
    let found: Vec<_> = effects
        .groups
        .iter()
        .map(|group| {
            (
                group.id,
                group.users_gained,
                group.gained.iter().map(|person| person.username.clone()).collect::<Vec<_>>(),
            )
        })
        .collect();
    let named = |numbers: Vec<usize>| numbers.into_iter().map(|number| format!("user {number:02}")).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            (bottom, 50, named((0..20).collect())),
            (middle, 25, named((1..40).step_by(2).collect())),
            // Those with even numbers are in the middle group, and so in the top one.
            (top, 2, named(vec![21, 23])),
        ]
    );
    assert!(!effects.truncated && effects.administrators_gained.is_empty());
    assert_eq!(effects.other_groups, None);
}

/// A manager is told of the groups that they manage, and how many others would change.
pub fn a_managers_preview_names_what_they_manage(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, above, soap, below, apart] = ["Top", "Above", "Soap", "Below", "Apart"].map(|name| fixture.group(name));
    for (parent, child) in [(top, above), (above, soap), (soap, below), (apart, soap)] {
        fixture.nest(parent, child);
    }
    let [marla, tyler] = ["marla", "tyler"].map(|name| fixture.user(name));
    fixture.appoint(soap, ManagerId::User(marla));
    let preview = |context: &Context, group: GroupId| {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(tyler));
        fixture.directory.preview(context, |directory, context| {
            directory.add_member(context, &group, &user).map_err(|error| Stop::Refused(format!("{error:?}")))
        })
    };
    let ids = |effects: &Effects| effects.groups.iter().map(|group| group.id).collect::<BTreeSet<_>>();
    let manager = fixture.by(fixture.caller(marla));
    let ((), effects) = must(preview(&manager, below));
    assert_eq!((ids(&effects), effects.other_groups), (BTreeSet::from([soap, below]), Some(3)));
    fixture.join(apart, &[tyler]);
    let ((), effects) = must(preview(&manager, below));
    assert_eq!((ids(&effects), effects.other_groups), (BTreeSet::from([soap, below]), Some(2)));
    let ((), effects) = must(preview(&fixture.by(&fixture.admin), below));
    assert_eq!((ids(&effects), effects.other_groups), (BTreeSet::from([top, above, soap, below]), None));
    assert!(matches!(preview(&manager, above), Err(Stop::Refused(refusal)) if refusal.contains("NotPermitted")));
}
