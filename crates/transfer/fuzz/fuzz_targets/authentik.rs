//! Reads arbitrary bytes as Authentik does.
#![no_main]

use guildhall_transfer::Authentik;
use libfuzzer_sys::fuzz_target;
use reading::{file, read};

fuzz_target!(|bytes: &[u8]| read(&mut Authentik::new(file(bytes))));
