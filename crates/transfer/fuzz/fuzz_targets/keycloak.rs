//! Reads arbitrary bytes as Keycloak does.
#![no_main]

use guildhall_transfer::Keycloak;
use libfuzzer_sys::fuzz_target;
use reading::{accept, file, read};

fuzz_target!(|bytes: &[u8]| read(&mut Keycloak::new(file(bytes), &accept)));
