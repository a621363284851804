//! The client behind trusted proxies: the rightmost address that is no trusted proxy itself, of what the proxies say.
//! Must not believe anybody else.
//!
//! Each proxy adds at the right whom it heard. So what stands right of the first address that is not trusted was
//! written by trusted proxies, and what stands left of it by anybody.

mod hop;
pub mod settings;

use monitor_common::{IpKey, Prefix};

use self::{
    hop::Hop,
    settings::{ClientHeader, ClientSettings},
};
use crate::http::{name::Name, transaction::Head};

/// Lines of one header that are read, the last ones. Lines without end.
const LINES: usize = 16;
/// Hops of one line that are read, the last ones. A list without end.
const HOPS: usize = 64;

/// Finds clients behind proxies.
#[derive(Debug)]
pub(super) struct Forwarding {
    /// By length, and within it ascending.
    nets: Vec<(u8, Vec<IpKey>)>,
    header: ClientHeader,
}

/// Who the client is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Client {
    /// The source itself, as far as one can say.
    Source,
    /// Somebody behind a trusted proxy.
    Behind(IpKey),
    /// The proxy says something that cannot be, or says two things.
    Doubtful,
}

impl Forwarding {
    pub(super) fn new(settings: &ClientSettings) -> Self {
        let mut nets: Vec<(u8, Vec<IpKey>)> = Vec::new();
        for net in &settings.trusted_proxies {
            match nets.iter_mut().find(|(bits, _)| *bits == net.bits()) {
                Some((_, addrs)) => addrs.push(net.addr()),
                None => nets.push((net.bits(), vec![net.addr()])),
            }
        }
        for (_, addrs) in &mut nets {
            addrs.sort_unstable();
        }
        Self {
            nets,
            header: settings.header,
        }
    }

    /// Whether this is a trusted proxy.
    pub(super) fn trusts(&self, addr: IpKey) -> bool {
        self.nets.iter().any(|(bits, addrs)| {
            Prefix::new(addr, *bits).is_some_and(|net| addrs.binary_search(&net.addr()).is_ok())
        })
    }

    /// The client of a request that `source` sent. `proxied` is whom the PROXY protocol named on the connection.
    pub(super) fn client(&self, source: IpKey, proxied: Option<IpKey>, head: Head<'_>) -> Client {
        if self.nets.is_empty() || !self.trusts(source) {
            return Client::Source;
        }
        // Who spoke to the last proxy may be a proxy, too; then its headers say more.
        let direct = proxied.unwrap_or(source);
        if proxied.is_some() && (self.header == ClientHeader::ProxyProtocol || !self.trusts(direct)) {
            return Client::Behind(direct);
        }
        match self.by_header(head) {
            Client::Source if proxied.is_some() => Client::Behind(direct),
            client => client,
        }
    }

    fn by_header(&self, head: Head<'_>) -> Client {
        const EACH: [ClientHeader; 5] = [
            ClientHeader::XForwardedFor,
            ClientHeader::Forwarded,
            ClientHeader::XRealIp,
            ClientHeader::CfConnectingIp,
            ClientHeader::TrueClientIp,
        ];
        if self.header != ClientHeader::Auto {
            return self.one(self.header, head);
        }
        let mut all = Client::Source;
        for client in EACH.map(|header| self.one(header, head)) {
            all = match (all, client) {
                (known, Client::Source) => known,
                (Client::Source, client) => client,
                (Client::Behind(a), Client::Behind(b)) if a == b || self.trusts(b) => all,
                (Client::Behind(a), Client::Behind(_)) if self.trusts(a) => client,
                _ => Client::Doubtful,
            };
        }
        all
    }

    /// What one header says.
    fn one(&self, header: ClientHeader, head: Head<'_>) -> Client {
        match header {
            ClientHeader::XForwardedFor => self.walk(head, "x-forwarded-for", |hop| Some(hop)),
            ClientHeader::Forwarded => self.walk(head, "forwarded", forwarded_for),
            ClientHeader::XRealIp => self.walk(head, "x-real-ip", |hop| Some(hop)),
            ClientHeader::CfConnectingIp => self.walk(head, "cf-connecting-ip", |hop| Some(hop)),
            ClientHeader::TrueClientIp => self.walk(head, "true-client-ip", |hop| Some(hop)),
            ClientHeader::ProxyProtocol | ClientHeader::Auto => Client::Source,
        }
    }

    /// From the right over all lines of a header, to the first hop that is not trusted.
    fn walk(&self, head: Head<'_>, name: &str, of: fn(&[u8]) -> Option<&[u8]>) -> Client {
        let mut lines: [&[u8]; LINES] = [b""; LINES];
        let mut seen = 0;
        for field in head
            .fields()
            .filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
        {
            if let Some(line) = lines.get_mut(seen % LINES) {
                *line = field.value;
            }
            seen += 1;
        }
        let mut last = Client::Source;
        let newest_first = (0..seen).rev().take(LINES).filter_map(|at| lines.get(at % LINES));
        for hop in newest_first.flat_map(|line| elements(line)) {
            let Some(text) = of(hop) else {
                return Client::Doubtful;
            };
            match Hop::parse(text) {
                Hop::Known(addr) if self.trusts(addr) => last = Client::Behind(addr),
                Hop::Known(addr) => return Client::Behind(addr),
                Hop::Hidden => return last,
                Hop::Broken => return Client::Doubtful,
            }
        }
        last
    }
}

/// What a request says of having been forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub enum Hearsay {
    /// Nothing.
    #[default]
    Nothing,
    /// For whom.
    Forwarded,
    /// With which certificate that one came, and perhaps for whom.
    Certified,
}

impl Hearsay {
    /// What a head says, whoever sent it.
    pub(super) fn of(head: Head<'_>) -> Self {
        const CLIENTS: [&[u8]; 5] = [
            b"x-forwarded-for",
            b"forwarded",
            b"x-real-ip",
            b"cf-connecting-ip",
            b"true-client-ip",
        ];
        // RFC 9440, Envoy, and what nginx and HAProxy are made to send by their handbooks.
        const CERTIFICATES: [&[u8]; 7] = [
            b"x-forwarded-client-cert",
            b"client-cert",
            b"x-client-cert",
            b"ssl-client-cert",
            b"x-ssl-client-cert",
            b"x-ssl-client-s-dn",
            b"ssl-client-subject-dn",
        ];
        let is_one_of =
            |name: &[u8], names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let mut said = Self::Nothing;
        for field in head.fields().filter(|field| field.is == Name::Other) {
            if is_one_of(field.name, &CERTIFICATES) {
                return Self::Certified;
            }
            if is_one_of(field.name, &CLIENTS) {
                said = Self::Forwarded;
            }
        }
        said
    }
}

/// The elements of a list from its right end, commas in quotes not counted.
fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line).filter(|line| !line.is_empty());
    let next = move || {
        let line = rest?;
        let mut quoted = false;
        let comma = line.iter().rposition(|byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        });
        let (head, element) = match comma {
            Some(at) => (line.get(..at), line.get(at + 1..)?),
            None => (None, line),
        };
        rest = head;
        Some(element)
    };
    std::iter::from_fn(next).take(HOPS)
}

/// `for` of one element of `Forwarded`.
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    element.split(|byte| *byte == b';').take(8).find_map(|pair| {
        let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
        name.trim_ascii()
            .eq_ignore_ascii_case(b"for")
            .then(|| value.get(1..))?
    })
}

#[cfg(test)]
mod tests;
