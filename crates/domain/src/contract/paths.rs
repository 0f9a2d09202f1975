//! Why somebody is in a group.

use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::numbers::Numbers;
use crate::access::{Denied, Refused, Scopes};
use crate::context::Context;
use crate::directory::{Explanation, MemberError};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::manager::{Author, ManagerId};
use crate::ports::{PathMembership, Store};
use crate::user::UserId;
use crate::version::Precondition;

impl Fixture {
    fn explain(
        &self,
        context: &Context,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Explanation, MemberError> {
        let (group, user) = (GroupIdentifier::Id(group), UserIdentifier::Id(user));
        self.directory.explain_membership(context, &group, &user, most)
    }

    /// The number of paths, whether there are more, and the first of them.
    fn paths(&self, group: GroupId, user: UserId, most: usize) -> (u64, bool, Vec<Vec<GroupId>>) {
        let explained = must(self.explain(&self.by(&self.admin), group, user, most));
        let ids = |path: &crate::directory::MembershipPath| path.groups.iter().map(|(id, _)| *id).collect();
        (explained.path_count, explained.has_more, explained.paths.iter().map(ids).collect())
    }
}

/// All paths down from `group` to one of `direct`, by walking all of them.
fn walked(edges: &[(GroupId, GroupId)], direct: &[GroupId], group: GroupId) -> Vec<Vec<GroupId>> {
    let mut paths = Vec::new();
    if direct.contains(&group) {
        paths.push(vec![group]);
    }
    for (_, child) in edges.iter().filter(|(parent, _)| *parent == group) {
        paths.extend(walked(edges, direct, *child).into_iter().map(|path| [&[group], &path[..]].concat()));
    }
    paths
}

/// Any small graph: every path, shortest first, then by the names of the groups, and as many as were asked for.
pub fn paths_are_those_that_a_walk_finds(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = fixture.user("user");
    let mut longest = 0;
    for round in 0..12 {
        let mut numbers = Numbers(round * 31 + 5);
        let mut groups: Vec<(String, GroupId)> = (0..9)
            .map(|number| {
                let name = format!("{} {round} {number}", ["Soap", "lye", "Ash"][numbers.below(3)]);
                (name.to_lowercase(), fixture.group(&name))
            })
            .collect();
        let mut edges = Vec::new();
        for parent in 0..groups.len() {
            for child in parent + 1..groups.len() {
                if numbers.below(5) < 3 {
                    fixture.nest(groups[parent].1, groups[child].1);
                    edges.push((groups[parent].1, groups[child].1));
                }
            }
        }
        let direct: Vec<GroupId> = groups.iter().map(|(_, id)| *id).filter(|_| numbers.below(3) == 0).collect();
        for group in &direct {
            fixture.join(*group, &[user]);
        }
        let asked: Vec<GroupId> = groups.iter().map(|(_, id)| *id).collect();
        groups.sort();
        let place = |group: &GroupId| groups.iter().position(|(_, id)| id == group);
        for group in asked {
            let mut expected = walked(&edges, &direct, group);
            expected.sort_by_key(|path| (path.len(), path.iter().map(place).collect::<Vec<_>>()));
            longest = longest.max(expected.len());
            let count = expected.len() as u64;
            for most in [1, 3, 100] {
                let first = expected.iter().take(most).cloned().collect();
                assert_eq!(fixture.paths(group, user, most), (count, false, first), "{round} {most}");
            }
            assert_eq!(fixture.is_in(group, user), count > 0);
        }
    }
    assert!(longest > 20, "{longest}");
}

/// Forty diamonds in a row have 2^40 paths, which are counted to a thousand and of which the first are found; so has a chain of many groups one.
pub fn a_graph_that_explodes_is_explained(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = fixture.user("user");
    let waists: Vec<GroupId> = (0..=40).map(|number| fixture.group(&format!("waist {number}"))).collect();
    let mut sides = Vec::new();
    for (number, ends) in waists.windows(2).enumerate() {
        let pair = ["left", "right"].map(|side| fixture.group(&format!("{side} {number}")));
        for side in pair {
            fixture.nest(ends[0], side);
            fixture.nest(side, ends[1]);
        }
        sides.push(pair);
    }
    fixture.join(waists[40], &[user]);
    let (count, has_more, paths) = fixture.paths(waists[0], user, 100);
    assert_eq!((count, has_more, paths.len()), (1000, true, 100));
    // By name, the last diamonds vary first: the paths count in binary.
    for (number, path) in paths.iter().enumerate() {
        let mut expected = Vec::new();
        for (place, (waist, pair)) in waists.iter().zip(&sides).enumerate() {
            let bit = u32::try_from(39 - place).ok().and_then(|bit| number.checked_shr(bit)).unwrap_or(0) & 1;
            expected.extend([*waist, pair[bit]]);
        }
        expected.push(waists[40]);
        assert_eq!(path, &expected, "{number}");
    }
    // 2^9 and 2^10 of them.
    assert_eq!(fixture.paths(waists[31], user, 1).0, 512);
    let (count, has_more, _) = fixture.paths(waists[30], user, 1);
    assert_eq!((count, has_more), (1000, true));
    let chain: Vec<GroupId> = (0..150).map(|number| fixture.group(&format!("link {number}"))).collect();
    for ends in chain.windows(2) {
        fixture.nest(ends[0], ends[1]);
    }
    fixture.join(chain[149], &[user]);
    assert_eq!(fixture.paths(chain[0], user, 10), (1, false, vec![chain]));
}

/// Whether or not somebody is a member; who added them and when, as long as that user exists.
pub fn an_explanation_tells_who_added_a_member(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, lye] = ["Soap", "Lye"].map(|name| fixture.group(name));
    fixture.nest(soap, lye);
    let [user, second] = ["user", "second"].map(|name| fixture.user(name));
    let by_admin = fixture.by(&fixture.admin);
    let explain = |group| must(fixture.explain(&by_admin, group, user, 10));
    let none = Explanation { direct: None, path_count: 0, has_more: false, paths: Vec::new() };
    assert_eq!(explain(soap), none);
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[second]);
    let first = fixture.now();
    fixture.join(lye, &[user]);
    fixture.wait_days(1);
    let by_second = fixture.by(fixture.caller(second));
    must(fixture.directory.add_member(&by_second, &GroupIdentifier::Id(soap), &UserIdentifier::Id(user)));
    let author = |id, username: &str| Some(Author { id, username: username.to_owned() });
    let membership = |added, added_by| PathMembership { added, added_by, from: None, until: None };
    let old = membership(first, author(fixture.admin.user, "admin"));
    let new = membership(fixture.now(), author(second, "second"));
    let explained = explain(soap);
    assert!(explained.is_member() && explained.path_count == 2 && explained.direct == Some(new.clone()));
    let [direct, inherited] = &explained.paths[..] else { return must(Err("not two paths")) };
    let names = |path: &crate::directory::MembershipPath| -> Vec<String> {
        path.groups.iter().map(|(_, name)| name.as_str().to_owned()).collect()
    };
    assert_eq!((names(direct), &direct.membership, direct.until), (vec!["Soap".to_owned()], &new, None));
    assert_eq!((names(inherited), &inherited.membership), (vec!["Soap".to_owned(), "Lye".to_owned()], &old));
    assert_eq!(explain(lye).direct, Some(old));
    must(fixture.directory.delete_user(&by_admin, &UserIdentifier::Id(second), &Precondition::default()));
    assert_eq!(explain(soap).direct, Some(membership(fixture.now(), None)));
}

/// System Administrators, managers of the group, and everybody about themselves; nobody else learns what exists.
pub fn members_managers_and_administrators_are_told_why(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let [soap, lye, deputies] = ["Soap", "Lye", "Deputies"].map(|name| fixture.group(name));
    fixture.nest(soap, lye);
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), deputies);
    let [user, manager, above, other, delegate] =
        ["user", "manager", "above", "other", "delegate"].map(|name| fixture.user(name));
    fixture.join(lye, &[user]);
    fixture.join(fixture.system(SystemGroup::GroupAdministrators), &[delegate]);
    fixture.appoint(lye, ManagerId::User(manager));
    fixture.appoint(soap, ManagerId::User(above));
    let mut wrong = Vec::new();
    for (caller, groups) in
        [(user, &[soap, lye, deputies][..]), (manager, &[lye]), (above, &[soap, lye]), (other, &[]), (delegate, &[])]
    {
        for group in [soap, lye, deputies] {
            for is_scoped in [true, false] {
                let mut by = fixture.caller(caller);
                by.scopes = if is_scoped { by.scopes } else { Scopes::default() };
                let expected = groups.contains(&group) && (is_scoped || caller == user);
                let explained = fixture.explain(&fixture.by(by), group, user, 10);
                let is_denied = matches!(explained, Err(MemberError::Refused(Refused::Denied(Denied::NotPermitted))));
                if (explained.is_ok(), is_denied) != (expected, !expected) {
                    wrong.push(format!("{group} by {caller}, {is_scoped}: {explained:?}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let explain = |caller, group: &str, user: &str| {
        let (group, user) = (GroupIdentifier::from(group), UserIdentifier::from(user));
        fixture.directory.explain_membership(&fixture.by(fixture.caller(caller)), &group, &user, 10).map(drop)
    };
    let admin = fixture.admin.user;
    assert!(matches!(explain(admin, "nothing", "user"), Err(MemberError::GroupNotFound)));
    assert!(matches!(explain(admin, "Soap", "nobody"), Err(MemberError::UserNotFound)));
    assert!(matches!(explain(manager, "Lye", "nobody"), Err(MemberError::UserNotFound)));
    assert!(matches!(explain(user, "nothing", "@current"), Err(MemberError::GroupNotFound)));
    for (group, user) in [("nothing", "user"), ("Soap", "nobody"), ("nothing", "nobody"), ("Soap", "user")] {
        let refused = explain(other, group, user);
        assert!(matches!(refused, Err(MemberError::Refused(Refused::Denied(Denied::NotPermitted)))), "{refused:?}");
    }
}
