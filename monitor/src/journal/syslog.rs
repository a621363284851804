//! Lines as syslog messages (RFC 5424), to a unix socket, or to a host over UDP (RFC 5426) or TCP (RFC 6587, octet
//! counting).
//!
//! The message is the JSON line. It is printable ASCII without line feed, whatever an attacker sent, and over TCP its
//! length stands before it: nothing in it can end it or begin another. Must not know what it says.
//!
//! TCP without an answer from the receiver cannot say what arrived: what is in the buffers of a connection that breaks
//! is lost, and counted as sent. A message longer than a datagram may be is counted as lost.

use std::{
    fmt,
    io::{self, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use super::{
    entry::Entry,
    sink::{Failure, Transport},
};

/// System daemons (RFC 5424, section 6.2.1).
const FACILITY: u8 = 3;
/// Longest HOSTNAME (RFC 5424, section 6).
const HOST_BYTES: usize = 255;
/// Longest MSGID.
const ID_BYTES: usize = 32;
/// How long one message may take to be sent. A receiver that has stopped reading.
const SEND_TIME: Duration = Duration::from_secs(2);

/// Where a syslog is. A host is named by its address: asking for names could hang, and need rights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// A unix datagram socket.
    Unix(PathBuf),
    /// UDP.
    Udp(SocketAddr),
    /// TCP.
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Some(Self::Unix(path.into())),
            Some(("udp", at)) => at.parse().ok().map(Self::Udp),
            Some(("tcp", at)) => at.parse().ok().map(Self::Tcp),
            _ => None,
        };
        known.ok_or_else(|| {
            format!(
                "`{text}` is no address of a syslog; write unix:/PATH, udp:ADDRESS:PORT or tcp:ADDRESS:PORT, with the IP address \
                 of a host"
            )
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Udp(at) => write!(f, "udp:{at}"),
            Self::Tcp(at) => write!(f, "tcp:{at}"),
        }
    }
}

/// One event as a message: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG`.
pub(super) fn message(entry: &Entry, host: &str, pid: u32) -> Vec<u8> {
    let Entry {
        at,
        action,
        line,
        severity,
        ..
    } = entry;
    let priority = FACILITY * 8 + severity;
    let host = word(host, HOST_BYTES);
    let id = word(action, ID_BYTES);
    format!("<{priority}>1 {at} {host} apimon {pid} {id} - {line}").into_bytes()
}

/// A field of a header: printable ASCII without spaces, `-` for nothing.
fn word(text: &str, bytes: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(bytes).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// The name of this host.
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A connection to a syslog, made when it is needed.
#[derive(Debug)]
pub(super) struct Syslog {
    address: Address,
    link: Option<Link>,
}

#[derive(Debug)]
enum Link {
    Unix(UnixDatagram),
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Syslog {
    pub(super) fn new(address: Address) -> Self {
        Self { address, link: None }
    }

    fn connect(&self) -> io::Result<Link> {
        match &self.address {
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(SEND_TIME))?;
                Ok(Link::Unix(socket))
            }
            Address::Udp(at) => {
                let any: IpAddr = match at.ip() {
                    IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
                    IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
                };
                let socket = UdpSocket::bind((any, 0))?;
                socket.connect(at)?;
                Ok(Link::Udp(socket))
            }
            Address::Tcp(at) => {
                let stream = TcpStream::connect_timeout(at, SEND_TIME)?;
                stream.set_write_timeout(Some(SEND_TIME))?;
                stream.set_nodelay(true)?;
                Ok(Link::Tcp(stream))
            }
        }
    }

    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect()?,
        };
        link.send(message)?;
        // One that failed is not used again: of a stream it is not known where it broke off.
        self.link = Some(link);
        Ok(())
    }
}

impl Link {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.send(message).map(drop),
            Self::Udp(socket) => socket.send(message).map(drop),
            Self::Tcp(stream) => {
                let mut framed = format!("{} ", message.len()).into_bytes();
                framed.extend_from_slice(message);
                stream.write_all(&framed)
            }
        }
    }
}

impl Transport for Syslog {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.try_send(message).map_err(failure)
    }
}

/// A message that is too long stays so.
pub(super) fn failure(error: io::Error) -> Failure {
    if error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error()) {
        Failure::Never(error)
    } else {
        Failure::Later(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn entry() -> Entry {
        Entry {
            line: r#"{"message":"a"}"#.into(),
            message: "a".into(),
            action: "case-opened".into(),
            rule: Some("scraping".into()),
            at: "2026-11-22T05:00:00.000001Z".into(),
            severity: 4,
        }
    }

    #[test]
    fn a_message_is_as_the_rfc_wants_it() {
        let text = String::from_utf8(message(&entry(), "api 1\n", 7)).unwrap();
        assert_eq!(
            text,
            "<28>1 2026-11-22T05:00:00.000001Z api1 apimon 7 case-opened - {\"message\":\"a\"}"
        );
        let nameless = String::from_utf8(message(&entry(), "", 7)).unwrap();
        assert!(nameless.contains("Z - apimon 7 "), "{nameless}");
    }

    #[test]
    fn addresses_are_read_and_written() {
        for text in ["unix:/dev/log", "udp:192.0.2.1:514", "tcp:[2001:db8::1]:601"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "/dev/log",
            "unix:dev/log",
            "udp:host:514",
            "udp:192.0.2.1",
            "tls:192.0.2.1:6514",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn over_tcp_each_message_has_its_length() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut syslog = Syslog::new(Address::Tcp(listener.local_addr().unwrap()));
        syslog.try_send(b"one").unwrap();
        syslog.try_send(b"three").unwrap();
        drop(syslog);
        let mut got = String::new();
        listener.accept().unwrap().0.read_to_string(&mut got).unwrap();
        assert_eq!(got, "3 one5 three");
    }

    #[test]
    fn a_unix_socket_may_come_later_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut syslog = Syslog::new(Address::Unix(path.clone()));
        assert!(matches!(syslog.send(b"x"), Err(Failure::Later(_))));
        for _ in 0..2 {
            let receiver = UnixDatagram::bind(&path).unwrap();
            let mut tries = (0..3).map(|_| syslog.send(b"hello").is_ok());
            assert!(tries.any(|sent| sent));
            let mut got = [0; 16];
            assert_eq!(receiver.recv(&mut got).unwrap(), 5);
            drop(receiver);
            std::fs::remove_file(&path).unwrap();
        }
        let receiver = UnixDatagram::bind(&path).unwrap();
        let huge = vec![b'x'; 8 << 20];
        let mut tries = (0..3).map(|_| matches!(syslog.send(&huge), Err(Failure::Never(_))));
        assert!(tries.any(|never| never), "it will never fit");
        drop(receiver);
    }
}
