//! Embedded migrations do not notice a new file by themselves.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
