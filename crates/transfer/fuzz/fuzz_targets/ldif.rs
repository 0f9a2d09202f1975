//! Reads arbitrary bytes as Ldif does.
#![no_main]

use guildhall_transfer::Ldif;
use libfuzzer_sys::fuzz_target;
use reading::{accept, file, read};

fuzz_target!(|bytes: &[u8]| read(&mut Ldif::new(file(bytes), &accept)));
