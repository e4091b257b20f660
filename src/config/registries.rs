//! The open registries of an installation: roles, types of credential, kinds of scope, ways to give a role, and types
//! of audit event (spec/accounts-and-offers.md section 2). Built-ins and the operator's entries, frozen at the start.

use std::collections::BTreeSet;

use figment::value::{Dict, Value};

use super::audit_events::{self, EventType};
use super::offers::OffersConfig;
use super::reader::Reader;
use super::value::FromValue;

const CREDENTIAL_TYPES: [&str; 3] = ["session", "api_token", "daemon_token"];
const GRANT_PATHS: [&str; 4] = ["admin", "self_service", "system", "bootstrap"];

/// A role: the name of a capability. It is no data; it exists by configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The credentials it is meant for; empty for any.
    pub required_credential_types: Vec<String>,
    /// The kinds of scope it is meant for; empty for everywhere.
    pub applicable_scope_kinds: Vec<String>,
    /// The ways it may be given; empty for none.
    pub grant_paths: Vec<String>,
}

/// All registries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registries {
    roles: Vec<RoleSpec>,
    scope_kinds: BTreeSet<String>,
    audit_events: Vec<EventType>,
    self_service: Vec<String>,
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn built_in_roles() -> Vec<RoleSpec> {
    vec![
        RoleSpec {
            name: "keeper".to_owned(),
            description: Some("operates the installation".to_owned()),
            required_credential_types: words(&["daemon_token"]),
            grant_paths: words(&["bootstrap"]),
            ..RoleSpec::default()
        },
        RoleSpec {
            name: "admin".to_owned(),
            description: Some("administers accounts".to_owned()),
            grant_paths: words(&["admin"]),
            ..RoleSpec::default()
        },
    ]
}

impl Default for Registries {
    fn default() -> Self {
        Self {
            roles: built_in_roles(),
            scope_kinds: BTreeSet::new(),
            audit_events: audit_events::built_in(),
            self_service: Vec::new(),
        }
    }
}

impl Registries {
    pub(super) fn read(reader: &mut Reader, offers: &OffersConfig) -> Self {
        let operators: Vec<RoleSpec> = reader.get("roles", Vec::new());
        let scope_kinds = names(reader, "scope_kinds", &[], is_name);
        let credential_types = names(reader, "credential_types", &CREDENTIAL_TYPES, is_name);
        let grant_paths = names(reader, "grant_paths", &GRANT_PATHS, is_name);
        let audit_events = audit_events::read(reader);
        let mut roles = built_in_roles();
        for role in operators {
            if !is_name(&role.name) {
                refuse_name(reader, "roles", &role.name);
            }
            if roles.iter().any(|known| known.name == role.name) {
                reader.refuse("roles", format!("names {} twice, or it is built in", role.name));
            }
            let fields = [
                ("required_credential_types", &role.required_credential_types, &credential_types),
                ("applicable_scope_kinds", &role.applicable_scope_kinds, &scope_kinds),
                ("grant_paths", &role.grant_paths, &grant_paths),
            ];
            for (field, given, known) in fields {
                for value in given.iter().filter(|value| !known.contains(value)) {
                    reader
                        .refuse("roles", format!("role {}: {field} names {value}, which is not registered", role.name));
                }
            }
            roles.push(role);
        }
        let eligible: Option<Vec<String>> = reader.optional("self_service.eligible_roles");
        for name in eligible.iter().flatten().filter(|name| !roles.iter().any(|role| role.name == **name)) {
            reader.refuse("self_service.eligible_roles", format!("names {name}, which is no registered role"));
        }
        for rule in &offers.scoped_rules {
            for name in [&rule.holder_role, &rule.may_offer] {
                if !roles.iter().any(|role| role.name == *name) {
                    reader.refuse("offers.scoped_rules", format!("names {name}, which is no registered role"));
                }
            }
        }
        let by_path = roles.iter().filter(|role| role.grant_paths.iter().any(|path| path == "self_service"));
        let by_path: Vec<String> = by_path.map(|role| role.name.clone()).collect();
        let self_service = match eligible {
            None => by_path,
            Some(eligible) => by_path.into_iter().filter(|name| eligible.contains(name)).collect(),
        };
        Self { roles, scope_kinds: scope_kinds.into_iter().collect(), audit_events, self_service }
    }

    /// The role of a name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&RoleSpec> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The names of all roles, the built-in ones first.
    #[must_use]
    pub fn role_names(&self) -> Vec<&str> {
        self.roles.iter().map(|role| role.name.as_str()).collect()
    }

    /// Whether a role is registered and may be given this way.
    #[must_use]
    pub fn has_path(&self, role: &str, path: &str) -> bool {
        self.role(role).is_some_and(|role| role.grant_paths.iter().any(|known| known == path))
    }

    /// The roles that administrators give by offer, by name.
    #[must_use]
    pub fn grantable_roles(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.roles.iter().filter(|role| self.has_path(&role.name, "admin")).map(|role| role.name.clone()).collect();
        names.sort();
        names
    }

    /// The roles their holders take and leave.
    #[must_use]
    pub fn self_service_roles(&self) -> &[String] {
        &self.self_service
    }

    /// Whether a kind of scope is registered.
    #[must_use]
    pub fn is_scope_kind(&self, kind: &str) -> bool {
        self.scope_kinds.contains(kind)
    }

    /// Types of audit event, the built-in ones first.
    #[must_use]
    pub fn audit_events(&self) -> &[EventType] {
        &self.audit_events
    }
}

/// The built-in names and the operator's, each once.
fn names(reader: &mut Reader, setting: &'static str, built_in: &[&str], stands: fn(&str) -> bool) -> Vec<String> {
    let given: Vec<String> = reader.get(setting, Vec::new());
    let mut all = words(built_in);
    for name in given {
        if !stands(&name) {
            refuse_name(reader, setting, &name);
        }
        if all.contains(&name) {
            reader.refuse(setting, format!("names {name} twice, or it is built in"));
        }
        all.push(name);
    }
    all
}

fn refuse_name(reader: &mut Reader, setting: &str, name: &str) {
    reader.refuse(setting, format!("{name:?} is no name here: lower-case letters and _ between them"));
}

/// `^[a-z][a-z_]*[a-z]$|^[a-z]$`.
fn is_name(text: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase());
    ends(text.bytes().next())
        && ends(text.bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// A table in a file; `name` or `name:path+path` in a variable.
impl FromValue for RoleSpec {
    fn from_value(value: &Value) -> Result<Self, String> {
        if let Some(text) = value.as_str() {
            let (name, paths) = text.split_once(':').unwrap_or((text, ""));
            let paths = paths.split('+').filter(|path| !path.is_empty()).map(str::to_owned).collect();
            return Ok(Self { name: name.to_owned(), grant_paths: paths, ..Self::default() });
        }
        let table = value.as_dict().ok_or_else(|| "must be tables with a name each, or name:path+path".to_owned())?;
        let known = ["name", "description", "required_credential_types", "applicable_scope_kinds", "grant_paths"];
        if let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("a role has no field {unknown}"));
        }
        let name = table.get("name").and_then(Value::as_str).ok_or_else(|| "a role needs a name".to_owned())?;
        Ok(Self {
            name: name.to_owned(),
            description: table.get("description").and_then(Value::as_str).map(str::to_owned),
            required_credential_types: list(table, "required_credential_types")?,
            applicable_scope_kinds: list(table, "applicable_scope_kinds")?,
            grant_paths: list(table, "grant_paths")?,
        })
    }

    fn shown(&self) -> String {
        format!("{}:{}", self.name, self.grant_paths.join("+"))
    }
}

fn list(table: &Dict, field: &str) -> Result<Vec<String>, String> {
    let Some(value) = table.get(field) else { return Ok(Vec::new()) };
    let refused = || format!("{field} must be a list of names");
    let items = value.as_array().ok_or_else(refused)?;
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(refused)).collect()
}
