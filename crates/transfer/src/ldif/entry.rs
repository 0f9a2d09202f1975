//! An entry, as far as it is imported, and what it says of a user or a group.

use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::record::{GroupRecord, UserRecord};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validation::InvalidField;
use uuid::Uuid;

use super::hash;
use super::reader::Attribute;
use super::time::moment;
use crate::language::language;
use crate::notes::Notes;
use crate::passwords::{AcceptPassword, first_accepted};
use crate::source::RecordKind;

/// The most passwords of an entry that are looked at.
const MOST_PASSWORDS: usize = 8;

/// The attributes that say what an entry is and how others name it.
pub(super) const IDENTITY: [&str; 8] =
    ["objectclass", "entryuuid", "objectguid", "ipauniqueid", "nsuniqueid", "uid", "samaccountname", "cn"];
/// All attributes of a user.
pub(super) const USER: [&str; 21] = [
    "objectclass",
    "entryuuid",
    "objectguid",
    "ipauniqueid",
    "nsuniqueid",
    "uid",
    "samaccountname",
    "cn",
    "mail",
    "givenname",
    "sn",
    "preferredlanguage",
    "createtimestamp",
    "modifytimestamp",
    "whencreated",
    "whenchanged",
    "userpassword",
    "useraccountcontrol",
    "nsaccountlock",
    "pwdaccountlockedtime",
    "pwdreset",
];
/// All attributes of a group.
pub(super) const GROUP: [&str; 13] = [
    "objectclass",
    "entryuuid",
    "objectguid",
    "ipauniqueid",
    "nsuniqueid",
    "uid",
    "samaccountname",
    "cn",
    "description",
    "createtimestamp",
    "modifytimestamp",
    "whencreated",
    "whenchanged",
];

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    /// A computer or a contact of Active Directory, which has the classes of a user, too.
    LeftOut,
    /// Another entry.
    Other,
    /// The file does not tell object classes.
    Unknown,
}

/// An entry. Of attributes with several values, the first is kept.
#[derive(Debug, Default)]
pub(super) struct Entry {
    values: Vec<(&'static str, Vec<u8>)>,
    passwords: Vec<Vec<u8>>,
    has_class: bool,
    is_user: bool,
    is_group: bool,
    is_left_out: bool,
}

impl Entry {
    pub(super) fn add(&mut self, attribute: Attribute) {
        let Attribute { name, value, .. } = attribute;
        match name {
            "objectclass" => self.add_class(&value.to_ascii_lowercase()),
            "userpassword" if self.passwords.len() < MOST_PASSWORDS => self.passwords.push(value),
            "userpassword" => {}
            _ if self.value(name).is_none() && !value.is_empty() => self.values.push((name, value)),
            _ => {}
        }
    }

    fn add_class(&mut self, class: &[u8]) {
        self.has_class = true;
        match class {
            b"inetorgperson" | b"person" | b"organizationalperson" | b"posixaccount" | b"user" => self.is_user = true,
            b"groupofnames" | b"groupofuniquenames" | b"groupofmembers" | b"posixgroup" | b"group" => {
                self.is_group = true;
            }
            b"computer" | b"contact" => self.is_left_out = true,
            _ => {}
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self { has_class: false, .. } => Kind::Unknown,
            Self { is_left_out: true, .. } => Kind::LeftOut,
            Self { is_user: true, .. } => Kind::User,
            Self { is_group: true, .. } => Kind::Group,
            _ => Kind::Other,
        }
    }

    /// The id, from the first attribute that has the form of one.
    pub(super) fn id(&self) -> Option<Uuid> {
        let guid = |name| std::str::from_utf8(self.value(name)?).ok().and_then(parse_guid);
        // Active Directory keeps the first three parts of a GUID with their last byte first.
        let binary = || Some(Uuid::from_bytes_le(self.value("objectguid")?.try_into().ok()?));
        guid("entryuuid")
            .or_else(binary)
            .or_else(|| guid("objectguid"))
            .or_else(|| guid("ipauniqueid"))
            .or_else(|| guid("nsuniqueid"))
    }

    /// The name of a user or a group; `None` for another entry.
    pub(super) fn name(&self) -> Option<Result<String, InvalidField>> {
        match self.kind() {
            Kind::User => Some(self.username()),
            Kind::Group => Some(self.group_name()),
            Kind::LeftOut | Kind::Other | Kind::Unknown => None,
        }
    }

    fn username(&self) -> Result<String, InvalidField> {
        let names = ["uid", "samaccountname", "cn"];
        let name = names.into_iter().find(|name| self.value(name).is_some()).unwrap_or("uid");
        self.text(name)?.ok_or_else(|| InvalidField::new("uid", "The user has none of uid, sAMAccountName and cn"))
    }

    fn group_name(&self) -> Result<String, InvalidField> {
        self.text("cn")?.ok_or_else(|| InvalidField::new("cn", "The group has none"))
    }

    /// What the entry says of a user.
    pub(super) fn user(&self, accept: AcceptPassword<'_>, notes: &mut Notes) -> Result<UserRecord, Vec<InvalidField>> {
        let mut faults = Vec::new();
        let username = self.username().map_err(|fault| faults.push(fault)).ok();
        let mut text = |name| {
            self.text(name).unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let [email, first_name, last_name] = ["mail", "givenname", "sn"].map(|name| text(name).map(Some));
        let language = text("preferredlanguage").and_then(|text| language(&text)).map(Some);
        if !faults.is_empty() {
            return Err(faults);
        }
        let hashes = self.passwords.iter().map(|value| hash::text(value));
        Ok(UserRecord {
            id: self.id().map(UserId),
            username,
            email,
            first_name,
            last_name,
            language,
            suspended: self.suspended(),
            password_reset_required: self.flag("pwdreset"),
            created: self.moment(["createtimestamp", "whencreated"], RecordKind::Users, notes),
            modified: self.moment(["modifytimestamp", "whenchanged"], RecordKind::Users, notes),
            password: first_accepted(accept, hashes, notes),
            ..UserRecord::default()
        })
    }

    /// What the entry says of a group.
    pub(super) fn group(&self, notes: &mut Notes) -> Result<GroupRecord, Vec<InvalidField>> {
        let (name, description) = match (self.group_name(), self.text("description")) {
            (Ok(name), Ok(description)) => (name, description),
            (name, description) => return Err([name.err(), description.err()].into_iter().flatten().collect()),
        };
        Ok(GroupRecord {
            id: self.id().map(GroupId),
            name: Some(name),
            description: description.map(Some),
            created: self.moment(["createtimestamp", "whencreated"], RecordKind::Groups, notes),
            modified: self.moment(["modifytimestamp", "whenchanged"], RecordKind::Groups, notes),
            ..GroupRecord::default()
        })
    }

    /// Whether an administrator has locked the account. A lock that ends by itself does not count.
    fn suspended(&self) -> Option<bool> {
        /// `ACCOUNTDISABLE` of Active Directory.
        const DISABLED: i64 = 2;
        /// What `pwdAccountLockedTime` is for an account that an administrator has locked for good.
        const FOR_GOOD: &[u8] = b"000001010000Z";
        let control = self.value("useraccountcontrol").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let said = [
            control.map(|control: i64| control & DISABLED != 0),
            self.flag("nsaccountlock"),
            self.value("pwdaccountlockedtime").filter(|value| *value == FOR_GOOD).map(|_| true),
        ];
        said.into_iter().flatten().reduce(|first, second| first || second)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).map(|value| value.eq_ignore_ascii_case(b"true"))
    }

    fn moment(&self, names: [&str; 2], kind: RecordKind, notes: &mut Notes) -> Option<Timestamp> {
        let value = names.into_iter().find_map(|name| self.value(name))?;
        let read = std::str::from_utf8(value).ok().and_then(moment);
        if read.is_none() {
            notes.add(kind, "dates that cannot be read and are left out");
        }
        read
    }

    fn text(&self, name: &str) -> Result<Option<String>, InvalidField> {
        let text = self.value(name).map(|value| String::from_utf8(value.to_vec())).transpose();
        text.map_err(|_| InvalidField::new(name, "The value is not in UTF-8"))
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.iter().find(|(kept, _)| *kept == name).map(|(_, value)| value.as_slice())
    }
}
