//! Searched texts, domains, passwords and what issuers say, in all the forms that are the same (contract 10 row 28).

use std::sync::Arc;

use super::Fixture;
use super::external::trusted;
use super::fixture::{must, user_named};
use super::sign_in::{PASSWORD, person};
use super::spellings::{comparing, create, listing, users};
use crate::access::Scopes;
use crate::directory::SignInError;
use crate::email_domain::EmailDomain;
use crate::external::{ExternalIdentity, Trust};
use crate::group::GroupDraft;
use crate::identifier::UserIdentifier;
use crate::password::PasswordHash;
use crate::ports::{Credentials, PasswordUpdate, Store};
use crate::search::{Filter, GroupField, Operator, UserField};
use crate::user::{User, UserId};

/// Every operator compares names, and texts of all kinds, by what they read.
pub fn texts_that_read_the_same_are_found(store: Arc<dyn Store>) {
    use Operator::{Contains, EndsWith, Equal, FreeText, GreaterOrEqual, StartsWith};
    let fixture = Fixture::over(store);
    let user = User {
        first_name: Some("Ren\u{e9}e".to_owned()),
        last_name: Some("\u{200b}D\u{fc}rden".to_owned()),
        ..user_named("Caf\u{e9} \u{ff21}", uuid::Uuid::from_u128(77))
    };
    fixture.insert(&user);
    let group = fixture.group("Caf\u{e9} \u{ff21}");
    for (operator, text) in [
        (Equal, "cafe\u{301} a"),
        (Equal, "\u{200b}CAFE\u{301} A "),
        (Contains, "fe\u{301}"),
        (Contains, "c*\u{c9} ?"),
        (StartsWith, "C\u{ff41}fe\u{301}"),
        (EndsWith, "\u{e9}\u{200d} a"),
        (FreeText, "CAFE\u{301}"),
    ] {
        assert_eq!(users(&fixture, comparing(UserField::Username, operator, text)), [user.id], "{operator:?} {text:?}");
        let filter = comparing(GroupField::Name, operator, text);
        let found = must(fixture.directory.groups(&fixture.by(&fixture.admin), &listing(&fixture, filter)));
        assert_eq!(found.items.iter().map(|found| found.id).collect::<Vec<_>>(), [group], "{operator:?} {text:?}");
    }
    for (field, operator, text) in [
        (UserField::FirstName, Equal, "RENE\u{301}E"),
        (UserField::FirstName, Contains, "ne\u{301}"),
        (UserField::LastName, Equal, "du\u{308}rden"),
        (UserField::LastName, GreaterOrEqual, "du\u{308}r"),
        (UserField::LastName, StartsWith, "du\u{308}"),
        (UserField::LastName, EndsWith, "u\u{308}rden\u{ad}"),
    ] {
        assert_eq!(users(&fixture, comparing(field, operator, text)), [user.id], "{operator:?} {text:?}");
    }
    for text in [
        "rene\u{301}e d\u{fc}r",
        "\u{ff23}afe\u{301}",
        "e\u{301} \u{ff41}",
        "\u{200b}urde\u{200b}n".trim_start_matches('\u{200b}'),
    ] {
        let expected: &[UserId] = if text.starts_with('u') { &[] } else { &[user.id] };
        assert_eq!(users(&fixture, Filter::naming(text)), expected, "{text:?}");
    }
    assert_eq!(users(&fixture, Filter::with_words("DU\u{308}RDEN caf\u{e9}")), [user.id]);
}

/// A new user joins the groups of their domain, in whichever form either was written, and those of no other domain.
pub fn a_domain_is_one_in_both_of_its_forms(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for (number, (listed, address, joins)) in [
        ("M\u{dc}NCHEN.de", "t1@mu\u{308}nchen.DE", true),
        ("@m\u{fc}nchen.de", "t2@XN--mnchen-3ya.de", true),
        ("xn--mnchen-3ya.de", "t3@m\u{fc}nchen.de", true),
        ("stra\u{df}e.example", "t4@xn--strae-oqa.example", true),
        ("strasse.example", "t5@stra\u{df}e.example", false),
        ("m\u{fc}nchen.de", "t6@mail.m\u{fc}nchen.de", false),
    ]
    .into_iter()
    .enumerate()
    {
        let draft = GroupDraft {
            name: Some(format!("group {number}")),
            auto_membership_email_domains: vec![listed.to_owned()],
            ..GroupDraft::default()
        };
        let group = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
        let user = must(create(&fixture, &format!("user{number}"), address)).id;
        assert_eq!(fixture.is_in(group, user), joins, "{listed:?} {address:?}");
        let shown: Vec<String> =
            fixture.read(group).auto_membership_email_domains.iter().map(EmailDomain::to_unicode).collect();
        assert!(["m\u{fc}nchen.de", "stra\u{df}e.example", "strasse.example"].contains(&shown[0].as_str()));
    }
}

/// A password signs in however it was typed (RFC 8265), and one that was hashed as it was typed, as it was typed.
pub fn passwords_that_are_the_same_by_their_profile_sign_in(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let user = person(&fixture, "tdurden");
    let identifier = UserIdentifier::Id(user.id);
    let sign_in = |password: &str| {
        fixture.directory.sign_in(&fixture.anonymous(), "tdurden", password.to_owned(), &Scopes::all())
    };
    let change = |existing: &str, new: &str| {
        let caller = fixture.caller(user.id);
        let (existing, new) = (Some(existing.to_owned()), Some(new.to_owned()));
        fixture.directory.change_password(&fixture.by(&caller), &identifier, existing, new)
    };
    must(change(PASSWORD, "Cafe\u{301}\u{a0}1234"));
    for same in ["Caf\u{e9} 1234", "Cafe\u{301} 1234", "Caf\u{e9}\u{3000}1234"] {
        assert_eq!(must(sign_in(same)).caller.user, user.id, "{same:?}");
        assert!(change(same, "Cafe\u{301} 1234").is_err(), "the new one is the old one");
    }
    for other in ["caf\u{e9} 1234", "Cafe 1234", "Caf\u{e9}1234", "Caf\u{e9} \u{ff11}234"] {
        assert!(matches!(sign_in(other), Err(SignInError::Incorrect)), "{other:?}");
    }
    // Hashed before there was the profile, one of them of characters that it does not allow.
    for stored in ["Cafe\u{301}\u{a0}5678", "Caf\u{e9}\u{ad}5678\u{7}"] {
        let current = must(must(fixture.store.read(|directory| directory.user(user.id))).ok_or("no user"));
        let password = Some(PasswordUpdate::Changed(PasswordHash(stored.to_owned())));
        let credentials = Credentials { password, ..Credentials::default() };
        must(fixture.store.write(|directory| directory.update_user(&current, &current, &credentials)));
        assert_eq!(must(sign_in(stored)).caller.user, user.id, "{stored:?}");
        let new = format!("Caf\u{e9} {}", stored.len());
        must(change(stored, &format!("{new} 1A")));
        assert!(matches!(sign_in(stored), Err(SignInError::Incorrect)), "{stored:?}");
    }
}

/// An external issuer may spell names in another way: users are linked, groups found, and names taken all the same.
pub fn an_issuer_may_spell_names_in_another_way(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let local = must(create(&fixture, "Ren\u{e9}e", "info@m\u{fc}nchen.de")).id;
    let draft =
        GroupDraft { name: Some("Caf\u{e9}".to_owned()), kind: Some("external".to_owned()), ..GroupDraft::default() };
    let group = must(fixture.directory.create_group(&fixture.by(&fixture.admin), draft)).id;
    let groups = ["CAFE\u{301}", "\u{200b}caf\u{e9}", "\u{200b}"].map(str::to_owned);
    let linking = Trust { links_existing: true, creates_groups: true, ..Trust::default() };
    let linked = ExternalIdentity {
        link_name: Some("INFO@xn--mnchen-3ya.de".to_owned()),
        groups: Some(groups.into()),
        trust: linking,
        ..trusted(&fixture, "linked")
    };
    let before = must(fixture.directory.groups(&fixture.by(&fixture.admin), &listing(&fixture, Filter::all()))).total;
    assert_eq!(must(fixture.directory.sign_in_external(&fixture.anonymous(), &linked)).user, local);
    assert!(fixture.is_in(group, local));
    let after = must(fixture.directory.groups(&fixture.by(&fixture.admin), &listing(&fixture, Filter::all()))).total;
    assert_eq!(after, before, "no group was made of another spelling");
    let stranger =
        ExternalIdentity { email: Some("info@MU\u{308}NCHEN.de".to_owned()), ..trusted(&fixture, "RENE\u{301}E") };
    let user = must(fixture.directory.sign_in_external(&fixture.anonymous(), &stranger)).user;
    let user = must(fixture.directory.user(&fixture.by(&fixture.admin), &UserIdentifier::Id(user)));
    assert_eq!((user.username.as_str(), user.email), ("RENE\u{301}E (keycloak)", None));
}
