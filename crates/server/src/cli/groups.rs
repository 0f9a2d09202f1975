//! Groups and their members at the command line.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use guildhall_domain::directory::{
    ChangeGroupError, CreateGroupError, DeleteGroupError, Directory, MemberList, Patch, PatchMembersError,
    PatchOptions, PatchReport, Place, ReadGroupError,
};
use guildhall_domain::group::{Group, GroupChanges, GroupDraft};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::search::GroupListing;
use guildhall_domain::user::UserId;
use guildhall_domain::version::Precondition;
use guildhall_http::bodies;
use serde_json::{Value, json};

use super::input;
use super::outcome::unknown_group;
use super::printing::{Column, Output, fields_error, print_list, print_one};
use crate::system::operator;

const COLUMNS: &[Column] =
    &[("ID", "id"), ("NAME", "name"), ("TYPE", "type"), ("USERS", "userCount"), ("GROUPS", "childGroupCount")];
/// How many of the lines that name nobody are told.
const MOST_TOLD: usize = 20;

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a group and print it.
    ///
    /// Example: guildhall group create Editors --description "Who may publish"
    #[command(verbatim_doc_comment)]
    Create {
        /// The name.
        name: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// An email domain whose users join when their account is created; may be given several times.
        #[arg(long = "email-domain", value_name = "DOMAIN")]
        email_domains: Vec<String>,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print all groups, by name.
    ///
    /// Example: guildhall group list --output json
    #[command(verbatim_doc_comment)]
    List {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print a group.
    ///
    /// Example: guildhall group show Editors
    #[command(verbatim_doc_comment)]
    Show {
        /// The name or the id.
        group: String,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Change properties of a group, and print it.
    ///
    /// Example: guildhall group update Editors --name Publishers
    #[command(verbatim_doc_comment)]
    Update {
        /// The name or the id.
        group: String,
        /// The new name.
        #[arg(long)]
        name: Option<String>,
        /// What it is for; an empty text takes the description away.
        #[arg(long)]
        description: Option<String>,
        /// An email domain whose users join when their account is created, in place of those before; may be given several times.
        #[arg(long = "email-domain", value_name = "DOMAIN")]
        email_domains: Vec<String>,
        /// How it is printed.
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Delete a group.
    ///
    /// Example: guildhall group delete Editors
    #[command(verbatim_doc_comment)]
    Delete {
        /// The name or the id.
        group: String,
    },
    /// Add many users to a group, all or none of them.
    ///
    /// Example: guildhall group add-users Editors --file ids.txt
    #[command(verbatim_doc_comment)]
    AddUsers(Members),
    /// Remove many users from a group, all or none of them. Who is not in it stays out.
    ///
    /// Example: printf 'tdurden\n' | guildhall group remove-users Editors --file -
    #[command(verbatim_doc_comment)]
    RemoveUsers(Members),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Members {
    /// The name or the id of the group.
    group: String,
    /// A file with a user on each line: an id, a name or an email address; `-` is standard input. Empty lines count for nothing.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl GroupCommand {
    pub(crate) fn run(self, directory: &Directory) -> Result<()> {
        match self {
            Self::Create { name, description, email_domains, output } => {
                let draft = GroupDraft {
                    name: Some(name),
                    description,
                    auto_membership_email_domains: email_domains,
                    ..GroupDraft::default()
                };
                let created = directory.create_group(&operator(), draft).map_err(|error| match error {
                    CreateGroupError::Invalid(fields) => fields_error(fields),
                    other => other.into(),
                })?;
                print_one(output, &json(&created)?)
            }
            Self::List { output } => {
                let read = |page| Ok(directory.groups(&operator(), &GroupListing::of_all(page, operator().now()))?);
                print_list(output, COLUMNS, read, json)
            }
            Self::Show { group, output } => {
                let found = directory.group(&operator(), &GroupIdentifier::from(group.as_str()));
                let found = found.map_err(|error| match error {
                    ReadGroupError::GroupNotFound => unknown_group(&group),
                    other => other.into(),
                })?;
                print_one(output, &json(&found)?)
            }
            Self::Update { group, name, description, email_domains, output } => {
                let changes = GroupChanges {
                    name: name.map(Some),
                    description: description.map(|text| Some(text).filter(|text| !text.is_empty())),
                    auto_membership_email_domains: Some(email_domains).filter(|domains| !domains.is_empty()),
                    ..GroupChanges::default()
                };
                update(directory, &group, &changes, output)
            }
            Self::Delete { group } => {
                let identifier = GroupIdentifier::from(group.as_str());
                directory.delete_group(&operator(), &identifier, &Precondition::default()).map_err(
                    |error| match error {
                        DeleteGroupError::GroupNotFound => unknown_group(&group),
                        other => other.into(),
                    },
                )
            }
            Self::AddUsers(members) => patch(directory, &members, Patch::adding),
            Self::RemoveUsers(members) => {
                patch(directory, &members, |remove| Patch::Change { add: MemberList::default(), remove })
            }
        }
    }
}

fn json(group: &Group) -> Result<Value> {
    Ok(bodies::group(group)?)
}

fn update(directory: &Directory, group: &str, changes: &GroupChanges, output: Output) -> Result<()> {
    let identifier = GroupIdentifier::from(group);
    let group_then = directory.change_group(&operator(), &identifier, changes, &Precondition::default());
    let group_then = group_then.map_err(|error| match error {
        ChangeGroupError::GroupNotFound => unknown_group(group),
        ChangeGroupError::Invalid(fields) => fields_error(fields),
        other => other.into(),
    })?;
    print_one(output, &json(&group_then)?)
}

/// Adds or removes those whom the lines of a file name.
fn patch(
    directory: &Directory,
    Members { group, file, output }: &Members,
    of: impl FnOnce(MemberList<UserId>) -> Patch<UserId>,
) -> Result<()> {
    let lines = input::lines(file)?;
    let members = lines.iter().map(|line| UserIdentifier::from(line.text.as_str())).collect();
    let identifier = GroupIdentifier::from(group.as_str());
    let patched = directory.patch_members(&operator(), &identifier, &of(members), PatchOptions::default());
    let report = patched.map_err(|error| match error {
        PatchMembersError::GroupNotFound => unknown_group(group),
        PatchMembersError::UsersNotFound(places) => not_found(file, &lines, &places),
        other => other.into(),
    })?;
    let PatchReport { added, removed, unchanged, count, .. } = report;
    print_one(*output, &json!({ "added": added, "removed": removed, "unchanged": unchanged, "userCount": count }))
}

/// The error that names the lines of those who are not there.
fn not_found(file: &Path, lines: &[input::Line], places: &[Place]) -> anyhow::Error {
    let told = places.iter().filter_map(|place| lines.get(place.index)).take(MOST_TOLD);
    let told: Vec<_> =
        told.map(|line| format!("{}:{}: there is no user '{}'", file.display(), line.number, line.text)).collect();
    let more = places.len().saturating_sub(told.len());
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    anyhow::anyhow!("nothing was changed, since not all are users:\n{}{more}", told.join("\n"))
}
