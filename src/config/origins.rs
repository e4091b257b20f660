//! From which sites browsers may call (spec/accounts-and-offers.md section 8.1): patterns of `scheme://host[:port]`, in
//! which `*` stands for one whole label, or for any port.

use figment::value::Value;

use super::value::FromValue;

/// One pattern, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    text: String,
    scheme: String,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Labels from left to right; `*` is any one.
    Labels(Vec<String>),
    /// An IPv6 address, brackets included.
    Bracketed(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Port {
    None,
    Any,
    Exactly(String),
}

impl OriginPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = |what: &str| Err(format!("{text} is no origin: {what}"));
        let lower = text.trim().to_lowercase();
        let Some((scheme, rest)) = lower.split_once("://") else { return refused("it needs http:// or https://") };
        if !matches!(scheme, "http" | "https") {
            return refused("only http and https are taken");
        }
        if rest.contains(['/', '?', '#', '@', ' ']) {
            return refused("a path, query, fragment or user has no place in it");
        }
        let Some((host, port)) = split_port(rest) else { return refused("its port is no port") };
        let port = match port {
            None => Port::None,
            Some("*") => Port::Any,
            Some(digits) if digits.parse::<u16>().is_ok() && digits.bytes().all(|it| it.is_ascii_digit()) => {
                Port::Exactly(digits.to_owned())
            }
            Some(_) => return refused("its port is no port"),
        };
        let host = if let Some(inner) = host.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<std::net::Ipv6Addr>().ok());
            if address.is_none() {
                return refused("brackets hold an IPv6 address, without a wildcard");
            }
            Host::Bracketed(host.to_owned())
        } else {
            let labels: Vec<String> = host.split('.').map(str::to_owned).collect();
            let stands = |label: &String| {
                label == "*"
                    || (!label.is_empty()
                        && label.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_')))
            };
            if !labels.iter().all(stands) {
                return refused("a * stands for one whole label, and labels hold letters, digits and -");
            }
            Host::Labels(labels)
        };
        Ok(Self { text: lower.clone(), scheme: scheme.to_owned(), host, port })
    }

    /// Whether an `Origin` header is of this pattern.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        let origin = origin.to_lowercase();
        let Some((scheme, rest)) = origin.split_once("://") else { return false };
        let Some((host, port)) = split_port(rest) else { return false };
        let port_stands = match (&self.port, port) {
            (Port::Any, None) | (Port::None, None) => true,
            (Port::Any, Some(port)) => port.parse::<u16>().is_ok(),
            (Port::Exactly(wanted), Some(port)) => wanted == port,
            (Port::None, Some(_)) | (Port::Exactly(_), None) => false,
        };
        let host_stands = match &self.host {
            Host::Bracketed(wanted) => wanted == host,
            Host::Labels(wanted) => {
                let labels: Vec<&str> = host.split('.').collect();
                labels.len() == wanted.len()
                    && wanted.iter().zip(labels).all(|(wanted, label)| {
                        let plain = label.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
                        !label.is_empty() && plain && (wanted == "*" || wanted == label)
                    })
            }
        };
        scheme == self.scheme && host_stands && port_stands
    }

    /// Whether it lets in whatever is registered under a suffix that everybody registers under.
    #[must_use]
    pub fn is_of_whole_domains(&self) -> bool {
        match &self.host {
            Host::Labels(labels) => labels.iter().rev().take(2).any(|label| label == "*"),
            Host::Bracketed(_) => false,
        }
    }

    /// Whether it is of sites without TLS that are not on the browser's own machine, which browsers trust without it.
    #[must_use]
    pub fn is_plain_beyond_loopback(&self) -> bool {
        let is_local = match &self.host {
            Host::Labels(labels) => {
                let address = labels.join(".").parse::<std::net::Ipv4Addr>();
                labels.last().is_some_and(|label| label == "localhost") || address.is_ok_and(|it| it.is_loopback())
            }
            Host::Bracketed(text) => {
                let address = text.trim_matches(['[', ']']).parse::<std::net::Ipv6Addr>();
                address.is_ok_and(|it| it.is_loopback())
            }
        };
        self.scheme == "http" && !is_local
    }

    /// The pattern as it is matched.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Host and port of what follows the scheme; `None` where a colon is followed by nothing.
fn split_port(rest: &str) -> Option<(&str, Option<&str>)> {
    let after_host = rest.rfind(']').map_or(0, |end| end + 1);
    match rest.get(after_host..)?.rfind(':') {
        None => Some((rest, None)),
        Some(at) => {
            let (host, port) = rest.split_at(after_host + at);
            let port = port.strip_prefix(':')?;
            (!port.is_empty() && !host.is_empty()).then_some((host, Some(port)))
        }
    }
}

impl FromValue for OriginPattern {
    fn from_value(value: &Value) -> Result<Self, String> {
        Self::parse(value.as_str().ok_or_else(|| "must be origins as https://app.example.com".to_owned())?)
    }

    fn shown(&self) -> String {
        self.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        OriginPattern::parse(pattern).expect("a pattern").matches(origin)
    }

    #[test]
    fn acc_191_patterns_match_whole_labels_and_stated_ports() {
        assert!(matches("https://*.example.com", "https://a.example.com"));
        assert!(!matches("https://*.example.com", "https://example.com"));
        assert!(!matches("https://*.example.com", "https://a.b.example.com"));
        assert!(matches("https://*.*.example.com", "https://a.b.example.com"));
        assert!(matches("https://App.Example.com", "HTTPS://app.example.COM"));
        assert!(matches("http://localhost:*", "http://localhost"));
        assert!(matches("http://localhost:*", "http://localhost:5173"));
        assert!(!matches("http://localhost", "http://localhost:80"), "a port is matched as it stands");
        assert!(matches("https://a.b:443", "https://a.b:443"));
        assert!(!matches("https://a.b:443", "https://a.b"));
        assert!(matches("http://[::1]:*", "http://[::1]:3000"));
        assert!(matches("http://[::1]:3000", "http://[::1]:3000"));
        assert!(!matches("http://[::1]:3000", "http://[::1]:3001"));
        assert!(matches("https://*.example.com:*", "https://a.example.com:8443"));
        assert!(!matches("https://*.example.com:*", "https://example.com:8443"));
        assert!(matches("https://app.*.example.com", "https://app.eu.example.com"));
        assert!(!matches("https://app.*.example.com", "https://app.example.com"));
        for rogue in ["", "null", "https://app.example.com.evil", "http://app.example.com", "https://evil-example.com"]
        {
            assert!(!matches("https://app.example.com", rogue), "{rogue}");
        }
    }

    #[test]
    fn acc_191_what_is_no_pattern_is_refused() {
        for bad in [
            "example.com",
            "ftp://example.com",
            "https://example.com/",
            "https://example.com?x",
            "https://example.com#x",
            "https://*foo.com",
            "https://[::*]",
            "https://",
            "https://a..b",
            "https://a.b:x",
            "https://a.b:",
        ] {
            assert!(OriginPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
