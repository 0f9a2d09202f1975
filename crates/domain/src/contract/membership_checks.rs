//! Many checks of memberships at once.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{must, user_named};
use super::numbers::Numbers;
use crate::access::{Caller, Denied, Policy, Refused, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::directory::{CheckedMembership, Directory, MemberError, MembershipCheck};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{Email, User, UserId};

fn check(user: &str, group: &str) -> MembershipCheck {
    MembershipCheck { user: UserIdentifier::from(user), group: GroupIdentifier::from(group) }
}

/// What the single check says, by a caller who is permitted to ask about anybody.
fn single(fixture: &Fixture, check: &MembershipCheck) -> CheckedMembership {
    let context = fixture.by(&fixture.admin);
    let found = |user: &UserIdentifier| {
        *user == UserIdentifier::Current || must(fixture.store.read(|directory| directory.user_id(user))).is_some()
    };
    let group_found = must(fixture.store.read(|directory| directory.group_id(&check.group))).is_some();
    let member = match fixture.directory.is_member(&context, &check.group, &check.user) {
        Ok(member) => member,
        Err(MemberError::GroupNotFound | MemberError::UserNotFound) => false,
        Err(MemberError::Refused(refused)) => must(Err(refused)),
    };
    CheckedMembership { member, user_found: found(&check.user), group_found }
}

/// Groups with any edges between them, users with any memberships, and every way to name each of them, or nobody.
pub fn many_checks_answer_as_single_ones(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let mut numbers = Numbers(7);
    let names = ["Soap", "Ｌye", "Straße", "a/b,c", "Team 4", "_x", "Mayhem"];
    let groups = names.map(|name| fixture.group(name));
    let people = ["tyler", "Marla", "René", "bob@fightclub.com", "+1"];
    let users: Vec<UserId> = people
        .iter()
        .zip(0_u128..)
        .map(|(name, number)| {
            let email = Email::try_from(format!("u{number}@München.de")).ok();
            fixture.insert(&User { email, ..user_named(name, Uuid::from_u128(0xbee0 + number)) })
        })
        .collect();
    for _ in 0..12 {
        let [parent, child] = [0; 2].map(|_| GroupIdentifier::Id(groups[numbers.below(groups.len())]));
        // A circle is refused, which does not matter here.
        let _ = fixture.directory.add_child(&fixture.by(&fixture.admin), &parent, &child);
    }
    for _ in 0..9 {
        fixture.join(groups[numbers.below(groups.len())], &[users[numbers.below(users.len())]]);
    }
    fixture.join(groups[2], &[fixture.admin.user]);
    let mut user_texts: Vec<String> =
        ["@current", "@CURRENT", "\u{200b}@current ", "ADMIN", "MARLA", " ty\u{ad}ler\u{a0}"]
            .into_iter()
            .chain([
                "RENE\u{301}",
                "U0@xn--mnchen-3ya.de",
                "u1@mu\u{308}nchen.de",
                "u9@münchen.de",
                "nobody",
                "",
                "\u{200b}",
                "\0",
            ])
            .chain(people)
            .map(str::to_owned)
            .collect();
    let mut group_texts: Vec<String> =
        ["SOAP", "lye", "STRASSE", "so\u{200d}ap", "Soap,Lye", "nothing", "", " ", "a", "Everyone"]
            .into_iter()
            .chain(names)
            .map(str::to_owned)
            .collect();
    for id in users.iter().map(|id| id.0).chain(groups.iter().map(|id| id.0)).chain([Uuid::from_u128(0xdead)]) {
        let simple = id.simple().to_string();
        let spellings = [id.to_string(), format!("{{{id}}}"), format!(" ({}) ", id.to_string().to_uppercase()), simple];
        let almost = id.to_string()[1..].to_owned();
        user_texts.extend(spellings.iter().cloned().chain([almost.clone()]));
        group_texts.extend(spellings.into_iter().chain([almost]));
    }
    user_texts.push("x".repeat(3000));
    group_texts.push("\u{fdfa}".repeat(255));
    let mut checks: Vec<MembershipCheck> =
        user_texts.iter().flat_map(|user| group_texts.iter().map(|group| check(user, group))).collect();
    // In any order, and some of them again.
    for place in (1..checks.len()).rev() {
        checks.swap(place, numbers.below(place + 1));
    }
    checks.extend_from_within(..50);
    let expected: Vec<CheckedMembership> = checks.iter().map(|check| single(&fixture, check)).collect();
    let yes = expected.iter().filter(|answer| answer.member).count();
    assert!(yes > 100 && yes < checks.len() / 2, "{yes} of {}", checks.len());
    let context = fixture.by(&fixture.admin);
    assert_eq!(must(fixture.directory.check_memberships_in_detail(&context, &checks)), expected);
    let members: Vec<bool> = expected.iter().map(|answer| answer.member).collect();
    assert_eq!(must(fixture.directory.check_memberships(&context, &checks)), members);
    // A few, and one alone, are answered as when they stand among many.
    for (place, answer) in expected.iter().enumerate().take(60) {
        let alone = must(fixture.directory.check_memberships_in_detail(&context, &checks[place..=place]));
        assert_eq!(alone, [*answer], "{:?}", checks[place]);
    }
    assert_eq!(must(fixture.directory.check_memberships(&context, &[])), [false; 0]);
}

/// One user in hundreds of groups, asked about all of them, about groups above them, and about as many others.
pub fn a_user_in_many_groups_may_be_asked_about_many(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (busy, idle) = (fixture.user("busy"), fixture.user("idle"));
    let top = fixture.group("top");
    let groups: Vec<GroupId> = (0..300).map(|number| fixture.group(&format!("g{number}"))).collect();
    for (number, group) in groups.iter().enumerate() {
        if number % 3 == 0 {
            fixture.join(*group, &[busy]);
        }
        if number % 50 == 0 {
            fixture.nest(top, *group);
        }
    }
    fixture.join(groups[1], &[idle]);
    let asked = groups.iter().copied().chain([top]);
    let checks: Vec<MembershipCheck> = asked
        .flat_map(|group| [busy, idle].map(|user| (user, group)))
        .map(|(user, group)| MembershipCheck { user: UserIdentifier::Id(user), group: GroupIdentifier::Id(group) })
        .collect();
    let mut expected: Vec<bool> = (0..300).flat_map(|number| [number % 3 == 0, number == 1]).collect();
    expected.extend([true, false]);
    assert_eq!(must(fixture.directory.check_memberships(&fixture.by(&fixture.admin), &checks)), expected);
}

/// Delegates, managers of API keys, and tokens without the scope ask about themselves, by any of their names, and learn nothing of
/// others.
pub fn whoever_is_no_system_administrator_checks_themselves_alone(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let delegating =
        fixture.directory.clone().with_policy(Policy { delegated_administration: true, ..Policy::default() });
    fixture.group("Soap");
    let marla = fixture.insert(&user_named("marla@fightclub.com", Uuid::from_u128(0xfeed)));
    let member_of = |name: &str, group: SystemGroup| {
        let user = fixture.user(name);
        fixture.join(fixture.system(group), &[user]);
        fixture.caller(user)
    };
    let deputies = fixture.group("deputies");
    fixture.nest(fixture.system(SystemGroup::SystemAdministrators), deputies);
    let deputy = fixture.user("deputy");
    fixture.join(deputies, &[deputy]);
    let draft = ApiKeyDraft { name: Some(Some("factory".to_owned())), ..ApiKeyDraft::default() };
    let administrators = [SystemGroup::SystemAdministrators.identifier()];
    let factory = must(fixture.directory.create_api_key(&fixture.operator(), draft, &administrators)).key.user;
    let without_scope = |caller: Caller| Caller { scopes: Scopes::default(), ..caller };
    let outcomes = |directory: &Directory, caller: &Caller, user: &str, group: &str| {
        let context = fixture.by(caller);
        let checks = [check("@current", "Everyone"), check(user, group)];
        let plain = directory.check_memberships(&context, &checks);
        let detailed = directory.check_memberships_in_detail(&context, &checks);
        [plain.map(drop), detailed.map(drop)].map(|outcome| match outcome {
            Err(Refused::Denied(denied)) => Err(denied),
            other => {
                must(other);
                Ok(())
            }
        })
    };
    let ordinary = fixture.user("ordinary");
    for (name, caller, is_permitted) in [
        ("admin", fixture.admin.clone(), true),
        ("deputy", fixture.caller(deputy), true),
        ("factory", fixture.caller(factory), true),
        ("factory", without_scope(fixture.caller(factory)), false),
        ("admin", without_scope(fixture.admin.clone()), false),
        ("ordinary", fixture.caller(ordinary), false),
        ("users", member_of("users", SystemGroup::UserAdministrators), false),
        ("groups", member_of("groups", SystemGroup::GroupAdministrators), false),
        ("keys", member_of("keys", SystemGroup::ApiKeyAdministrators), false),
    ] {
        let expected = if is_permitted { Ok(()) } else { Err(Denied::NotPermitted) };
        let id = caller.user.to_string();
        for directory in [&fixture.directory, &delegating] {
            for group in ["Soap", "nothing", "00000000-0000-0000-0000-00000000dead"] {
                for own in ["@current", name, &id, &format!("\u{200b}{} ", name.to_uppercase())] {
                    assert_eq!(outcomes(directory, &caller, own, group), [Ok(()); 2], "{own} by {name}");
                }
                let marla = marla.to_string();
                for other in ["marla@fightclub.com", &marla, "nobody", "00000000-0000-0000-0000-00000000dead", "", "\0"]
                {
                    assert_eq!(outcomes(directory, &caller, other, group), [expected; 2], "{other} by {name}");
                }
            }
        }
    }
    let address = check("MARLA@fightclub.com", "Soap");
    let asked = fixture.directory.check_memberships(&fixture.by(fixture.caller(marla)), slice::from_ref(&address));
    assert_eq!(must(asked), [false]);
    let anonymous = fixture.directory.check_memberships(&fixture.anonymous(), slice::from_ref(&address));
    assert!(matches!(anonymous, Err(Refused::Denied(Denied::Unauthenticated))));
    assert_eq!(must(fixture.directory.check_memberships(&fixture.operator(), &[address])), [false]);
    // Whoever must change their password first asks nothing, not even about themselves.
    fixture.wait_days(181);
    for caller in [&fixture.admin, &fixture.caller(ordinary)] {
        let outcome = fixture.directory.check_memberships(&fixture.by(caller), &[check("@current", "Soap")]);
        assert!(matches!(outcome, Err(Refused::Denied(Denied::PasswordResetRequired))), "{outcome:?}");
    }
}

/// Somebody moves from one group to another and back while others ask: they are always in exactly one.
pub fn checks_of_one_request_agree(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let groups = ["Soap", "Lye"].map(|name| fixture.group(name));
    let user = fixture.user("tyler");
    fixture.join(groups[0], &[user]);
    let checks = [check("tyler", "Soap"), check("tyler", "Lye")];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut asked = 0;
            while !is_over.load(Ordering::Relaxed) || asked < 20 {
                let answers = must(fixture.directory.check_memberships(&fixture.by(&fixture.admin), &checks));
                assert_ne!(answers[0], answers[1]);
                asked += 1;
            }
        });
        for number in 0..40 {
            let (from, to) = (groups[number % 2], groups[(number + 1) % 2]);
            must(fixture.store.write_alone(|directory| {
                directory.remove_member(from, user, fixture.now())?;
                directory.insert_members(to, &BTreeSet::from([user]), Provenance::at(Timestamp::from_milliseconds(0)))
            }));
        }
        is_over.store(true, Ordering::Relaxed);
        must(reading.join());
    });
}
