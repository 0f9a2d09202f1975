//! Questions about memberships at the command line.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;
use guildhall_domain::directory::{Directory, Explanation, MemberError};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_http::bodies;

use super::outcome::{Outcome, unknown_group, unknown_user};
use super::printing::Output;
use crate::system::operator;

#[derive(Args, Debug)]
pub(crate) struct CheckCommand {
    /// The name, email address or id of the user.
    user: String,
    /// The name or the id of the group.
    group: String,
}

#[derive(Args, Debug)]
pub(crate) struct WhyCommand {
    #[command(flatten)]
    check: CheckCommand,
    /// How many paths are shown.
    #[arg(long, value_name = "NUMBER", default_value_t = Explanation::DEFAULT_PATHS)]
    paths: usize,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl CheckCommand {
    pub(crate) fn run(&self, directory: &Directory) -> Result<Outcome> {
        let (group, user) = self.identifiers();
        let is_member = directory.is_member(&operator(), &group, &user).map_err(|error| self.explained(error))?;
        writeln!(io::stdout(), "{}", if is_member { "member" } else { "not a member" })?;
        Ok(if is_member { Outcome::Done } else { Outcome::No })
    }

    fn identifiers(&self) -> (GroupIdentifier, UserIdentifier) {
        (GroupIdentifier::from(self.group.as_str()), UserIdentifier::from(self.user.as_str()))
    }

    fn explained(&self, error: MemberError) -> anyhow::Error {
        match error {
            MemberError::GroupNotFound => unknown_group(&self.group),
            MemberError::UserNotFound => unknown_user(&self.user),
            other @ MemberError::Refused(_) => other.into(),
        }
    }
}

impl WhyCommand {
    pub(crate) fn run(&self, directory: &Directory) -> Result<Outcome> {
        let (group, user) = self.check.identifiers();
        let explanation = directory
            .explain_membership(&operator(), &group, &user, self.paths)
            .map_err(|error| self.check.explained(error))?;
        let mut out = io::stdout().lock();
        match self.output {
            Output::Json => writeln!(out, "{:#}", bodies::explanation(&explanation)?)?,
            Output::Table => {
                for path in &explanation.paths {
                    let groups: Vec<_> = path.groups.iter().rev().map(|(_, name)| name.as_str()).collect();
                    let until = path.until.map(|until| format!(", until {until}")).unwrap_or_default();
                    writeln!(out, "{} -> {}{until}", self.check.user, groups.join(" -> "))?;
                }
                let beyond = explanation.path_count.saturating_sub(explanation.paths.len() as u64);
                let or_more = if explanation.has_more { " or more" } else { "" };
                if !explanation.is_member() {
                    writeln!(out, "not a member")?;
                } else if beyond > 0 {
                    writeln!(out, "and {beyond}{or_more} other ways")?;
                }
            }
        }
        Ok(if explanation.is_member() { Outcome::Done } else { Outcome::No })
    }
}
