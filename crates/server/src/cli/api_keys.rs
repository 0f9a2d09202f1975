//! API keys at the command line.

use std::io::{self, Write};

use anyhow::{Context, Result};
use clap::Subcommand;
use guildhall_domain::api_key::{ApiKey, ApiKeyDraft, ApiKeyIdentifier};
use guildhall_domain::directory::{ApiKeyError, Directory, IssuedApiKey};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::page::Page;

use super::printing::fields_error;
use crate::system::operator;

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Create an API key, and print its id and its secret, which is shown this once.
    Create {
        /// What to call it. It is also the username of the user that it acts as.
        #[arg(long)]
        name: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// A group to put it into, by name or id; may be given several times. To administer: "System Administrators".
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Print the id, the state and the name of every API key.
    List,
    /// Give an API key another secret and print it. What was signed in with the one of before is signed out.
    Rotate {
        /// Its id or its name.
        key: String,
    },
    /// Delete an API key and the user that it acts as.
    Delete {
        /// Its id or its name.
        key: String,
    },
}

impl ApiKeyCommand {
    pub(crate) fn run(self, directory: &Directory) -> Result<()> {
        match self {
            Self::Create { name, description, groups } => create(directory, name, description, &groups),
            Self::List => list(directory),
            Self::Rotate { key } => {
                let rotated = directory.rotate_api_key(&operator(), &ApiKeyIdentifier::from(key.as_str()));
                print(&rotated.map_err(explained).with_context(|| format!("cannot rotate '{key}'"))?)
            }
            Self::Delete { key } => directory
                .delete_api_key(&operator(), &ApiKeyIdentifier::from(key.as_str()))
                .map_err(explained)
                .with_context(|| format!("cannot delete '{key}'")),
        }
    }
}

fn create(directory: &Directory, name: String, description: Option<String>, groups: &[String]) -> Result<()> {
    let groups: Vec<_> = groups.iter().map(|group| GroupIdentifier::from(group.as_str())).collect();
    let what = format!("cannot create '{name}'");
    let draft = ApiKeyDraft { name: Some(Some(name)), description: Some(description), ..ApiKeyDraft::default() };
    print(&directory.create_api_key(&operator(), draft, &groups).map_err(explained).context(what)?)
}

/// Prints what a program signs in with.
fn print(issued: &IssuedApiKey) -> Result<()> {
    let mut out = io::stdout();
    writeln!(out, "client_id:     {}", issued.key.id)?;
    writeln!(out, "client_secret: {}", issued.secret.reveal())?;
    Ok(())
}

fn list(directory: &Directory) -> Result<()> {
    let mut out = io::stdout();
    for index in 0.. {
        let page = directory.api_keys(&operator(), &Page::new(index, Page::LARGEST_SIZE)?).map_err(explained)?;
        for ApiKey { id, name, enabled, .. } in &page.items {
            writeln!(out, "{id}  {}  {}", if *enabled { "enabled " } else { "disabled" }, name.as_str())?;
        }
        if index + 1 >= page.page_count() {
            break;
        }
    }
    Ok(())
}

/// An error that names the fields it is about.
fn explained(error: ApiKeyError) -> anyhow::Error {
    match error {
        ApiKeyError::Invalid(fields) => fields_error(fields),
        other => other.into(),
    }
}
