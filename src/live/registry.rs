//! Who reads at this moment: authorities by holder, connections by client address, and the bounds on both.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muniment_aggregates::record::Position;
use parking_lot::Mutex;

use super::limits;
use super::rights::Authority;
use crate::surface::client_address::ClientPrefix;
use crate::surface::errors::V1Refusal;

#[derive(Debug, Default)]
struct Readers {
    authorities: HashMap<u64, Arc<Authority>>,
    holders: HashMap<String, usize>,
    addresses: HashMap<ClientPrefix, usize>,
    cursors: HashMap<u64, Arc<AtomicU64>>,
}

/// The readers of one node.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    readers: Arc<Mutex<Readers>>,
    numbers: AtomicU64,
}

/// An authority in use; it is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    /// What may be read.
    pub(crate) authority: Arc<Authority>,
    number: u64,
    readers: Arc<Mutex<Readers>>,
}

/// A connection from an address, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Number of the connection on this node.
    pub(crate) number: u64,
    address: Option<ClientPrefix>,
    cursor: Arc<AtomicU64>,
    readers: Arc<Mutex<Readers>>,
}

/// The cursor of a connection that reads nothing.
const NOWHERE: u64 = u64::MAX;

fn too_many(message: &str) -> V1Refusal {
    V1Refusal { retry_after_seconds: Some(5), ..V1Refusal::new(429, "too_many_connections", message) }
}

impl Registry {
    /// Puts an authority among the readers. The one that it is to take the place of on its connection, if any, does not
    /// count: both are there until the new one is found to be of the same reader.
    ///
    /// # Errors
    /// Where its holder has as many connections as he may have.
    pub(crate) fn admit(
        &self,
        authority: Arc<Authority>,
        replaced: Option<&Authority>,
    ) -> Result<Admission, V1Refusal> {
        let mut readers = self.readers.lock();
        let held = readers.holders.entry(authority.holder().to_owned()).or_default();
        let leaves = usize::from(replaced.is_some_and(|replaced| replaced.holder() == authority.holder()));
        if held.saturating_sub(leaves) >= limits::CONNECTIONS_PER_CREDENTIAL_MAX {
            let most = limits::CONNECTIONS_PER_CREDENTIAL_MAX;
            return Err(too_many(&format!("An account or token may have at most {most} live connections.")));
        }
        *held += 1;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        readers.authorities.insert(number, Arc::clone(&authority));
        Ok(Admission { authority, number, readers: Arc::clone(&self.readers) })
    }

    /// Counts a connection of an address.
    ///
    /// # Errors
    /// Where the address has as many as it may have.
    pub(crate) fn arrive(&self, address: Option<IpAddr>) -> Result<Presence, V1Refusal> {
        let most = match address {
            Some(address) if address.to_canonical().is_loopback() => limits::CONNECTIONS_PER_LOOPBACK_MAX,
            Some(_) | None => limits::CONNECTIONS_PER_ADDRESS_MAX,
        };
        let address = address.map(ClientPrefix::of);
        let mut readers = self.readers.lock();
        if let Some(address) = address {
            let held = readers.addresses.entry(address).or_default();
            if *held >= most {
                return Err(too_many(&format!("A client address may have at most {most} live connections.")));
            }
            *held += 1;
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let cursor = Arc::new(AtomicU64::new(NOWHERE));
        readers.cursors.insert(number, Arc::clone(&cursor));
        Ok(Presence { number, address, cursor, readers: Arc::clone(&self.readers) })
    }

    /// Visits every authority in use.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Authority)) {
        self.readers.lock().authorities.values().for_each(|authority| visit(authority));
    }

    /// Whether anybody reads.
    pub(crate) fn has_readers(&self) -> bool {
        !self.readers.lock().authorities.is_empty()
    }

    /// Open connections, and the place of the one that lags most.
    pub(crate) fn census(&self) -> (usize, Option<Position>) {
        let readers = self.readers.lock();
        let cursors = readers.cursors.values().map(|cursor| cursor.load(Ordering::Relaxed));
        let slowest = cursors.filter(|position| *position != NOWHERE).min().map(Position);
        (readers.cursors.len(), slowest)
    }
}

impl Presence {
    /// Notes how far this connection was read; `None` where it reads nothing.
    pub(crate) fn at(&self, position: Option<Position>) {
        self.cursor.store(position.map_or(NOWHERE, |position| position.0), Ordering::Relaxed);
    }
}

fn give_back<K: std::hash::Hash + Eq + Clone>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut readers = self.readers.lock();
        readers.authorities.remove(&self.number);
        give_back(&mut readers.holders, &self.authority.holder().to_owned());
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut readers = self.readers.lock();
        readers.cursors.remove(&self.number);
        if let Some(address) = self.address {
            give_back(&mut readers.addresses, &address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::surface::readable::Readable;

    fn token(id: &str) -> Arc<Authority> {
        Authority::new(Readable {
            credential: id.to_owned(),
            account: None,
            subject: None,
            companies: HashSet::new(),
            expires_at: None,
        })
    }

    #[test]
    fn h14_the_connections_of_one_token_are_bounded_and_given_back() {
        let registry = Registry::default();
        let mut held: Vec<_> = (0..limits::CONNECTIONS_PER_CREDENTIAL_MAX)
            .map(|_| registry.admit(token("a"), None).expect("within the bound"))
            .collect();
        assert_eq!(registry.admit(token("a"), None).map(|_| ()).unwrap_err().code, "too_many_connections");
        assert!(registry.admit(token("b"), None).is_ok());
        held.pop();
        assert!(registry.admit(token("a"), None).is_ok());
    }

    #[test]
    fn a_renewal_at_the_bound_is_no_further_connection() {
        let registry = Registry::default();
        let mut held: Vec<_> = (0..limits::CONNECTIONS_PER_CREDENTIAL_MAX)
            .map(|_| registry.admit(token("a"), None).expect("within the bound"))
            .collect();
        let old = held.pop().expect("one of them");
        let renewed = registry.admit(token("a"), Some(&old.authority)).expect("it takes the place of one");
        let stranger = token("b");
        assert!(registry.admit(token("a"), Some(&stranger)).is_err(), "another's place is not given up for it");
        drop(old);
        assert!(registry.admit(token("a"), None).is_err(), "the renewed one counts");
        drop(renewed);
        assert!(registry.admit(token("a"), None).is_ok());
    }

    #[test]
    fn the_connections_of_one_address_are_bounded_by_prefix() {
        let registry = Registry::default();
        let address = |text: &str| Some(text.parse().expect("an address"));
        let held: Vec<_> = (0..limits::CONNECTIONS_PER_ADDRESS_MAX)
            .map(|n| registry.arrive(address(&format!("2001:db8::{n:x}"))).expect("within the bound"))
            .collect();
        assert!(registry.arrive(address("2001:db8::ffff")).is_err());
        assert!(registry.arrive(address("2001:db8:0:1::1")).is_ok());
        let of_this_machine: Vec<_> = (0..=limits::CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| registry.arrive(address("127.0.0.1")).expect("this machine may have more"))
            .collect();
        assert_eq!(registry.census().0, held.len() + of_this_machine.len());
    }
}
