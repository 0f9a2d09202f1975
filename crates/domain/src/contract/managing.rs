//! What managers of groups may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use crate::access::{Caller, Denied, Refused, Scopes};
use crate::context::Context;
use crate::directory::{
    AddChildrenError, AddMembersError, AppointError, ChangeGroupError, CreateGroupError, DeleteGroupError, Directory,
    ManagersError, MemberError, MembershipCheck, ReadGroupError, RemoveChildError, RemoveMemberError,
};
use crate::group::{GroupChanges, GroupDraft, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::ManagerId;
use crate::page::Page;
use crate::ports::{Member, Reach, Store};
use crate::search::{Filter, GroupListing, Sort, UserField, UserListing};
use crate::user::{ShownUser, UserSummary};
use crate::version::Precondition;

/// Whether the outcome is anything but a refusal for want of the permission.
macro_rules! is_permitted {
    ($outcome:expr, $error:ident) => {
        !matches!($outcome, Err($error::Refused(Refused::Denied(Denied::NotPermitted))))
    };
}

/// On which groups managers may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum May {
    Never,
    Below,
    AtOrBelow,
}

type Deed = fn(&Directory, &Context, &GroupIdentifier) -> bool;

fn changes(changes: GroupChanges) -> impl FnOnce(&Directory, &Context, &GroupIdentifier) -> bool {
    move |directory, context, group| {
        is_permitted!(directory.change_group(context, group, &changes, &Precondition::default()), ChangeGroupError)
    }
}

/// Every use case on a group, with whether the actor has the permission. None of them changes anything that another looks at.
const DEEDS: [(&str, May, Deed); 19] = [
    ("read", May::AtOrBelow, |d, by, group| is_permitted!(d.group(by, group), ReadGroupError)),
    ("list members", May::AtOrBelow, |d, by, group| {
        let listing = UserListing::of_all(Page::default(), by.now());
        is_permitted!(d.shown_members(by, group, Reach::Effective, &[], &listing), ReadGroupError)
    }),
    ("list whole members", May::Never, |d, by, group| {
        let listing = UserListing::of_all(Page::default(), by.now());
        is_permitted!(d.members(by, group, Reach::Effective, &[], &listing), ReadGroupError)
    }),
    ("list children", May::AtOrBelow, |d, by, group| {
        let listing = GroupListing::of_all(Page::default(), by.now());
        is_permitted!(d.children(by, group, (Reach::Effective, true), &[], &listing), ReadGroupError)
    }),
    ("list all groups", May::Never, |d, by, _| {
        let listing = GroupListing::of_all(Page::default(), by.now());
        is_permitted!(d.groups(by, &listing), ReadGroupError)
    }),
    ("check", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.is_member(by, group, &UserIdentifier::from("tyler")), MemberError)
    }),
    ("check many", May::AtOrBelow, |d, by, group| {
        let check = |user: &str| MembershipCheck { user: UserIdentifier::from(user), group: group.clone() };
        let checks = [check("tyler"), check("nobody"), check("@current")];
        let plain = d.check_memberships(by, &checks);
        let detailed = d.check_memberships_in_detail(by, &checks);
        let is_denied = |denied| matches!(denied, Some(Refused::Denied(Denied::NotPermitted)));
        let outcomes = [is_denied(plain.err()), is_denied(detailed.err())];
        assert_eq!(outcomes[0], outcomes[1]);
        !outcomes[0]
    }),
    ("add", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.add_member(by, group, &UserIdentifier::from("tyler")), MemberError)
    }),
    ("add many", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.add_members(by, group, &BTreeSet::new()), AddMembersError)
    }),
    ("remove", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.remove_member(by, group, &UserIdentifier::from("nobody")), RemoveMemberError)
    }),
    ("nest", May::AtOrBelow, |d, by, group| is_permitted!(d.add_child(by, group, group), AddChildrenError)),
    ("nest many", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.add_children(by, group, &BTreeSet::new()), AddChildrenError)
    }),
    ("unnest", May::AtOrBelow, |d, by, group| is_permitted!(d.remove_child(by, group, group), RemoveChildError)),
    ("create below", May::AtOrBelow, |d, by, group| {
        is_permitted!(d.create_group_below(by, group, GroupDraft::default()), CreateGroupError)
    }),
    ("create", May::Never, |d, by, _| is_permitted!(d.create_group(by, GroupDraft::default()), CreateGroupError)),
    ("describe", May::Below, |d, by, group| {
        let text = Some(Some("Soap".to_owned()));
        changes(GroupChanges { description: text, ..GroupChanges::default() })(d, by, group)
    }),
    ("change domains", May::Never, |d, by, group| {
        let domains = Some(vec!["fightclub.com".to_owned()]);
        changes(GroupChanges { auto_membership_email_domains: domains, ..GroupChanges::default() })(d, by, group)
    }),
    ("delete", May::Never, |d, by, group| {
        is_permitted!(d.delete_group(by, group, &Precondition::default()), DeleteGroupError)
    }),
    ("appoint", May::Never, |d, by, group| {
        let listed = is_permitted!(d.managers(by, group, &Page::default()), ManagersError);
        let oneself = Member::User(&UserIdentifier::Current);
        listed || is_permitted!(d.appoint_manager(by, group, oneself), AppointError)
    }),
];

/// Managers direct, by a group, of the tree above, and above and below administrators' groups; and whoever manages nothing.
pub fn managers_may_what_the_table_says(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [top, middle, deep, mixed, over, apart] =
        ["top", "middle", "deep", "mixed", "over", "apart"].map(|name| fixture.group(name));
    let [deputies, team, inner] = ["deputies", "team", "inner"].map(|name| fixture.group(name));
    let system = fixture.system(SystemGroup::SystemAdministrators);
    for (parent, child) in [
        (top, middle),
        (middle, deep),
        (middle, mixed),
        (system, deputies),
        (deputies, mixed),
        (over, system),
        (team, inner),
    ] {
        fixture.nest(parent, child);
    }
    let [direct, by_group, of_top, of_over, of_team, nobody] =
        ["direct", "by group", "of top", "of over", "of team", "outsider"].map(|name| fixture.user(name));
    fixture.user("tyler");
    fixture.join(inner, &[by_group]);
    fixture.appoint(middle, ManagerId::User(direct));
    fixture.appoint(middle, ManagerId::Group(team));
    fixture.appoint(top, ManagerId::User(of_top));
    fixture.appoint(over, ManagerId::User(of_over));
    fixture.appoint(team, ManagerId::User(of_team));
    let targets = [top, middle, deep, mixed, over, system, deputies, apart, team, inner];
    let mut wrong = Vec::new();
    // For each manager, the groups that they are appointed for, and those below.
    for (user, itself, below) in [
        (direct, &[middle][..], &[deep][..]),
        (by_group, &[middle], &[deep]),
        (of_top, &[top], &[middle, deep]),
        (of_over, &[over], &[]),
        (of_team, &[team], &[inner]),
        (nobody, &[], &[]),
    ] {
        let caller = fixture.caller(user);
        let without_scope = Caller { scopes: Scopes::default(), ..caller.clone() };
        for (number, group) in targets.iter().enumerate() {
            let manages = match group {
                group if below.contains(group) => Some(May::Below),
                group if itself.contains(group) => Some(May::AtOrBelow),
                _ => None,
            };
            for (deed, may, act) in DEEDS {
                let expected = manages.is_some_and(|manages| may >= manages);
                let identifier = GroupIdentifier::Id(*group);
                if act(&fixture.directory, &fixture.by(&caller), &identifier) != expected {
                    wrong.push(format!("{deed} {number} by {user}: not {expected}"));
                }
                if act(&fixture.directory, &fixture.by(&without_scope), &identifier) {
                    wrong.push(format!("{deed} {number} by {user} without the scope"));
                }
            }
        }
        for (deed, _, act) in DEEDS {
            for unknown in ["nothing", "00000000-0000-0000-0000-00000000dead"] {
                if act(&fixture.directory, &fixture.by(&caller), &GroupIdentifier::from(unknown)) {
                    wrong.push(format!("{deed} of a group that does not exist by {user}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // What is put below, or taken away, must be theirs as well.
    let context = fixture.by(fixture.caller(direct));
    let middle = GroupIdentifier::Id(middle);
    for other in [top, mixed, over, system, deputies, apart] {
        let child = GroupIdentifier::Id(other);
        let refused = fixture.directory.add_child(&context, &middle, &child);
        assert!(!is_permitted!(refused, AddChildrenError), "{other}");
        let refused = fixture.directory.add_children(&context, &middle, &BTreeSet::from([deep, other]));
        assert!(!is_permitted!(refused, AddChildrenError), "{other}");
        let refused = fixture.directory.remove_child(&context, &middle, &child);
        assert!(!is_permitted!(refused, RemoveChildError), "{other}");
    }
    for name in ["nothing", "00000000-0000-0000-0000-00000000dead"] {
        let refused = fixture.directory.add_child(&context, &middle, &GroupIdentifier::from(name));
        assert!(!is_permitted!(refused, AddChildrenError), "{name}");
    }
    must(fixture.directory.remove_child(&context, &middle, &GroupIdentifier::Id(deep)));
    // It is theirs no more.
    let refused = fixture.directory.add_child(&context, &middle, &GroupIdentifier::Id(deep));
    assert!(!is_permitted!(refused, AddChildrenError));
}

/// Id, names and address; and what is not shown neither filters nor sorts.
pub fn a_manager_sees_users_in_summary(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, over] = ["Soap", "Over"].map(|name| fixture.group(name));
    fixture.nest(over, fixture.system(SystemGroup::SystemAdministrators));
    let [marla, tyler] = ["marla", "tyler@fightclub.com"].map(|name| fixture.user(name));
    fixture.join(soap, &[marla, tyler]);
    for group in [soap, over] {
        fixture.appoint(group, ManagerId::User(marla));
    }
    let context = fixture.by(fixture.caller(marla));
    let list = |group, listing: &UserListing| {
        fixture.directory.shown_members(&context, &GroupIdentifier::Id(group), Reach::Effective, &[], listing)
    };
    let whole = |id| must(must(fixture.store.read(|directory| directory.user(id))).ok_or("no such user"));
    let summary = |id| ShownUser::Summary(UserSummary::from(whole(id)));
    let everybody = must(list(soap, &fixture.all(Page::default())));
    assert_eq!((everybody.total, everybody.items), (2, vec![summary(marla), summary(tyler)]));
    let administrators = must(list(over, &fixture.all(Page::default())));
    assert_eq!(administrators.items, [summary(fixture.admin.user)]);
    let by_admin = fixture.by(&fixture.admin);
    let all = fixture.all(Page::default());
    let seen = fixture.directory.shown_members(&by_admin, &GroupIdentifier::Id(soap), Reach::Direct, &[], &all);
    assert_eq!(must(seen).items[0], ShownUser::Whole(Box::new(whole(marla))));
    let shown = ["id", "username", "email", "firstName", "lastName"];
    let fields = UserField::named_fields().chain([("custom.rank", UserField::Custom("rank".to_owned()))]);
    for (name, field) in fields {
        let has_value = Filter::without(field.clone());
        let sort = Sort { field, is_descending: true };
        let filters = [
            UserListing { filter: has_value.clone(), ..all.clone() },
            UserListing { filter: Filter::Not(Box::new(Filter::all().and(has_value.clone()))), ..all.clone() },
            UserListing { filter: Filter::naming("x").and(Filter::Any(vec![has_value])), ..all.clone() },
            UserListing { order: vec![sort.clone()], ..all.clone() },
            UserListing { order: vec![Sort { field: UserField::Email, is_descending: false }, sort], ..all.clone() },
        ];
        for listing in filters {
            match list(soap, &listing) {
                Err(ReadGroupError::HiddenField(hidden)) => {
                    assert!(hidden == name && !shown.contains(&name), "{name}: {hidden}");
                }
                outcome => {
                    must(outcome);
                    assert!(shown.contains(&name), "{name}");
                }
            }
        }
    }
    let words = UserListing { filter: Filter::with_words("London"), ..all };
    assert!(matches!(list(soap, &words), Err(ReadGroupError::HiddenField(_))));
}
