//! Notes the commit that the program is built from.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=GUILDHALL_COMMIT");
    let given = env::var("GUILDHALL_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(checked_out).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GUILDHALL_COMMIT={commit}");
}

/// The commit of the working copy. Builds for development do without, so that a commit builds nothing anew.
fn checked_out() -> Option<String> {
    if env::var("PROFILE").ok()? != "release" {
        return None;
    }
    println!("cargo::rerun-if-changed=../../.git/logs/HEAD");
    let shown = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(shown.stdout).ok()?;
    Some(commit.trim().to_owned()).filter(|commit| shown.status.success() && !commit.is_empty())
}
