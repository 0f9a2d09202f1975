//! Password hashes that other programs made. Those here were made by bcrypt and passlib for Python, Python's `hashlib`, `OpenSSL`,
//! libxcrypt, argon2-cffi and `slappasswd` of `OpenLDAP`.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::num::NonZeroUsize;

use guildhall_auth::Argon2Passwords;
use guildhall_auth::foreign::{Accepted, RefusedHash, Weakness, accept};
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::Passwords as _;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

const PASSWORD: &str = "pr0j3ctM4yh3m";
const SHA512_CRYPT: &str =
    "$6$Qm9Hk2..x$xHO8b1dSbyAFuNbjUqIDcve3hXcX4yk9qehot9IUHyKk90XOmwzVew437Xydl.CNcAmBFDT.SHHG20LXnowLI1";
const BCRYPT: &str = "$2b$04$SMnQvDVHZN5day/bqWyCe.UkHDO6xByC.AMOJLux16nP.1L3JjsqW";
const PBKDF2: &str = "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$zgz+j2CPdf35QZ7vanbW3HhqwacMV1Gw4q/SbYQCIZg";
const SSHA256: &str = "{SSHA256}PycMXdmuGe855rN//+KU9pkx56h79awgc6Ewh71vAY4co1SKMQaA8A";
const ARGON2: &str = "$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$Ih86qry1laIJXU2jJS1BqPeMPy3SuX2BJqZNwdkFDZQ";

/// Hashes of [`PASSWORD`].
const HASHES: &[&str] = &[
    "$2a$04$kDWnO3fkWf2h4fJ5mLA2xeRVMGBGGeK/3IDHz/f5OSL5irwf5Pp7q",
    BCRYPT,
    "$2y$10$dXvbw/KtqB/YziXDPpq4xuxDYunjIvkr2pKGfpEdP.T4mfZQHsTAS",
    "$2y$05$abcdefghijklmnopqrstuusa.o9/nSpBTWoh7VjWcEIFDoh2vXeES",
    "$pbkdf2-sha256$i=27500,l=64$AAECAwQFBgcICQoLDA0ODw$G216wwfDvhZstZnDAEjYL+orkYZIl5RhzKqO3kmgIj+PTFMyag9EK+J+S6TCasp0Py8wSDYuEJnqQAFMmQICNw",
    "$pbkdf2-sha512$i=30000,l=64$AAECAwQFBgcICQoLDA0ODw$Q38IrXoPxjlHko7gIJPTRX+xQI3aUIB7GyKoUEwjDVAEaLBUI9r4FL3ZwMNPr6FedYm4RTlvRROlsPv6dN9Bqw",
    PBKDF2,
    SHA512_CRYPT,
    "$5$Qm9Hk2..x$DLJCygLtB.3LeP582/iMwUR2mm2CqXO4fPI7HULy084",
    "$5$saltSALTsaltSALT$3ZsPHrB3BCoQZAr054jKrQSRtdX7hcbt0dOX7.J63m3",
    "$5$rounds=1000$saltSALTsaltSALT$7NSNeCeat1Ju8p1bmngC.QlGsd6Jfe.jUL/eU1Alf74",
    "$6$rounds=5000$ab$Za4LoTQNsydeFWURNuu66gZ4PCFgPVCrG0Env9oGSJYH2InLQO/VwQm2OrGWgUwwFGcjEfDmsJt8XCO4//isy/",
    "$6$rounds=10000$Gp54oIb0fxV/RQL$ivLuNRJG3rJcZApDPFE7t5bDEUwrNiDbk4dJLzdDzRge8MtC4RT2JSXpvK3XGpYh/GkNGkvKdZ4gF6Ph91Xuz1",
    SSHA256,
    "{SSHA256}BdTCS8mNTD2kmFpPP4RuDpX/n/K9HqW+kn1m5eaRIp4NipK9kNOBrQ",
    "{SSHA512}jDS3tPPOYOskfB2ydnLFLCyao5HFARQdsYy85jGddTRfHImcU6XqY+cj9C6ZJPTWpeHtK1SYzy8am8aJPmFkU59TqrV2bs2Z816LsVaq1Ro",
    "{SSHA512}RBO8eIvQaB6vOUtMSo4d90U/rsH6ArO5BP1aEgZkKmVR1nQkCu8MzNhtG9kAQU1nytM/X+g+7+2NafEtjPhkHPf/yR91dyaL",
    ARGON2,
    "$argon2i$v=19$m=4096,t=3,p=1$ud8LOItbfyYLWDIe+swezA$JURitS2g9uOAeG6GZEnPHExLMg8+0Z0cI5Xbz3bP6Pc",
    "$argon2d$v=19$m=65536,t=4,p=2$c2FsdHNhbHRzYWx0c2FsdA$9PlDZPSLzfx7CPPxRVVilyyCy7gXBUbP4YAhAr9U6A0",
    // Without a version, which is version 16.
    "$argon2i$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$9pD8tkkZXza+fSScNgMOn3uA21sYUvKl9ZO/OEaZ+Bo",
];

fn verify(password: &str, hash: &PasswordHash) -> bool {
    let passwords = Argon2Passwords::new(NonZeroUsize::MIN);
    passwords.verify(&Password::typed(password.to_owned()), hash).unwrap()
}

fn is_outdated(text: &str) -> bool {
    Argon2Passwords::new(NonZeroUsize::MIN).is_outdated(&PasswordHash(text.to_owned()))
}

fn stored(text: &str) -> String {
    accept(text).map(|accepted| accepted.hash.0).unwrap()
}

fn refused(text: &str) -> RefusedHash {
    accept(text).unwrap_err()
}

#[test]
fn a_hash_of_another_program_is_kept_and_matches_its_password_alone() {
    for text in HASHES {
        let Accepted { hash, .. } = accept(text).unwrap();
        assert_eq!(hash.0, *text);
        assert!(verify(PASSWORD, &hash), "{text}");
        for wrong in ["", "Pr0j3ctM4yh3m", "pr0j3ctM4yh3m ", "\u{e9}"] {
            assert!(!verify(wrong, &hash), "{wrong:?} {text}");
        }
        // HMAC takes null characters at the end of a short key for padding, whoever implements it.
        assert_eq!(verify("pr0j3ctM4yh3m\0", &hash), text.starts_with("$pbkdf2"), "{text}");
        assert!(!verify("pr0j3ctM4yh3m\0x", &hash), "{text}");
    }
}

#[test]
fn schemes_of_ldap_and_padding_are_taken_away() {
    for (text, is) in [
        (format!("{{CRYPT}}{SHA512_CRYPT}"), SHA512_CRYPT.to_owned()),
        (format!("{{crypt}}{BCRYPT}"), BCRYPT.to_owned()),
        (format!("{{ARGON2}}{ARGON2}"), ARGON2.to_owned()),
        (format!("{SSHA256}==").replace("SSHA", "ssha"), SSHA256.to_owned()),
        (PBKDF2.replace(",l=32", ""), PBKDF2.to_owned()),
        (format!("{}=", PBKDF2.replace("Dw$", "Dw==$")), PBKDF2.to_owned()),
    ] {
        assert_eq!(stored(&text), is, "{text}");
        assert_eq!(stored(&is), is);
    }
}

#[test]
fn long_passwords_are_cut_where_other_programs_cut_them() {
    let long = "Correct horse battery staple, ".repeat(3);
    let (first_72, first_71, first_80) = (&long[..72], &long[..71], &long[..80]);
    for text in [
        "$2b$04$jYpkElYH0yHpFof3s2P2eOq7931Zpwv7avzgjFrYYcIrm4V4Fcdue",
        "$2b$04$abcdefghijklmnopqrstuufgVJ0215Vc.ZUEbBjMJ6YIVuCYRBpFm",
    ] {
        let hash = accept(text).unwrap().hash;
        assert!(verify(first_80, &hash) && verify(first_72, &hash) && verify(&long, &hash), "{text}");
        assert!(!verify(first_71, &hash), "{text}");
    }
    let whole = "$6$rounds=1000$abcdefgh$WCfRTg.OjtGbvIv5b5p6vy.2wLFGmsbwQ2Fb2PCfnC2UyYV364CpmE8ctcUoU3uTAEPxbfJxJpZSBJw.1.ov/0";
    let whole = accept(whole).unwrap().hash;
    assert!(verify(&"x".repeat(200), &whole));
    assert!(!verify(&"x".repeat(199), &whole) && !verify(&"x".repeat(1024), &whole));
    let (longest, too_long) = (
        "$6$rounds=1000$abcdefgh$Kb4XQ25W3wLq7byastnAOWbAIlVPc0XeHuKTjZ38JOD7UEr85ropBUV8YarDIkedD4y4rluDYIX2.fUL5uohd1",
        "$6$rounds=1000$abcdefgh$PgISQk69FzXKjD2edVT/4tlpUylb4xquvLt4VmeTN5xr4R6qm7ptZBn4IY3VSSU799.lp31u6d7Xg2JDTBHV0.",
    );
    for (text, length, matches) in [(longest, 511, true), (longest, 512, false), (too_long, 512, false)] {
        assert_eq!(verify(&"x".repeat(length), &accept(text).unwrap().hash), matches, "{length}");
    }
}

#[test]
fn passwords_that_are_empty_or_not_ascii_match() {
    let empty = accept("$2b$04$2qzDuvTU0c9xR0qaGySOYecmN8Woy.Imz7PKrVcynxH5vB2Xnr/GW").unwrap().hash;
    assert!(verify("", &empty) && !verify("\0", &empty) && !verify(" ", &empty));
    let text = "$2b$04$N2hVldWBRNO9vl5sJheQ/u1WloyT1PwS2H9Y0MsrnUXTtstn35BHq";
    assert!(verify("Caf\u{e9} 1234", &accept(text).unwrap().hash));
}

#[test]
fn the_last_bits_of_a_bcrypt_salt_are_disregarded() {
    let text = BCRYPT.replace("bqWyCe.", "bqWyCe/");
    assert_ne!(text, BCRYPT);
    assert!(verify(PASSWORD, &accept(&text).unwrap().hash));
}

#[test]
fn weak_formats_are_refused() {
    for (text, by) in [
        ("{SSHA}p8nkoaTbLVP2bBg11SeanVCkCSlvBydK", "salted SHA-1"),
        ("{SMD5}wBP982DRpdqeupeSPLAItPMnoyc=", "salted MD5"),
        ("{MD5}wo1DWe2IJCTwBBUqqc+F1Q==", "a fast function without a salt"),
        ("{SHA}xFGPQ0JaMo47QIkONbOutMh1g0Q=", "a fast function without a salt"),
        ("{sha512}eDg8b2M=", "a fast function without a salt"),
        ("{CRYPT}abYYVOTfYojvQ", "crypt with DES"),
        ("$1$abcdefgh$/5mKP9zfACZJfCFKQvv/7.", "crypt with MD5"),
        ("{CRYPT}$1$abcdefgh$/5mKP9zfACZJfCFKQvv/7.", "crypt with MD5"),
        ("$apr1$abcdefgh$/5mKP9zfACZJfCFKQvv/7.", "crypt with MD5"),
    ] {
        assert_eq!(refused(text), RefusedHash::TooWeak(by), "{text}");
    }
}

#[test]
fn formats_that_cannot_be_verified_are_refused() {
    for text in [
        "",
        PASSWORD,
        "{CLEARTEXT}pr0j3ctM4yh3m",
        "{",
        "{}",
        "{SSHA512",
        "$",
        "$2b",
        "{CRYPT}$y$j9T$abc$def",
        "{CRYPT}$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$Ih86qry1laIJXU2jJS1BqA",
        "{ARGON2}$2b$04$SMnQvDVHZN5day/bqWyCe.UkHDO6xByC.AMOJLux16nP.1L3JjsqW",
        "$2x$04$SMnQvDVHZN5day/bqWyCe.UkHDO6xByC.AMOJLux16nP.1L3JjsqW",
        "$scrypt$ln=1,r=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
        " {SSHA256}PycMXdmuGe855rN//+KU9pkx56h79awgc6Ewh71vAY4co1SKMQaA8A==",
        &format!("{{SSHA512}}{}", "A".repeat(600)),
    ] {
        assert_eq!(refused(text), RefusedHash::Unsupported, "{text:?}");
    }
}

#[test]
fn a_hash_that_is_not_complete_is_refused() {
    for (text, from, to) in [
        (BCRYPT, "L3JjsqW", "L3Jjsq"),
        (BCRYPT, "L3JjsqW", "L3JjsqWW"),
        (BCRYPT, "L3JjsqW", "L3Jjs=W"),
        (BCRYPT, "L3JjsqW", "L3Jjs\u{e9}"),
        (BCRYPT, "$04$", "$4$"),
        (BCRYPT, "$04$", "$+4$"),
        (BCRYPT, "$04$", "$04$$"),
        (PBKDF2, "l=32", "l=31"),
        (PBKDF2, "l=32", "l=032"),
        (PBKDF2, "l=32", "x=32"),
        (PBKDF2, "i=1000", "i=01000"),
        (PBKDF2, "i=1000", "i=+1000"),
        (PBKDF2, "i=1000", "i=99999999999"),
        (PBKDF2, "i=1000", "n=1000"),
        (PBKDF2, "i=1000,", ""),
        (PBKDF2, "AAECAwQFBgcICQoLDA0ODw", ""),
        (PBKDF2, "AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODx"),
        (PBKDF2, "$zgz+j2CPdf35QZ7vanbW3HhqwacMV1Gw4q/SbYQCIZg", ""),
        (
            PBKDF2,
            ",l=32$AAECAwQFBgcICQoLDA0ODw$zgz+j2CPdf35QZ7vanbW3HhqwacMV1Gw4q/SbYQCIZg",
            "$AAEC$zgz+j2CPdf35QZ7vanbW",
        ),
        (SHA512_CRYPT, "XnowLI1", "XnowLI"),
        (SHA512_CRYPT, "XnowLI1", "XnowLI2"),
        (SHA512_CRYPT, "XnowLI1", "XnowL!1"),
        (SHA512_CRYPT, "Qm9Hk2..x", ""),
        (SHA512_CRYPT, "Qm9Hk2..x", "Qm9Hk2..xQm9Hk2..x"),
        (SHA512_CRYPT, "Qm9Hk2..x", "Qm9:k2..x"),
        (SHA512_CRYPT, "Qm9Hk2..x", "rounds=5000$"),
        (SHA512_CRYPT, "Qm9Hk2..x", "rounds=05000$Qm9Hk2..x"),
        (SHA512_CRYPT, "Qm9Hk2..x", "rounds=5000$Qm9Hk2..x$"),
        (SSHA256, "co1SKMQaA8A", "co1SKMQaA8B"),
        (SSHA256, "co1SKMQaA8A", "co1SKMQaA8A==="),
        (
            SSHA256,
            "PycMXdmuGe855rN//+KU9pkx56h79awgc6Ewh71vAY4co1SKMQaA8A",
            "PycMXdmuGe855rN//+KU9pkx56h79awgc6Ewh71vAY4",
        ),
        (SSHA256, "co1SKMQaA8A", &"co1S".repeat(24)),
        (ARGON2, "c2FsdHNhbHRzYWx0c2FsdA", "c2FsdHNh"),
        (ARGON2, "$Ih86qry1laIJXU2jJS1BqPeMPy3SuX2BJqZNwdkFDZQ", ""),
        (ARGON2, "v=19", "v=18"),
        (ARGON2, "p=1", "p=1,keyid=a2V5"),
        (ARGON2, "p=1", "p=4096"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert!(matches!(refused(&changed), RefusedHash::Malformed(_)), "{changed}: {:?}", refused(&changed));
    }
}

#[test]
fn costs_out_of_bounds_are_refused() {
    let rounds = |rounds: u32| SHA512_CRYPT.replace("Qm9", &format!("rounds={rounds}$Qm9"));
    let iterations = |iterations: u32| PBKDF2.replace("i=1000", &format!("i={iterations}"));
    let cost = |cost: u32| BCRYPT.replace("$04$", &format!("${cost:02}$"));
    let argon2 = |memory: u32, times: u32| ARGON2.replace("m=4096,t=3", &format!("m={memory},t={times}"));
    let written = "memory in KiB times the number of iterations";
    for (text, parameter, value, least, most) in [
        (rounds(999), "number of rounds", 999, 1_000, 1_000_000),
        (rounds(1_000_001), "number of rounds", 1_000_001, 1_000, 1_000_000),
        (iterations(0), "number of iterations", 0, 1_000, 2_000_000),
        (iterations(999), "number of iterations", 999, 1_000, 2_000_000),
        (iterations(2_000_001), "number of iterations", 2_000_001, 1_000, 2_000_000),
        (cost(3), "cost", 3, 4, 14),
        (cost(15), "cost", 15, 4, 14),
        (cost(99), "cost", 99, 4, 14),
        (argon2(65_537, 1), "memory in KiB", 65_537, 8, 65_536),
        (argon2(65_536, 17), written, 65_536 * 17, 8, 1_048_576),
        (argon2(8, u32::MAX), written, u32::MAX, 8, 1_048_576),
    ] {
        assert_eq!(refused(&text), RefusedHash::OutOfBounds { parameter, value, least, most }, "{text}");
        assert!(
            Argon2Passwords::new(NonZeroUsize::MIN)
                .verify(&Password::typed(String::new()), &PasswordHash(text))
                .is_err()
        );
    }
    for text in [
        rounds(1_000),
        rounds(1_000_000),
        iterations(1_000),
        iterations(2_000_000),
        cost(4),
        cost(14),
        argon2(65_536, 16),
        argon2(8, 131_072),
    ] {
        assert_eq!(stored(&text), text);
    }
}

#[test]
fn weak_hashes_are_accepted_with_a_warning() {
    let weakness = |text: &str| accept(text).unwrap().weakness;
    let low = |parameter, value, recommended| Some(Weakness::LowCost { parameter, value, recommended });
    let written = "memory in KiB times the number of iterations";
    for (text, is) in [
        (SSHA256.to_owned(), Some(Weakness::SingleRound)),
        (BCRYPT.replace("$04$", "$09$"), low("cost", 9, 10)),
        (BCRYPT.replace("$04$", "$10$"), None),
        (PBKDF2.replace("i=1000", "i=9999"), low("number of iterations", 9_999, 10_000)),
        (PBKDF2.replace("i=1000", "i=10000"), None),
        (SHA512_CRYPT.to_owned(), None),
        (SHA512_CRYPT.replace("Qm9", "rounds=4999$Qm9"), low("number of rounds", 4_999, 5_000)),
        (ARGON2.to_owned(), low(written, 3 * 4_096, 35_840)),
        (ARGON2.replace("m=4096,t=3", "m=7168,t=5"), None),
    ] {
        assert_eq!(weakness(&text), is, "{text}");
    }
    assert_eq!(
        weakness(BCRYPT).unwrap().to_string(),
        "the cost of the password hash is 4, and 10 or more is recommended"
    );
}

#[test]
fn every_hash_but_argon2id_with_the_present_parameters_is_outdated() {
    for text in HASHES {
        assert!(is_outdated(text), "{text}");
    }
    let own = Argon2Passwords::new(NonZeroUsize::MIN).hash(&Password::typed(PASSWORD.to_owned())).unwrap().0;
    assert!(!is_outdated(&own));
    for (from, to, is) in [
        ("m=19456", "m=19457", false),
        ("t=2", "t=3", false),
        ("m=19456", "m=19455", true),
        ("t=2", "t=1", true),
        ("argon2id", "argon2i", true),
        ("v=19", "v=16", true),
        ("$v=19", "", true),
        ("m=19456", "m=99999", true),
    ] {
        assert_eq!(is_outdated(&own.replace(from, to)), is, "{to}");
    }
    assert!(is_outdated("") && is_outdated("nonsense"));
}

/// Texts that resemble hashes: one of [`HASHES`] with a few characters replaced, or parts of hashes one after the other.
fn resembling() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        proptest::sample::select("$={},.+/ 0123456789aAzZ\u{e9}\0".chars().collect::<Vec<_>>()),
        any::<char>(),
    ];
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), character), 0..3);
    let edited = (proptest::sample::select(HASHES), edits).prop_map(|(text, edits)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (index, character) in edits {
            let index = index.index(characters.len());
            characters[index] = character;
        }
        characters.into_iter().collect()
    });
    let part = prop_oneof![
        proptest::sample::select(HASHES).prop_map(str::to_owned),
        proptest::sample::select(vec![
            "{CRYPT}",
            "{SSHA512}",
            "$2b$",
            "$6$",
            "rounds=",
            "$",
            "i=1000",
            "m=8,t=1,p=1",
            "AAAA"
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop_oneof![
        edited,
        proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat()),
        any::<String>(),
        Just(String::new())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_accepted_can_be_verified(text in resembling(), password in any::<String>()) {
        let Ok(Accepted { hash, weakness }) = accept(&text) else { return Ok(()) };
        prop_assert_eq!(accept(&hash.0), Ok(Accepted { hash: hash.clone(), weakness }));
        let passwords = Argon2Passwords::new(NonZeroUsize::MIN);
        // The most costly take too long here.
        if !text.contains("rounds=9") && !text.starts_with("$2b$1") {
            prop_assert!(passwords.verify(&Password::typed(password), &hash).is_ok());
        }
    }
}
