//! Where the record and the key that seals it are kept.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use figment::value::Value;
use muniment_journal::limits::ANSWER_MAX;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::environment::Environment;
use super::reader::Reader;
use super::value::FromValue;

/// The store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Folder of everything that is kept in files.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseConfig,
    /// The master key. Default: `<data_dir>/keys/master.key`, made when missing in development only.
    pub keys: KeysConfig,
    /// How long an answer of the database is waited for before requests are answered 503. Default [`ANSWER_MAX`].
    pub answer_max: Duration,
}

/// Which database holds journal and read models.
#[derive(Debug, Clone)]
pub enum DatabaseConfig {
    /// `journal.db` and `read.db` in a folder.
    Sqlite {
        /// The folder.
        directory: PathBuf,
    },
    /// PostgreSQL, or what speaks its protocol.
    Postgres {
        /// With user and password.
        url: SecretString,
    },
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum KeysConfig {
    /// `master.key` in a folder.
    Directory {
        /// The folder.
        path: PathBuf,
        /// Whether a missing key is made. Never in production: there it is more often a lost volume.
        create_missing: bool,
    },
    /// The key itself.
    Explicit(ExplicitKey),
}

/// A master key that stands in the settings. It cannot be printed.
#[derive(Clone)]
pub struct ExplicitKey(Zeroizing<[u8; 32]>);

impl ExplicitKey {
    /// 64 hexadecimal digits.
    ///
    /// # Errors
    /// What a text must be that is none.
    pub fn parse(digits: &str) -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        match hex::decode_to_slice(digits, bytes.as_mut_slice()) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err("must be 64 hexadecimal digits, as `muniment init` makes them".to_owned()),
        }
    }

    /// The key.
    #[must_use]
    pub fn bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }
}

impl fmt::Debug for ExplicitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExplicitKey(********)")
    }
}

/// 32 bytes as hexadecimal digits.
impl FromValue for ExplicitKey {
    fn from_value(value: &Value) -> Result<Self, String> {
        Self::parse(value.as_str().unwrap_or_default())
    }

    fn shown(&self) -> String {
        "********".to_owned()
    }
}

impl StoreConfig {
    /// SQLite and keys in one folder, as a developer has it.
    #[must_use]
    pub fn in_directory(data_dir: PathBuf) -> Self {
        Self {
            database: DatabaseConfig::Sqlite { directory: data_dir.clone() },
            keys: KeysConfig::Directory { path: data_dir.join("keys"), create_missing: true },
            data_dir,
            answer_max: ANSWER_MAX,
        }
    }

    pub(super) fn read(reader: &mut Reader, environment: &Environment) -> Self {
        let data_dir = reader.get("data_dir", PathBuf::from("./data"));
        let url: Option<SecretString> = reader.optional("database_url");
        let database = match url.as_ref().map(|url| url.expose_secret()) {
            None => DatabaseConfig::Sqlite { directory: data_dir.clone() },
            Some(text) if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                DatabaseConfig::Postgres { url: SecretString::from(text) }
            }
            Some(text) => {
                let folder = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
                match folder {
                    None => reader.refuse("database_url", "must begin with postgres:// or sqlite:"),
                    Some(path) if path.ends_with(".db") => {
                        reader.refuse("database_url", "sqlite: names a folder; journal.db and read.db lie in it");
                    }
                    Some(_) => {}
                }
                let directory = folder.filter(|path| !path.is_empty()).map_or_else(|| data_dir.clone(), PathBuf::from);
                DatabaseConfig::Sqlite { directory }
            }
        };
        let path = reader.get("keys_dir", data_dir.join("keys"));
        let keys = match reader.optional("master_key") {
            None => KeysConfig::Directory { path, create_missing: !environment.is_production() },
            Some(key) => KeysConfig::Explicit(key),
        };
        let answer_max = reader.get("database_wait_seconds", ANSWER_MAX);
        Self { data_dir, database, keys, answer_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_hexadecimal_digits_or_none_at_all() {
        let key = ExplicitKey::from_value(&Value::from("4A".repeat(32))).expect("a key");
        assert_eq!(*key.bytes(), [0x4a; 32]);
        assert!(!format!("{key:?}").contains("4a") && !format!("{key:?}").contains("74"));
        for bad in ["", "4a", &"4a".repeat(31), &"4a".repeat(33), &"4g".repeat(32), &format!("{} ", "4a".repeat(32))] {
            let refused = ExplicitKey::from_value(&Value::from(bad)).map(drop).expect_err(bad);
            assert!(refused.starts_with("must be 64 hexadecimal digits"), "{refused}");
        }
        assert!(ExplicitKey::from_value(&Value::from(7)).is_err());
    }
}
