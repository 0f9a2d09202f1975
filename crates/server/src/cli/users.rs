//! Users at the command line.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use guildhall_auth::generate_password;
use guildhall_domain::directory::{
    ChangePasswordError, ChangeUserError, CreateUserError, DeleteUserError, Directory, ReadUserError,
};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::search::UserListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{User, UserChanges, UserDraft};
use guildhall_domain::version::Precondition;
use guildhall_http::bodies;
use serde_json::Value;

use super::input;
use super::outcome::unknown_user;
use super::printing::{Column, Output, fields_error, print_list, print_one};
use crate::system::operator;

/// The longest password that is read, in bytes: longer ones are refused as passwords.
const LONGEST: u64 = 4096;

const COLUMNS: &[Column] =
    &[("ID", "id"), ("USERNAME", "username"), ("EMAIL", "email"), ("SUSPENDED", "status.suspended")];

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user and print it.
    ///
    /// Without a password file, a password is made and printed, which has to be changed at the first sign-in.
    ///
    /// Example: guildhall user create --email t.durden@fightclub.com --username tdurden
    #[command(verbatim_doc_comment)]
    Create {
        #[command(flatten)]
        properties: Properties,
        /// A file whose first line is the password; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Create the account suspended.
        #[arg(long)]
        suspended: bool,
        /// Require another password at the first sign-in.
        #[arg(long)]
        force_password_reset: bool,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print all users, by username.
    ///
    /// Example: guildhall user list --output json
    #[command(verbatim_doc_comment)]
    List {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print a user.
    ///
    /// Example: guildhall user show tdurden
    #[command(verbatim_doc_comment)]
    Show {
        /// The name, email address or id.
        user: String,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Change properties of a user, and print it.
    ///
    /// Example: guildhall user update tdurden --last-name Singer --expiry never
    #[command(verbatim_doc_comment)]
    Update {
        /// The name, email address or id.
        user: String,
        #[command(flatten)]
        properties: Properties,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Set a user's password, and sign them out.
    ///
    /// Example: guildhall user set-password tdurden --file new-password
    #[command(verbatim_doc_comment)]
    SetPassword {
        /// The name, email address or id.
        user: String,
        /// A file whose first line is the password; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Delete a user.
    ///
    /// Example: guildhall user delete tdurden
    #[command(verbatim_doc_comment)]
    Delete {
        /// The name, email address or id.
        user: String,
    },
}

/// What is given is set; an empty text takes away what there is.
#[derive(Args, Debug)]
pub(crate) struct Properties {
    /// The username. A new user without one has the email address for it.
    #[arg(long)]
    username: Option<String>,
    /// The email address.
    #[arg(long)]
    email: Option<String>,
    /// The first name.
    #[arg(long)]
    first_name: Option<String>,
    /// The last name.
    #[arg(long)]
    last_name: Option<String>,
    /// A name of the IANA time zone database.
    #[arg(long)]
    timezone: Option<String>,
    /// ISO 639-1, alone or with ISO 3166-1: `en-GB`.
    #[arg(long)]
    language: Option<String>,
    /// When the account closes: a date or a moment in UTC, or `never`.
    #[arg(long, value_name = "DATE", value_parser = expiry)]
    expiry: Option<Expiry>,
}

#[derive(Clone, Copy, Debug)]
enum Expiry {
    Never,
    At(Timestamp),
}

impl Expiry {
    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::At(moment) => Some(moment),
        }
    }
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Expiry::Never);
    }
    Timestamp::parse(text).map(Expiry::At).map_err(|error| error.to_string())
}

/// A text that is set, or taken away.
fn set(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl UserCommand {
    pub(crate) fn run(self, directory: &Directory) -> Result<()> {
        match self {
            Self::Create { properties, password_file, suspended, force_password_reset, output } => {
                let (password, is_made) = match password_file {
                    Some(file) => (read_password(&file)?, false),
                    None => (generate_password()?, true),
                };
                let draft = UserDraft {
                    username: properties.username,
                    email: properties.email,
                    first_name: properties.first_name,
                    last_name: properties.last_name,
                    timezone: properties.timezone,
                    language: properties.language,
                    expiry: properties.expiry.and_then(Expiry::moment),
                    password: Some(password.clone()),
                    suspended,
                    force_password_reset: force_password_reset || is_made,
                    ..UserDraft::default()
                };
                let user = directory.create_user(&operator(), draft).map_err(|error| match error {
                    CreateUserError::Invalid(fields) => fields_error(fields),
                    other => other.into(),
                })?;
                let mut printed = json(&user)?;
                if let Value::Object(properties) = &mut printed
                    && is_made
                {
                    properties.insert("password".to_owned(), password.into());
                }
                print_one(output, &printed)
            }
            Self::List { output } => {
                let read = |page| Ok(directory.users(&operator(), &UserListing::of_all(page, operator().now()))?);
                print_list(output, COLUMNS, read, json)
            }
            Self::Show { user, output } => {
                let found = directory.user(&operator(), &UserIdentifier::from(user.as_str()));
                let found = found.map_err(|error| match error {
                    ReadUserError::UserNotFound => unknown_user(&user),
                    other @ ReadUserError::Refused(_) => other.into(),
                })?;
                print_one(output, &json(&found)?)
            }
            Self::Update { user, properties, output } => update(directory, &user, properties, output),
            Self::SetPassword { user, file } => set_password(directory, &user, &file),
            Self::Delete { user } => {
                let deleted =
                    directory.delete_user(&operator(), &UserIdentifier::from(user.as_str()), &Precondition::default());
                deleted.map_err(|error| match error {
                    DeleteUserError::UserNotFound => unknown_user(&user),
                    other => other.into(),
                })
            }
        }
    }
}

fn json(user: &User) -> Result<Value> {
    Ok(bodies::user(user, operator().now())?)
}

fn update(directory: &Directory, user: &str, properties: Properties, output: Output) -> Result<()> {
    let changes = UserChanges {
        username: properties.username.map(Some),
        email: properties.email.map(set),
        first_name: properties.first_name.map(set),
        last_name: properties.last_name.map(set),
        timezone: properties.timezone.map(set),
        language: properties.language.map(set),
        expiry: properties.expiry.map(Expiry::moment),
        ..UserChanges::default()
    };
    let user_then = directory.change_user(&operator(), &UserIdentifier::from(user), &changes, &Precondition::default());
    let user_then = user_then.map_err(|error| match error {
        ChangeUserError::UserNotFound => unknown_user(user),
        ChangeUserError::Invalid(fields) => fields_error(fields),
        other => other.into(),
    })?;
    print_one(output, &json(&user_then)?)
}

fn set_password(directory: &Directory, user: &str, file: &Path) -> Result<()> {
    let password = read_password(file)?;
    let changed = directory.change_password(&operator(), &UserIdentifier::from(user), None, Some(password));
    changed.map_err(|error| match error {
        ChangePasswordError::UserNotFound => unknown_user(user),
        ChangePasswordError::Invalid(fields) => fields_error(fields),
        other => other.into(),
    })
}

/// The first line of a file, without its end.
fn read_password(file: &Path) -> Result<String> {
    let mut line = String::new();
    let read = input::open(file)?.take(LONGEST).read_line(&mut line);
    read.with_context(|| format!("cannot read the password from {}", file.display()))?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        bail!("{}: the first line is empty, and a password is expected", file.display());
    }
    Ok(password.to_owned())
}
