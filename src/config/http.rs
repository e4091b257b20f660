//! The listening side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use figment::value::Value;
use ipnet::{IpNet, Ipv4Net};

use super::origins::OriginPattern;
use super::reader::Reader;
use super::value::FromValue;

/// How requests come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve requests.
    pub workers: usize,
    /// Longest request body; `None` is off.
    pub body_bytes_max: Option<usize>,
    /// How long a request's body may take to arrive.
    pub body_time_max: Duration,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Sites from which browsers may call `/api`. Default: any port of this machine, in development.
    pub allowed_origins: Vec<OriginPattern>,
    /// How long requests may finish after a signal to stop.
    pub shutdown: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            workers: cores(),
            body_bytes_max: Some(1 << 20),
            body_time_max: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            shutdown: Duration::from_secs(10),
        }
    }
}

/// Cores of this machine, one where it does not say.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A size in bytes, or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BytesOrOff(Option<usize>);

impl FromValue for BytesOrOff {
    fn from_value(value: &Value) -> Result<Self, String> {
        if value.as_str() == Some("off") {
            return Ok(Self(None));
        }
        let bytes = usize::from_value(value).ok().filter(|bytes| *bytes >= 1024);
        bytes.map(|bytes| Self(Some(bytes))).ok_or_else(|| "must be 1024 bytes or more, or off".to_owned())
    }

    fn shown(&self) -> String {
        self.0.map_or_else(|| "off".to_owned(), |bytes| bytes.to_string())
    }
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        let allowed_origins = reader.get("http.allowed_origins", default.allowed_origins);
        if allowed_origins.is_empty() && reader.is_set("http.allowed_origins") {
            reader
                .refuse("http.allowed_origins", "has no origin: name one as https://app.example.com, or leave it away");
        }
        Self {
            listen: reader.get("listen", default.listen),
            workers: reader.at_least("http.workers", 1, default.workers),
            body_bytes_max: reader.get("http.max_body_size", BytesOrOff(default.body_bytes_max)).0,
            body_time_max: reader.get("http.body_seconds", default.body_time_max),
            trusted_proxies: reader.get("http.trusted_proxies", default.trusted_proxies),
            allowed_origins,
            shutdown: reader.get("http.shutdown_seconds", default.shutdown),
        }
    }
}

/// Prefix of the addresses that mean IPv4 ones.
const MAPPED_PREFIX: u8 = 96;

/// A network of IPv4 addresses that is written as one of IPv6, as the IPv4 network: who calls is compared in that form.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_PREFIX));
    mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

/// An address or a network in its strict form: a typing error must not widen who is believed.
impl FromValue for IpNet {
    fn from_value(value: &Value) -> Result<Self, String> {
        let refused = || "must be IP addresses or networks as 10.0.0.0/8, without host bits".to_owned();
        let text = value.as_str().ok_or_else(refused)?;
        let Some((_, prefix)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(|it| Self::from(it.to_canonical())).map_err(|_| refused());
        };
        let plain = prefix.bytes().all(|digit| digit.is_ascii_digit()) && (prefix == "0" || !prefix.starts_with('0'));
        let network: Self = text.parse().map_err(|_| refused())?;
        if plain && network.trunc() == network { Ok(canonical(network)) } else { Err(refused()) }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}
