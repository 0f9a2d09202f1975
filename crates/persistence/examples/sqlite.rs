//! Runs the statements of standard input on a SQLite file, with the SQLite that Guildhall brings: a system's own may be too old
//! for its tables.

use std::io::Read;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let mut statements = String::new();
    std::io::stdin().read_to_string(&mut statements)?;
    SqliteConnection::establish(&path)?.batch_execute(&statements)?;
    Ok(())
}
