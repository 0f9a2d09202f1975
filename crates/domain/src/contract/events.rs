//! What the log of all changes tells.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fixture::must;
use super::{Fixture, Given};
use crate::access::{Denied, Refused, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::Verification;
use crate::event::{Event, EventHead, EventType, MOST_IDS};
use crate::group::{GroupDraft, GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{EventQuery, Member, Store};
use crate::user::UserId;
use crate::validity::ValidityChange;
use crate::version::Precondition;

impl Fixture {
    /// The events that pass a query, by an administrator.
    pub(super) fn events(&self, query: &EventQuery) -> Vec<Event> {
        must(self.directory.events(&self.by(&self.admin), query)).events
    }

    pub(super) fn event_head(&self) -> EventHead {
        must(self.directory.event_head(&self.by(&self.admin)))
    }

    /// What an operator finds who verifies the log.
    pub(super) fn verified(&self, from: Option<u64>) -> Verification {
        must(self.directory.verify_events(&self.operator(), from))
    }

    /// The events that tell what `work` did.
    pub(super) fn told_by(&self, work: impl FnOnce()) -> Vec<Event> {
        let before = self.event_head().sequence;
        work();
        self.events(&EventQuery::following(before, 1000))
    }

    pub(super) fn add_member_now(&self, group: GroupId, user: UserId) {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        must(self.directory.add_member(&self.by(&self.admin), &group, &user));
    }

    pub(super) fn event_group(&self, name: &str) -> GroupId {
        let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
        must(self.directory.create_group(&self.by(&self.admin), draft)).id
    }
}

pub(super) fn kinds(events: &[Event]) -> Vec<EventType> {
    events.iter().map(|event| event.kind).collect()
}

/// `data` without who did it, from where and by which request.
pub(super) fn told(event: &Event) -> Map<String, Value> {
    let mut data = event.data();
    for name in ["actor", "requestId", "address"] {
        assert!(data.remove(name).is_some(), "{} does not tell {name}", event.text);
    }
    data
}

pub(super) fn ids(data: &Map<String, Value>, name: &str) -> BTreeSet<String> {
    let told = data.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    told.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Who was added and removed, by whom, with the groups whose effective members that changes; what changes nothing is not told.
pub fn a_change_of_members_is_told_once(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, above] = ["Soap", "Above"].map(|name| fixture.event_group(name));
    fixture.nest(above, soap);
    let [one, two, three] = ["one", "two", "three"].map(|name| fixture.user(name));
    let by = fixture.by(&fixture.admin);
    let (request, group) = (by.request_id(), GroupIdentifier::Id(soap));
    let events = fixture.told_by(|| must(fixture.directory.add_member(&by, &group, &UserIdentifier::Id(one))));
    assert_eq!(kinds(&events), [EventType::MembersAdded]);
    let data = events[0].data();
    let admin = must(must(fixture.store.read(|store| store.user(fixture.admin.user))).ok_or("no administrator"));
    let actor =
        json!({ "id": admin.id.to_string(), "username": admin.username.as_str(), "via": "embedded", "apiKey": null });
    assert_eq!((data.get("actor"), data.get("requestId")), (Some(&actor), Some(&json!(request.to_string()))));
    let at_or_above = BTreeSet::from([soap.to_string(), above.to_string()]);
    assert_eq!(ids(&data, "groupsAbove"), at_or_above);
    let data = told(&events[0]);
    assert_eq!(data.get("group"), Some(&json!({ "id": soap.to_string(), "name": "Soap" })));
    assert_eq!(
        (data.get("userIds"), data.get("part"), data.get("parts")),
        (Some(&json!([one.to_string()])), Some(&json!(1)), Some(&json!(1)))
    );
    assert_eq!(events[0].time, fixture.now());
    let again = fixture.told_by(|| {
        fixture.add_member_now(soap, one);
        let nobody = UserIdentifier::Id(UserId(Uuid::nil()));
        assert!(fixture.directory.add_member(&fixture.by(&fixture.admin), &group, &nobody).is_err());
    });
    assert_eq!(again, []);
    let many = BTreeSet::from([one, two, three]);
    let events =
        fixture.told_by(|| _ = must(fixture.directory.add_members(&fixture.by(&fixture.admin), &group, &many)));
    assert_eq!(kinds(&events), [EventType::MembersAdded]);
    assert_eq!(ids(&told(&events[0]), "userIds"), BTreeSet::from([two, three].map(|user| user.to_string())));
    let remove = || fixture.directory.remove_member(&fixture.by(&fixture.admin), &group, &UserIdentifier::Id(two));
    let events = fixture.told_by(|| must(remove()));
    assert_eq!(kinds(&events), [EventType::MembersRemoved]);
    assert_eq!(ids(&told(&events[0]), "userIds"), BTreeSet::from([two.to_string()]));
    assert_eq!(fixture.told_by(|| assert!(remove().is_err())), []);
    fixture.verified(None);
}

/// All who were added are named, at most 1,000 in each event.
pub fn many_members_are_told_in_parts(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let group = fixture.event_group("Soap");
    let users: BTreeSet<UserId> = (0..=2 * MOST_IDS).map(|number| fixture.user(&format!("user{number}"))).collect();
    let add = || must(fixture.directory.add_members(&fixture.by(&fixture.admin), &GroupIdentifier::Id(group), &users));
    let events = fixture.told_by(|| _ = add());
    let parts: Vec<_> = events.iter().map(|event| (event.kind, told(event))).collect();
    let named: Vec<_> = parts.iter().map(|(_, data)| ids(data, "userIds")).collect();
    assert_eq!(named.iter().map(BTreeSet::len).collect::<Vec<_>>(), [MOST_IDS, MOST_IDS, 1]);
    let all: BTreeSet<String> = named.into_iter().flatten().collect();
    assert_eq!(all, users.iter().map(ToString::to_string).collect());
    for (number, (kind, data)) in parts.iter().enumerate() {
        assert_eq!(*kind, EventType::MembersAdded);
        assert_eq!((data.get("part"), data.get("parts")), (Some(&json!(number + 1)), Some(&json!(3))));
    }
    for user in [users.first(), users.last()].into_iter().flatten() {
        let query = EventQuery { user: Some(*user), limit: 10, ..EventQuery::default() };
        assert_eq!(kinds(&fixture.events(&query)), [EventType::MembersAdded]);
    }
}

/// What was undone, whatever for, leaves no event.
pub fn what_is_undone_is_not_told(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (group, user) = (fixture.event_group("Soap"), fixture.user("user"));
    let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
    let events = fixture.told_by(|| {
        let previewed = fixture.directory.preview(&fixture.by(&fixture.admin), |directory, context| {
            directory.add_member(context, &group, &user).map_err(|_| Denied::NotPermitted.into())
        });
        drop(must::<_, Refused>(previewed));
        let system = must(fixture.store.read(|store| store.group_id(&SystemGroup::SystemAdministrators.identifier())));
        let system = GroupIdentifier::Id(must(system.ok_or("no group")));
        let last = UserIdentifier::Id(fixture.admin.user);
        assert!(fixture.directory.remove_member(&fixture.by(&fixture.admin), &system, &last).is_err());
        assert!(fixture.directory.add_member(&fixture.anonymous(), &group, &user).is_err());
    });
    assert_eq!(events, []);
}

/// Dates are told when they are set, and again when they come: then with the date as the time, and nobody as the actor.
pub fn dates_are_told_when_they_are_set_and_when_they_come(given: Given) {
    let fixture = Fixture::given(given);
    let (soap, user) = (fixture.event_group("Soap"), fixture.user("user"));
    let (from, until) = (fixture.now().plus_days(1), fixture.now().plus_days(2));
    let (group, named) = (GroupIdentifier::Id(soap), UserIdentifier::Id(user));
    let schedule = |from, until| {
        let change = ValidityChange { from, until };
        must(fixture.directory.schedule_member(&fixture.by(&fixture.admin), &group, &named, change));
    };
    let events = fixture.told_by(|| {
        schedule(Some(Some(from)), None);
        schedule(None, Some(Some(until)));
    });
    assert_eq!(kinds(&events), [EventType::MembersScheduled, EventType::MembersRescheduled]);
    let dates = |event: &Event| told(event).remove("from").zip(told(event).remove("until"));
    assert_eq!(dates(&events[0]), Some((json!(from.to_string()), Value::Null)));
    assert_eq!(dates(&events[1]), Some((json!(from.to_string()), json!(until.to_string()))));
    let events = fixture.told_by(|| fixture.wait_days(3));
    assert_eq!(kinds(&events), [EventType::MembersAdded, EventType::MembersRemoved]);
    assert_eq!(events.iter().map(|event| event.time).collect::<Vec<_>>(), [from, until]);
    for event in &events {
        assert_eq!(
            event.data().get("actor"),
            Some(&json!({ "id": null, "username": null, "via": "schedule", "apiKey": null }))
        );
        assert_eq!(ids(&told(event), "userIds"), BTreeSet::from([user.to_string()]));
    }
    let until = fixture.now().plus_days(1);
    let events = fixture.told_by(|| schedule(None, Some(Some(until))));
    assert_eq!(
        (kinds(&events), dates(&events[0])),
        (vec![EventType::MembersAdded], Some((Value::Null, json!(until.to_string()))))
    );
    fixture.verified(None);
}

/// Users, groups, managers and edges come and go; what goes with them is told by that alone.
pub fn users_and_groups_are_told(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let by = || fixture.by(&fixture.admin);
    let mut group = None;
    let events = fixture.told_by(|| group = Some(fixture.event_group("Soap")));
    assert_eq!(kinds(&events), [EventType::GroupCreated]);
    let (soap, parent) = (must(group.ok_or("no group")), fixture.event_group("Parent"));
    let user = fixture.user("user");
    let (group, named) = (GroupIdentifier::Id(soap), UserIdentifier::Id(user));
    let events = fixture.told_by(|| {
        must(fixture.directory.add_child(&by(), &GroupIdentifier::Id(parent), &group));
        must(fixture.directory.add_child(&by(), &GroupIdentifier::Id(parent), &group));
        must(fixture.directory.appoint_manager(&by(), &group, Member::User(&named)));
        must(fixture.directory.appoint_manager(&by(), &group, Member::User(&named)));
        fixture.add_member_now(soap, user);
        must(fixture.directory.act(&by(), &named, "suspend"));
        must(fixture.directory.act(&by(), &named, "suspend"));
        must(fixture.directory.act(&by(), &named, "unsuspend"));
        must(fixture.directory.dismiss_manager(&by(), &group, Member::User(&named)));
        must(fixture.directory.delete_group(&by(), &group, &Precondition::default()));
        must(fixture.directory.delete_user(&by(), &named, &Precondition::default()));
    });
    assert_eq!(
        kinds(&events),
        [
            EventType::ChildrenAdded,
            EventType::ManagersAdded,
            EventType::MembersAdded,
            EventType::UserSuspended,
            EventType::UserUnsuspended,
            EventType::ManagersRemoved,
            EventType::GroupDeleted,
            EventType::UserDeleted,
        ]
    );
    assert_eq!(ids(&told(&events[0]), "groupIds"), BTreeSet::from([soap.to_string()]));
    let deleted = told(&events[6]);
    assert_eq!(deleted.get("group"), Some(&json!({ "id": soap.to_string(), "name": "Soap" })));
    assert_eq!(ids(&deleted, "groupsAbove"), BTreeSet::from([soap.to_string(), parent.to_string()]));
    assert_eq!(told(&events[7]).get("user"), Some(&json!({ "id": user.to_string(), "username": "user" })));
    fixture.verified(None);
}

/// Sign-ins are told, and those that are refused, also of names that nobody has.
pub fn sign_ins_are_told(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let draft = crate::user::UserDraft {
        username: Some("tyler".to_owned()),
        email: Some("tyler@soap.example".to_owned()),
        password: Some("First rule 1!".to_owned()),
        ..crate::user::UserDraft::default()
    };
    let user = must(fixture.directory.create_user(&fixture.by(&fixture.admin), draft)).id;
    let sign_in = |name: &str, password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), name, password.to_owned(), &Scopes::all()).is_ok()
    };
    let events = fixture.told_by(|| {
        assert!(sign_in("tyler", "First rule 1!"));
        assert!(!sign_in("tyler", "wrong"));
        assert!(!sign_in("nobody", "wrong"));
        let named = UserIdentifier::Id(user);
        must(fixture.directory.act(&fixture.by(&fixture.admin), &named, "suspend"));
        assert!(!sign_in("tyler", "First rule 1!"));
    });
    let reasons: Vec<_> = events.iter().map(|event| (event.kind, told(event).remove("reason"))).collect();
    assert_eq!(
        reasons,
        [
            (EventType::UserSignedIn, None),
            (EventType::UserSignInFailed, Some(json!("incorrect"))),
            (EventType::UserSignInFailed, Some(json!("incorrect"))),
            (EventType::UserSuspended, None),
            (EventType::UserSignInFailed, Some(json!("suspended"))),
        ]
    );
    let actor = events[0].data().remove("actor").and_then(|actor| actor.get("id").cloned());
    assert_eq!(actor, Some(json!(user.to_string())));
    assert!(!events.iter().any(|event| event.text.contains("nobody")));
    fixture.verified(None);
}

/// A program that signs in is told as the user of its API key, and one that is refused without its secret.
pub fn programs_that_sign_in_are_told(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let draft = ApiKeyDraft { name: Some(Some("Factory".to_owned())), ..ApiKeyDraft::default() };
    let issued = must(fixture.directory.create_api_key(&fixture.by(&fixture.admin), draft, &[]));
    let id = issued.key.id.to_string();
    let sign_in = |id: &str, secret: &str| {
        fixture.directory.sign_in_client(&fixture.anonymous(), id, &["no reading", secret], &Scopes::all()).is_ok()
    };
    let events = fixture.told_by(|| {
        assert!(sign_in(&id, issued.secret.reveal()));
        assert!(!sign_in(&id, "wrong"));
        assert!(!sign_in(&Uuid::max().to_string(), issued.secret.reveal()));
        assert!(!sign_in("Factory", issued.secret.reveal()));
    });
    assert_eq!(
        kinds(&events),
        [[EventType::UserSignedIn, EventType::UserSignInFailed], [EventType::UserSignInFailed; 2]].concat()
    );
    let user = json!({ "id": issued.key.user.to_string(), "username": "Factory" });
    let actor = json!({ "id": user["id"], "username": "Factory", "via": "embedded", "apiKey": id });
    assert_eq!((&events[0].data()["actor"], &events[0].data()["user"]), (&actor, &user));
    assert_eq!((&events[1].data()["user"], &events[1].data()["actor"]["id"]), (&user, &Value::Null));
    assert_eq!((&events[2].data()["user"], &events[3].data()["user"]), (&Value::Null, &Value::Null));
    assert!(!events.iter().any(|event| event.text.contains(issued.secret.reveal())));
    fixture.verified(None);
}
