//! Where the record and the key that seals it are kept.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::environment::Environment;
use super::reader::Reader;

/// The store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Folder of everything that is kept in files. Default `./data`.
    pub data_dir: PathBuf,
    /// The database. Default: SQLite in `data_dir`.
    pub database: DatabaseConfig,
    /// The master key. Default: `<data_dir>/keys/master.key`, made when missing in development only.
    pub keys: KeysConfig,
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
    /// The key itself, 32 bytes as hexadecimal digits.
    Explicit(SecretString),
}

impl StoreConfig {
    /// SQLite and keys in one folder, as a developer has it.
    #[must_use]
    pub fn in_directory(data_dir: PathBuf) -> Self {
        Self {
            database: DatabaseConfig::Sqlite { directory: data_dir.clone() },
            keys: KeysConfig::Directory { path: data_dir.join("keys"), create_missing: true },
            data_dir,
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
        let explicit: Option<SecretString> = reader.optional("master_key");
        let keys = match explicit {
            None => KeysConfig::Directory { path, create_missing: !environment.is_production() },
            Some(key) => {
                let digits = key.expose_secret();
                if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    reader.refuse("master_key", "must be 64 hexadecimal digits, as `muniment init` makes them");
                }
                KeysConfig::Explicit(key)
            }
        };
        Self { data_dir, database, keys }
    }
}

impl KeysConfig {
    /// The bytes of an explicit key.
    #[must_use]
    pub fn explicit_bytes(&self) -> Option<[u8; 32]> {
        match self {
            Self::Directory { .. } => None,
            Self::Explicit(key) => {
                let mut bytes = [0_u8; 32];
                hex::decode_to_slice(key.expose_secret(), &mut bytes).ok().map(|()| bytes)
            }
        }
    }
}
