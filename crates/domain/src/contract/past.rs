//! Who was in which group at a moment in the past.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::must;
use crate::access::{Actor, Denied, Policy, Refused};
use crate::directory::AsOfError;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::ports::{Deleted, Former, FormerGroup, Member, Reach, Store};
use crate::time::Timestamp;
use crate::user::{ShownUser, UserId};
use crate::version::Precondition;

/// A user or a group as a listing of the past shows it: by its name, and when it was deleted.
type Shown = (String, Option<Timestamp>);

fn deleted<Id>(deleted: Deleted<Id>) -> Shown {
    (deleted.name, Some(deleted.at))
}

impl Fixture {
    fn former_members(
        &self,
        by: impl Into<Actor>,
        group: GroupId,
        reach: Reach,
        at: Timestamp,
    ) -> Result<Vec<Shown>, AsOfError> {
        let id = GroupIdentifier::Id(group);
        let found = self.directory.members_as_of(&self.by(by), &id, (reach, at), &Page::default())?;
        let shown = |user| match user {
            Former::Existing(ShownUser::Whole(user)) => (user.username.as_str().to_owned(), None),
            Former::Existing(ShownUser::Summary(user)) => (format!("{} in summary", user.username.as_str()), None),
            Former::Deleted(user) => deleted(user),
        };
        assert_eq!(found.total, found.items.len() as u64);
        Ok(found.items.into_iter().map(shown).collect())
    }

    fn former_groups(&self, by: impl Into<Actor>, user: UserId, at: Timestamp) -> Result<Vec<Shown>, AsOfError> {
        let (id, page) = (UserIdentifier::Id(user), Page::default());
        let found = self.directory.groups_as_of(&self.by(by), &id, (Reach::Effective, at), &page)?;
        let shown = |group: FormerGroup| match group {
            Former::Existing(group) => (group.name.as_str().to_owned(), None),
            Former::Deleted(group) => deleted(group),
        };
        Ok(found.items.into_iter().map(shown).collect())
    }

    fn was_in(&self, by: impl Into<Actor>, group: GroupId, user: UserId, at: Timestamp) -> Result<bool, AsOfError> {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        Ok(self.directory.explain_membership_as_of(&self.by(by), (&group, &user), at, 10)?.is_member())
    }

    fn end_user(&self, user: UserId) {
        let by = self.by(&self.admin);
        must(self.directory.delete_user(&by, &UserIdentifier::Id(user), &Precondition::default()));
    }

    fn end_group(&self, group: GroupId) {
        let by = self.by(&self.admin);
        must(self.directory.delete_group(&by, &GroupIdentifier::Id(group), &Precondition::default()));
    }
}

fn denied<T>(result: &Result<T, AsOfError>) -> bool {
    matches!(result, Err(AsOfError::Refused(Refused::Denied(Denied::NotPermitted))))
}

/// Users and groups that were deleted are shown by the name they had and when they went, and their ids may be asked about.
pub fn the_past_shows_who_was_deleted_since(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [one, two] = ["one", "two"].map(|name| fixture.user(name));
    let [top, soap] = ["Top", "Soap"].map(|name| fixture.group(name));
    fixture.nest(top, soap);
    fixture.join(soap, &[one, two]);
    let then = fixture.now();
    fixture.wait_days(1);
    let (gone, admin) = (fixture.now(), &fixture.admin);
    fixture.end_user(one);
    fixture.end_group(soap);
    fixture.wait_days(1);
    let members = [("one".to_owned(), Some(gone)), ("two".to_owned(), None)];
    let nobody: [Shown; 0] = [];
    for (group, reach) in [(soap, Reach::Direct), (soap, Reach::Effective), (top, Reach::Effective)] {
        assert_eq!(must(fixture.former_members(admin, group, reach, then)), members);
        for moment in [gone, fixture.now(), Timestamp::EARLIEST] {
            assert_eq!(must(fixture.former_members(admin, group, reach, moment)), nobody);
        }
    }
    assert_eq!(must(fixture.former_members(admin, top, Reach::Direct, then)), nobody);
    let groups = [("Soap".to_owned(), Some(gone)), ("Top".to_owned(), None)];
    for user in [one, two] {
        assert_eq!(must(fixture.former_groups(admin, user, then)), groups);
        assert_eq!(must(fixture.former_groups(admin, user, gone)), nobody);
        assert!(must(fixture.was_in(admin, top, user, then)) && !must(fixture.was_in(admin, top, user, gone)));
    }
    let (id, named) = (GroupIdentifier::Id(top), UserIdentifier::Id(one));
    let told = must(fixture.directory.explain_membership_as_of(&fixture.by(admin), (&id, &named), then, 10));
    let path: Vec<&str> = told.paths[0].groups.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!((path, told.paths[0].until), (vec!["Top", "Soap"], Some(gone)));
    let nothing = Uuid::max();
    assert!(matches!(fixture.former_groups(admin, UserId(nothing), then), Err(AsOfError::UserNotFound)));
    let none = fixture.former_members(admin, GroupId(nothing), Reach::Direct, then);
    assert!(matches!(none, Err(AsOfError::GroupNotFound)));
}

/// The past is told to whoever may ask the same of the present; of what was deleted, to System Administrators alone. What is yet to come is told to nobody.
pub fn whoever_may_ask_of_the_present_may_ask_of_the_past(store: Arc<dyn Store>) {
    let mut fixture = Fixture::over(store);
    fixture.directory = fixture.directory.with_policy(Policy { delegated_administration: true, ..Policy::default() });
    let [member, manager, delegate, former] =
        ["member", "manager", "delegate", "former"].map(|name| fixture.user(name));
    let [soap, lost] = ["Soap", "Lost"].map(|name| fixture.group(name));
    fixture.join(soap, &[member, former]);
    fixture.join(fixture.system(SystemGroup::GroupAdministrators), &[delegate]);
    let (id, named) = (GroupIdentifier::Id(soap), UserIdentifier::Id(manager));
    must(fixture.directory.appoint_manager(&fixture.by(&fixture.admin), &id, Member::User(&named)));
    let then = fixture.now();
    fixture.wait_days(1);
    fixture.end_group(lost);
    fixture.end_user(former);
    let [one, managing, delegated] = [member, manager, delegate].map(|user| fixture.caller(user));
    let of = |caller| fixture.former_members(caller, soap, Reach::Direct, then);
    assert_eq!(must(of(&delegated)).len(), 2);
    let summaries: BTreeSet<String> = must(of(&managing)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(summaries, BTreeSet::from(["former".to_owned(), "member in summary".to_owned()]));
    assert!(denied(&of(&one)));
    assert_eq!(must(fixture.former_groups(&one, member, then)), [("Soap".to_owned(), None)]);
    assert!(denied(&fixture.former_groups(&one, manager, then)));
    assert!(denied(&fixture.former_groups(&managing, member, then)));
    assert!(must(fixture.was_in(&one, soap, member, then)) && must(fixture.was_in(&managing, soap, member, then)));
    assert!(denied(&fixture.was_in(&one, soap, manager, then)));
    for caller in [&one, &managing, &delegated] {
        assert!(denied(&fixture.former_members(caller, lost, Reach::Direct, then)));
        assert!(denied(&fixture.former_groups(caller, former, then)));
        assert!(denied(&fixture.was_in(caller, soap, former, then)));
    }
    let admin = &fixture.admin;
    assert_eq!(must(fixture.former_members(admin, lost, Reach::Direct, then)), []);
    assert_eq!(must(fixture.former_groups(admin, former, then)), [("Soap".to_owned(), None)]);
    assert!(must(fixture.was_in(admin, soap, former, then)));
    let later = Timestamp::from_milliseconds(fixture.now().milliseconds() + 1);
    assert!(matches!(fixture.former_members(admin, soap, Reach::Direct, later), Err(AsOfError::Future)));
    assert!(matches!(fixture.former_groups(admin, member, later), Err(AsOfError::Future)));
    assert!(matches!(fixture.was_in(admin, soap, member, later), Err(AsOfError::Future)));
    assert!(denied(&fixture.former_members(&one, soap, Reach::Direct, later)));
    assert!(must(fixture.former_members(admin, soap, Reach::Direct, fixture.now())).len() == 1);
}

/// Who comes and goes is in from the moment of the one until the moment of the other, however often; who is in again is in since then.
pub fn a_membership_of_the_past_tells_from_when_until_when(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (user, soap) = (fixture.user("user"), fixture.group("Soap"));
    let (id, named) = (GroupIdentifier::Id(soap), UserIdentifier::Id(user));
    let mut terms = Vec::new();
    for _ in 0..3 {
        fixture.join(soap, &[user]);
        let began = fixture.now();
        // Who came and went at one moment was never in.
        must(fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &named));
        fixture.join(soap, &[user]);
        fixture.wait_minutes(2);
        must(fixture.directory.remove_member(&fixture.by(&fixture.admin), &id, &named));
        terms.push((began, Some(fixture.now())));
        fixture.wait_minutes(2);
    }
    fixture.join(soap, &[user]);
    terms.push((fixture.now(), None));
    fixture.wait_minutes(2);
    let by = || fixture.by(&fixture.admin);
    for (began, ended) in terms {
        let told = must(fixture.directory.explain_membership_as_of(&by(), (&id, &named), began, 10));
        let direct = must(told.direct.ok_or("no membership"));
        assert_eq!((direct.added, direct.until), (began, ended));
        assert_eq!(direct.added_by.map(|author| author.id), Some(fixture.admin.user));
        let before = Timestamp::from_milliseconds(began.milliseconds() - 1);
        assert!(!must(fixture.was_in(&fixture.admin, soap, user, before)));
        if let Some(ended) = ended {
            let last = Timestamp::from_milliseconds(ended.milliseconds() - 1);
            assert!(must(fixture.was_in(&fixture.admin, soap, user, last)));
            assert!(!must(fixture.was_in(&fixture.admin, soap, user, ended)));
        }
    }
}

/// What was before the events that are left is not known; what is known stays as it was.
pub fn what_was_pruned_is_not_known(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [early, late, stays] = ["early", "late", "stays"].map(|name| fixture.user(name));
    let [soap, lost, child] = ["Soap", "Lost", "Child"].map(|name| fixture.group(name));
    fixture.join(soap, &[early, late, stays]);
    fixture.nest(soap, child);
    fixture.wait_days(1);
    let gone = fixture.now();
    fixture.end_user(early);
    fixture.end_group(lost);
    fixture.wait_days(2);
    let (by, id, below) = (fixture.by(&fixture.admin), GroupIdentifier::Id(soap), GroupIdentifier::Id(child));
    must(fixture.directory.remove_member(&by, &id, &UserIdentifier::Id(late)));
    must(fixture.directory.remove_child(&by, &id, &below));
    let admin = &fixture.admin;
    let known_from = Timestamp::from_milliseconds(gone.milliseconds() + 1);
    let members = |at| fixture.former_members(admin, soap, Reach::Effective, at);
    assert_eq!(must(members(gone)).len(), 2);
    let before = must(members(known_from));
    assert!(must(fixture.directory.prune_events(&fixture.by(admin), fixture.now())) > 0);
    for unknown in [Timestamp::EARLIEST, gone] {
        assert!(matches!(members(unknown), Err(AsOfError::Gone(moment)) if moment == known_from));
        assert!(matches!(fixture.former_groups(admin, late, unknown), Err(AsOfError::Gone(_))));
        assert!(matches!(fixture.was_in(admin, soap, late, unknown), Err(AsOfError::Gone(_))));
    }
    let all = [("late".to_owned(), None), ("stays".to_owned(), None)];
    assert_eq!((must(members(known_from)), &before[..]), (all.to_vec(), &all[..]));
    assert_eq!(must(members(fixture.now())), all[1..]);
    assert!(matches!(fixture.former_groups(admin, early, known_from), Err(AsOfError::UserNotFound)));
    let nobody = fixture.former_members(admin, lost, Reach::Direct, known_from);
    assert!(matches!(nobody, Err(AsOfError::GroupNotFound)));
    // Everything that ended goes with its events.
    fixture.wait_days(1);
    assert!(must(fixture.directory.prune_events(&fixture.by(admin), Timestamp::LATEST)) > 0);
    assert_eq!(must(fixture.store.write(|writer| writer.prune_past(u32::MAX))), 0);
    assert_eq!(must(members(fixture.now())), all[1..]);
}
