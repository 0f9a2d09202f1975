//! The check of membership, held to the long form that defines it.

use std::sync::Arc;

use uuid::Uuid;

use super::Fixture;
use super::fixture::{must, user_named};
use crate::access::{Actor, Caller, Policy, Scopes};
use crate::api_key::ApiKeyDraft;
use crate::context::Context;
use crate::directory::{Directory, MemberCheck};
use crate::group::{GroupDraft, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{
    AccountStatus, Cancellation, CheckedGroups, MembershipAnswer, MembershipQuestion, Reader, Store, StoreError, Undo,
    Writer,
};
use crate::time::Timestamp;
use crate::user::{Email, SecurityStamp, User, UserId};

/// A store that answers in units of work only.
pub(super) struct LongForm(pub(super) Arc<dyn Store>);

impl Store for LongForm {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.0.reading(cancellation, work)
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.0.writing(work)
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.0.writing_alone(work)
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.0.ready()
    }
}

/// For every kind of caller and identifier, a check says what the long form says.
pub fn a_check_says_what_the_long_form_says(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, groups) = populate(&fixture);
    let identifiers: Vec<_> = groups.iter().map(|name| GroupIdentifier::from(name.as_str())).collect();
    let (long_form, unknown) = (LongForm(Arc::clone(&fixture.store)), GroupIdentifier::from("nothing"));
    let mut members = 0;
    for caller in &callers {
        for user in &users {
            for (index, group) in identifiers.iter().enumerate() {
                let next = &identifiers[(index + 1) % identifiers.len()];
                for groups in [
                    CheckedGroups::One(group),
                    CheckedGroups::FirstOf { whole: group, listed: &[] },
                    CheckedGroups::FirstOf { whole: group, listed: std::slice::from_ref(group) },
                    CheckedGroups::FirstOf { whole: group, listed: std::slice::from_ref(next) },
                    CheckedGroups::FirstOf { whole: &unknown, listed: &identifiers[index..] },
                ] {
                    let check = MembershipQuestion { caller: Some(caller.user), user, groups };
                    let answer = |store: &dyn Store| comparable(must(store.check(&Cancellation::new(), &check)));
                    let expected = answer(&long_form);
                    members += usize::from(expected.is_member);
                    assert_eq!(answer(&*fixture.store), expected, "{check:?}");
                }
            }
        }
    }
    assert!(members > 100, "{members}");
}

/// For every kind of caller and identifier, with and without delegates, the use cases answer and refuse as over a store that has only
/// the long form.
pub fn checks_are_answered_and_refused_as_by_the_long_form(store: Arc<dyn Store>) {
    compare_use_cases(store, |comparison, users, groups| {
        for (user, group) in users.iter().flat_map(|user| groups.iter().map(move |group| (user, group))) {
            let listed = format!("{group},{}", groups[0]);
            comparison.agrees(&|directory, context| {
                let is_member = directory.is_member(context, &GroupIdentifier::from(group.as_str()), user);
                let any = directory.is_member_of_any(context, user, group);
                let any_listed = directory.is_member_of_any(context, user, &listed);
                format!("{user:?} {group} {is_member:?} {any:?} {any_listed:?}")
            });
        }
    });
}

/// An actor, and the use cases over a store and over one that has only the long form.
pub(super) struct Comparison<'a> {
    fixture: &'a Fixture,
    actor: &'a Actor,
    directories: &'a [Directory<'static>; 2],
    granted: usize,
}

impl Comparison<'_> {
    /// Both tell the actor the same, and note the same of who that is.
    pub(super) fn agrees(&mut self, tell: &dyn Fn(&Directory, &Context) -> String) {
        let [(told, admission), expected] = self.directories.each_ref().map(|directory| {
            let context = self.fixture.by(self.actor.clone());
            let told = tell(directory, &context);
            (told, context.admission().map(|admission| (admission.user, admission.api_key)))
        });
        self.granted += usize::from(expected.0.contains("Ok"));
        assert_eq!((told, admission), expected, "{:?}", self.actor);
    }
}

/// Compares the use cases for every kind of actor, with and without delegates, with identifiers of every kind for users and groups.
pub(super) fn compare_use_cases(
    store: Arc<dyn Store>,
    mut compare: impl FnMut(&mut Comparison<'_>, &[UserIdentifier], &[String]),
) {
    let fixture = Fixture::over(store);
    let (callers, users, groups) = populate(&fixture);
    let actors = callers.into_iter().map(Actor::Caller).chain([Actor::Operator, Actor::Anonymous]).collect::<Vec<_>>();
    let mut granted = 0;
    for delegated_administration in [false, true] {
        let policy = Policy { delegated_administration, ..Policy::default() };
        let stores: [Arc<dyn Store>; 2] = [Arc::clone(&fixture.store), Arc::new(LongForm(Arc::clone(&fixture.store)))];
        let directories = &stores.map(|store| fixture.directory_over(store).with_policy(policy));
        for actor in &actors {
            let mut comparison = Comparison { fixture: &fixture, actor, directories, granted: 0 };
            compare(&mut comparison, &users, &groups);
            granted += comparison.granted;
        }
    }
    assert!(granted > 100, "{granted}");
}

/// Checks that are asked together are answered in their order, each as by the long form, whoever asks and of whatever kind the identifiers
/// are; and so are the calls of the use case.
pub fn checks_together_say_what_each_says_alone(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (callers, users, groups) = populate(&fixture);
    let long_form = LongForm(Arc::clone(&fixture.store));
    let groups: Vec<_> = groups.iter().map(|name| GroupIdentifier::from(name.as_str())).collect();
    let mut questions = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        for caller in &callers {
            for user in &users {
                let one = CheckedGroups::One(group);
                questions.push(MembershipQuestion { caller: Some(caller.user), user, groups: one });
            }
        }
        let several = CheckedGroups::FirstOf { whole: group, listed: &groups[index..] };
        questions.push(MembershipQuestion { caller: Some(callers[0].user), user: &users[1], groups: several });
        questions.push(MembershipQuestion { caller: None, user: &users[1], groups: CheckedGroups::One(group) });
    }
    let mut rest = questions.as_slice();
    for size in (1..).map(|number| number * number) {
        let (asked, others) = rest.split_at(size.min(rest.len()));
        let answers = fixture.store.check_together(asked);
        assert_eq!(answers.len(), asked.len());
        for (question, answer) in asked.iter().zip(answers) {
            let expected = comparable(must(long_form.check(&Cancellation::new(), question)));
            assert_eq!(comparable(must(answer)), expected, "{question:?}");
        }
        rest = others;
        if rest.is_empty() {
            break;
        }
    }
    let actors: Vec<_> = callers.into_iter().map(Actor::Caller).chain([Actor::Operator, Actor::Anonymous]).collect();
    for delegated_administration in [false, true] {
        let policy = Policy { delegated_administration, ..Policy::default() };
        let directory = fixture.directory_over(Arc::clone(&fixture.store)).with_policy(policy);
        let (mut decided, mut undecided) = (0, 0);
        for user in &users {
            let contexts: Vec<_> =
                actors.iter().map(|actor| [fixture.by(actor.clone()), fixture.by(actor.clone())]).collect();
            for group in &groups {
                let asked: Vec<_> = contexts.iter().map(|[context, _]| MemberCheck { context, group, user }).collect();
                let results = directory.are_members(&asked);
                for ([together, alone], result) in contexts.iter().zip(&results) {
                    let expected = directory.is_member(alone, group, user);
                    let Some(result) = result else {
                        undecided += usize::from(matches!(alone.actor(), Actor::Caller(_)));
                        continue;
                    };
                    decided += 1;
                    assert_eq!(
                        format!("{result:?}"),
                        format!("{expected:?}"),
                        "{:?} {user:?} {group:?}",
                        alone.actor()
                    );
                    let [together, alone] =
                        [together, alone].map(|context| context.admission().map(|admission| admission.user));
                    assert_eq!(together, alone);
                }
            }
        }
        assert!(decided > 0 && undecided > 0, "{decided} {undecided}");
    }
}

/// What an answer must say: the groups of a System Administrator beside System Administrators may be left out, and everything about a
/// caller who does not exist.
fn comparable(answer: MembershipAnswer) -> MembershipAnswer {
    let Some(caller) = answer.caller else {
        return MembershipAnswer { caller: None, user: None, has_group: false, is_member: false };
    };
    MembershipAnswer { caller: Some(comparable_account(caller)), ..answer }
}

/// What an account must say.
pub(super) fn comparable_account(account: AccountStatus) -> AccountStatus {
    let is_other = !account.system_administrator;
    AccountStatus {
        user_administrator: account.user_administrator && is_other,
        group_administrator: account.group_administrator && is_other,
        api_key_administrator: account.api_key_administrator && is_other,
        ..account
    }
}

/// Every kind of caller, and identifiers of every kind for users and groups.
pub(super) fn populate(fixture: &Fixture) -> (Vec<Caller>, Vec<UserIdentifier>, Vec<String>) {
    let now = fixture.now();
    let [top, middle, bottom, empty] = ["top", "middle", "bottom", "empty"].map(|name| fixture.group(name));
    fixture.nest(top, middle);
    fixture.nest(middle, bottom);
    let named = |name: &str, number: u128| user_named(name, Uuid::from_u128(0xabc0 + number));
    let member =
        fixture.insert(&User { email: Email::try_from("member@example.com".to_owned()).ok(), ..named("member", 1) });
    let stranger = fixture.insert(&named("stranger", 2));
    let both = fixture.insert(&named("both", 3));
    fixture.join(bottom, &[member, both]);
    fixture.join(top, &[both]);
    let administrators = SystemGroup::ADMINISTRATORS.map(|group| {
        let user = fixture.user(&format!("member of {}", group.name()));
        fixture.join(fixture.system(group), &[user]);
        user
    });
    // Below two administrators' groups.
    fixture.nest(fixture.system(SystemGroup::UserAdministrators), middle);
    fixture.nest(fixture.system(SystemGroup::GroupAdministrators), bottom);
    let closed = [
        fixture.insert(&User { suspended: true, ..named("suspended", 4) }),
        fixture.insert(&User { expiry: Some(now), ..named("expired", 5) }),
        fixture.insert(&User { password_reset_required: true, ..named("reset", 6) }),
        fixture.insert(&User { password_changed: Some(Timestamp::from_milliseconds(0)), ..named("stale", 7) }),
    ];
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &closed);
    let draft = GroupDraft {
        name: Some("domains".to_owned()),
        description: Some("joined by address".to_owned()),
        auto_membership_email_domains: vec!["example.com".to_owned(), "example.org".to_owned()],
        ..GroupDraft::default()
    };
    must(fixture.directory.create_group(&fixture.operator(), draft));
    let draft = ApiKeyDraft { name: Some(Some("key".to_owned())), ..ApiKeyDraft::default() };
    let key_user = must(fixture.directory.create_api_key(&fixture.operator(), draft, &[])).key.user;
    fixture.join(fixture.system(SystemGroup::SystemAdministrators), &[key_user]);
    let known = [member, stranger, both, key_user].into_iter().chain(administrators).chain(closed);
    let mut callers: Vec<_> = known.map(|user| fixture.caller(user)).collect();
    callers.extend([
        Caller { scopes: Scopes::default(), ..fixture.admin.clone() },
        Caller { stamp: SecurityStamp(Uuid::from_u128(0xdead)), ..fixture.admin.clone() },
        Caller { user: UserId(Uuid::from_u128(0xdead)), ..fixture.admin.clone() },
        fixture.admin.clone(),
    ]);
    let users = [
        UserIdentifier::Current,
        UserIdentifier::Id(member),
        UserIdentifier::Id(stranger),
        UserIdentifier::Id(administrators[0]),
        UserIdentifier::Id(key_user),
        UserIdentifier::Id(UserId(Uuid::from_u128(0xdead))),
        UserIdentifier::from("MEMBER"),
        UserIdentifier::from("member@example.com"),
        UserIdentifier::from("both"),
        UserIdentifier::from("nobody"),
    ];
    let groups = [top, middle, bottom, empty].map(|group| group.0.to_string()).into_iter();
    let groups =
        groups.chain(["Top", "bottom", "domains", "Everyone", "System Administrators", "nothing"].map(str::to_owned));
    (callers, users.to_vec(), groups.chain([Uuid::from_u128(0xdead).to_string()]).collect())
}
