//! Custom properties, which are stored and shown as they were sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Fixture;
use super::fixture::{must, user_named};
use crate::custom::{Custom, CustomChange, CustomValue, NOT_PORTABLE};
use crate::directory::{ChangeGroupError, ChangeUserError, CreateGroupError, CreateUserError};
use crate::group::{GroupChanges, GroupDraft};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{NameSource, Store};
use crate::search::{Field as _, GroupField, UserField};
use crate::user::{SecurityStamp, User, UserChanges, UserDraft};
use crate::validation::InvalidField;
use crate::version::Precondition;

/// Every route by which custom properties come in: what is stored then, or what is refused.
struct Doors {
    fixture: Fixture,
    user: UserIdentifier,
    group: GroupIdentifier,
}

type Outcome = Result<Custom, Vec<InvalidField>>;

impl Doors {
    fn over(store: Arc<dyn Store>) -> Self {
        let fixture = Fixture::over(store);
        let (user, group) = (fixture.user("user"), fixture.group("group"));
        Self { user: UserIdentifier::Id(user), group: GroupIdentifier::Id(group), fixture }
    }

    fn create_user(&self, number: usize, custom: &Custom) -> Outcome {
        let draft = UserDraft {
            username: Some(format!("new {number}")),
            email: Some(format!("new{number}@fightclub.com")),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            custom: custom.clone(),
            ..UserDraft::default()
        };
        match self.fixture.directory.create_user(&self.fixture.by(&self.fixture.admin), draft) {
            Err(CreateUserError::Invalid(faults)) => Err(faults),
            created => Ok(self.read_user(&UserIdentifier::Id(must(created).id))),
        }
    }

    fn change_user(&self, custom: CustomChange) -> Outcome {
        let changes = UserChanges { custom: Some(custom), ..UserChanges::default() };
        let context = self.fixture.by(&self.fixture.admin);
        match self.fixture.directory.change_user(&context, &self.user, &changes, &Precondition::default()) {
            Err(ChangeUserError::Invalid(faults)) => Err(faults),
            outcome => {
                must(outcome);
                Ok(self.read_user(&self.user))
            }
        }
    }

    fn create_group(&self, number: usize, custom: &Custom) -> Outcome {
        let draft = GroupDraft { name: Some(format!("New {number}")), custom: custom.clone(), ..GroupDraft::default() };
        match self.fixture.directory.create_group(&self.fixture.by(&self.fixture.admin), draft) {
            Err(CreateGroupError::Invalid(faults)) => Err(faults),
            created => Ok(self.fixture.read(must(created).id).custom),
        }
    }

    fn change_group(&self, custom: CustomChange) -> Outcome {
        let changes = GroupChanges { custom: Some(custom), ..GroupChanges::default() };
        let context = self.fixture.by(&self.fixture.admin);
        match self.fixture.directory.change_group(&context, &self.group, &changes, &Precondition::default()) {
            Err(ChangeGroupError::Invalid(faults)) => Err(faults),
            outcome => {
                must(outcome);
                Ok(must(self.fixture.directory.group(&context, &self.group)).custom)
            }
        }
    }

    fn read_user(&self, user: &UserIdentifier) -> Custom {
        must(self.fixture.directory.user(&self.fixture.by(&self.fixture.admin), user)).custom
    }

    /// What comes of one property by each of the routes.
    fn outcomes(&self, number: usize, name: &str, value: &CustomValue) -> [Outcome; 6] {
        let custom = Custom::from([(name.to_owned(), value.clone())]);
        let merged = || CustomChange::Merge(BTreeMap::from([(name.to_owned(), Some(value.clone()))]));
        let emptied = CustomChange::Replace(Custom::new());
        must(self.change_user(emptied.clone()));
        let merged_user = self.change_user(merged());
        must(self.change_group(emptied));
        let merged_group = self.change_group(merged());
        [
            self.create_user(number, &custom),
            merged_user,
            self.change_user(CustomChange::Replace(custom.clone())),
            self.create_group(number, &custom),
            merged_group,
            self.change_group(CustomChange::Replace(custom)),
        ]
    }
}

fn number(digits: &str) -> CustomValue {
    CustomValue::Number(digits.to_owned())
}

/// Numbers keep their digits, and texts and names every character.
pub fn custom_properties_come_back_as_they_were(store: Arc<dyn Store>) {
    let doors = Doors::over(store);
    let digits = [
        "0",
        "-0",
        "1.50e2",
        "0.1",
        "9007199254740993",
        "-9223372036854775808",
        "18446744073709551615",
        "1e23",
        "1.7976931348623157e308",
        "5e-324",
    ];
    let texts = ["", "\u{1}\u{1f}\u{7f}", "\u{ffff}\u{10ffff}", "\"\\/", "e\u{301}", "1e999"];
    let values = digits.into_iter().map(number).chain(texts.map(|text| CustomValue::Text(text.to_owned())));
    for (place, value) in values.chain([CustomValue::Boolean(false), CustomValue::Null]).enumerate() {
        for name in ["Level", "", "\u{1}\"'\\ é"] {
            let expected = Custom::from([(name.to_owned(), value.clone())]);
            let number = place * 10 + name.len();
            for outcome in doors.outcomes(number, name, &value) {
                assert_eq!(outcome.as_ref(), Ok(&expected), "{name:?} {value:?}");
            }
        }
    }
}

/// A number that neither 64 bits nor a double hold is refused, and so is what a database cannot store.
pub fn custom_properties_that_a_reader_would_change_are_refused(store: Arc<dyn Store>) {
    let doors = Doors::over(store);
    let text = |text: &str| CustomValue::Text(text.to_owned());
    for (place, (name, value, field, message)) in [
        ("a", number("1e999"), "custom.a", NOT_PORTABLE),
        ("a", number("1e-999"), "custom.a", NOT_PORTABLE),
        ("a", number("123456789012345678901234567890"), "custom.a", NOT_PORTABLE),
        ("a", number("18446744073709551617"), "custom.a", NOT_PORTABLE),
        ("a", number("1.0000000000000000000000001"), "custom.a", NOT_PORTABLE),
        ("a", number("one"), "custom.a", "The value must be a number in JSON's notation"),
        ("a", text("b\0"), "custom.a", "The value must not contain the character U+0000"),
        ("a\0", text("b"), "custom.a\0", "The name of the property must not contain the character U+0000"),
        ("a", text(&"x".repeat(32_769)), "custom.a", "The value must have 32768 or fewer bytes"),
    ]
    .into_iter()
    .enumerate()
    {
        for outcome in doors.outcomes(place, name, &value) {
            assert_eq!(outcome, Err(vec![InvalidField::new(field, message)]), "{name:?} {value:?}");
        }
    }
    assert_eq!((UserField::named("custom.a\0"), GroupField::named("custom.a\0")), (None, None));
    // What results from a merge is bounded too.
    let most: Custom = (0..200).map(|place| (format!("p{place}"), CustomValue::Null)).collect();
    let one_more = || CustomChange::Merge(BTreeMap::from([("one more".to_owned(), Some(CustomValue::Null))]));
    let refused = Err(vec![InvalidField::new("custom", "There must be at most 200 custom properties, not 201")]);
    must(doors.change_user(CustomChange::Replace(most.clone())));
    assert_eq!(doors.change_user(one_more()), refused);
    must(doors.change_group(CustomChange::Replace(most)));
    assert_eq!(doors.change_group(one_more()), refused);
}

/// What an older version stored is read, found and kept, beside changes of other properties.
pub fn stored_custom_properties_stay_readable(store: Arc<dyn Store>) {
    let doors = Doors::over(store);
    let stored = Custom::from([("old".to_owned(), number("1e999"))]);
    let context = || doors.fixture.by(&doors.fixture.admin);
    let UserIdentifier::Id(id) = doors.user else { unreachable!("the user has an id") };
    let user = must(doors.fixture.directory.user(&context(), &doors.user));
    must(doors.fixture.store.write(|directory| {
        directory.delete_user(id, doors.fixture.now())?;
        let user = User { custom: stored.clone(), ..user_named("user", user.id.0) };
        directory.insert_user(&user, None, SecurityStamp(user.id.0), NameSource::Authority)
    }));
    let group = must(doors.fixture.directory.group(&context(), &doors.group));
    must(doors.fixture.store.write(|directory| {
        let group = directory.group_to_change(group.id)?;
        group.map(|group| directory.update_group(&crate::group::Group { custom: stored.clone(), ..group })).transpose()
    }));
    assert_eq!(doors.read_user(&doors.user), stored);
    let fresh = ("new".to_owned(), number("1"));
    let both: Custom = stored.clone().into_iter().chain([fresh.clone()]).collect();
    let merged = || CustomChange::Merge(BTreeMap::from([(fresh.0.clone(), Some(fresh.1.clone()))]));
    assert_eq!((doors.change_user(merged()), doors.change_group(merged())), (Ok(both.clone()), Ok(both.clone())));
    // Clients send back what they read.
    let echoed = || CustomChange::Replace(both.clone());
    assert_eq!((doors.change_user(echoed()), doors.change_group(echoed())), (Ok(both.clone()), Ok(both)));
    let again = || CustomChange::Replace(Custom::from([("other".to_owned(), number("1e999"))]));
    assert!(doors.change_user(again()).is_err() && doors.change_group(again()).is_err());
}
