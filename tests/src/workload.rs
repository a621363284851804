//! A generated capture of a busy JSON API on keep-alive connections, for benches. Must not know what reads it.
//!
//! The mix follows what a small public API looks like: short reads, some lists, a few large reports, some writes, a few
//! refusals; 257-byte bearer tokens; 100 requests a connection; eight connections at once. Segments follow what nginx
//! sends of a file: the head of a response by itself, the body behind it, one acknowledgement a response. Heads are as
//! long as those of an app behind a gateway. In sum 4.6 packets and 2.2 KB a request. The same number of requests
//! always gives the same bytes.

use std::io::{self, Write};

/// Requests on one connection before it is closed.
const REQUESTS_PER_CONNECTION: u64 = 100;
/// Connections open at once, taken in turn.
const CONNECTIONS: usize = 8;
/// Largest TCP payload of a frame, bytes (1500 byte MTU, TCP time stamps).
const SEGMENT_BYTES: usize = 1448;
/// Segments of one message that are acknowledged together.
const SEGMENTS_PER_ACK: usize = 8;
/// Capture time between two frames, microseconds.
const FRAME_STEP_US: u64 = 20;
const SERVER: [u8; 4] = [10, 80, 0, 1];
const SERVER_PORT: u16 = 8080;

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Requests, each with its response.
    pub requests: u64,
    /// Frames.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes a pcap file (Ethernet, microseconds) with `requests` requests.
pub fn write_capture(out: &mut impl Write, requests: u64) -> io::Result<Written> {
    write_with(out, requests, REQUESTS_PER_CONNECTION)
}

/// As [`write_capture`], with so many requests on one connection before it is closed.
pub fn write_with(out: &mut impl Write, requests: u64, per_connection: u64) -> io::Result<Written> {
    let mut file = PcapFile {
        out,
        clock_us: 1_700_000_000_000_000,
        written: Written::default(),
    };
    file.header()?;
    let mut next_port = 20_000_u16;
    let mut slots: Vec<Connection> = (0..CONNECTIONS)
        .map(|slot| Connection::new(slot, &mut next_port))
        .collect();
    for slot in &mut slots {
        slot.open(&mut file)?;
    }
    let mut turn = 0_usize;
    while file.written.requests < requests {
        let index = turn % CONNECTIONS;
        turn += 1;
        let Some(connection) = slots.get_mut(index) else {
            continue;
        };
        connection.exchange(&mut file)?;
        if connection.served == per_connection {
            connection.close(&mut file)?;
            *connection = Connection::new(index, &mut next_port);
            connection.open(&mut file)?;
        }
    }
    for slot in &mut slots {
        slot.close(&mut file)?;
    }
    Ok(file.written)
}

struct PcapFile<'a, W> {
    out: &'a mut W,
    clock_us: u64,
    written: Written,
}

impl<W: Write> PcapFile<'_, W> {
    fn header(&mut self) -> io::Result<()> {
        let mut head = Vec::with_capacity(24);
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        self.written.bytes += head.len() as u64;
        self.out.write_all(&head)
    }

    fn frame(&mut self, frame: &[u8]) -> io::Result<()> {
        self.clock_us += FRAME_STEP_US;
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let seconds = u32::try_from(self.clock_us / 1_000_000).unwrap_or(u32::MAX);
        let micros = u32::try_from(self.clock_us % 1_000_000).unwrap_or(0);
        for word in [seconds, micros, len, len] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.written.frames += 1;
        self.written.bytes += 16 + u64::from(len);
        self.out.write_all(frame)
    }
}

/// Users of the API. Each has a token, one of sixteen addresses, and looks at objects of its own and of four friends.
const USERS: u16 = 400;
const ADDRESSES: u16 = 16;

/// One end's next sequence number.
struct Connection {
    client: [u8; 4],
    port: u16,
    user: u16,
    token: String,
    client_seq: u32,
    server_seq: u32,
    served: u64,
    frame: Vec<u8>,
    message: Vec<u8>,
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PSH: u8 = 0x08;
const FIN: u8 = 0x01;

impl Connection {
    fn new(slot: usize, next_port: &mut u16) -> Self {
        let port = *next_port;
        *next_port = next_port.checked_add(1).unwrap_or(20_000);
        let user = port % USERS;
        let address = u8::try_from(user % ADDRESSES).unwrap_or(0);
        Self {
            client: [10, 80, 1, 10 + address],
            port,
            user,
            token: format!("{user:03}{}", "x".repeat(254)),
            client_seq: u32::from(port) << 16 | u32::try_from(slot).unwrap_or(0),
            server_seq: 0x7000_0000 ^ (u32::from(port) << 12),
            served: 0,
            frame: Vec::with_capacity(1600),
            message: Vec::with_capacity(32 << 10),
        }
    }

    fn open<W: Write>(&mut self, file: &mut PcapFile<'_, W>) -> io::Result<()> {
        self.send(file, true, SYN, 0..0)?;
        self.client_seq = self.client_seq.wrapping_add(1);
        self.send(file, false, SYN | ACK, 0..0)?;
        self.server_seq = self.server_seq.wrapping_add(1);
        self.send(file, true, ACK, 0..0)
    }

    fn close<W: Write>(&mut self, file: &mut PcapFile<'_, W>) -> io::Result<()> {
        self.send(file, true, FIN | ACK, 0..0)?;
        self.client_seq = self.client_seq.wrapping_add(1);
        self.send(file, false, FIN | ACK, 0..0)?;
        self.server_seq = self.server_seq.wrapping_add(1);
        self.send(file, true, ACK, 0..0)
    }

    fn exchange<W: Write>(&mut self, file: &mut PcapFile<'_, W>) -> io::Result<()> {
        let number = file.written.requests;
        file.written.requests += 1;
        self.served += 1;
        let kind = Kind::of(number);
        self.message.clear();
        kind.request(&mut self.message, self.user, &self.token, number)?;
        self.send_message(file, true)?;
        self.message.clear();
        let body_len = kind.response_head(&mut self.message, number)?;
        self.send_message(file, false)?;
        self.message.clear();
        json(&mut self.message, body_len, number)?;
        self.send_message(file, false)?;
        self.send(file, true, ACK, 0..0)
    }

    /// Sends `self.message` in segments. Long ones are acknowledged on the way, as GRO and delayed acknowledgements
    /// have it.
    fn send_message<W: Write>(&mut self, file: &mut PcapFile<'_, W>, from_client: bool) -> io::Result<()> {
        let (mut at, end) = (0, self.message.len());
        let mut segments = 0;
        while at < end {
            let to = end.min(at + SEGMENT_BYTES);
            self.send(file, from_client, if to == end { PSH | ACK } else { ACK }, at..to)?;
            let sent = u32::try_from(to - at).unwrap_or(0);
            let seq = if from_client {
                &mut self.client_seq
            } else {
                &mut self.server_seq
            };
            *seq = seq.wrapping_add(sent);
            at = to;
            segments += 1;
            if segments % SEGMENTS_PER_ACK == 0 && at < end {
                self.send(file, !from_client, ACK, 0..0)?;
            }
        }
        Ok(())
    }

    fn send<W: Write>(
        &mut self,
        file: &mut PcapFile<'_, W>,
        from_client: bool,
        flags: u8,
        payload: std::ops::Range<usize>,
    ) -> io::Result<()> {
        let (src, dst, src_port, dst_port, seq, ack) = if from_client {
            (
                self.client,
                SERVER,
                self.port,
                SERVER_PORT,
                self.client_seq,
                self.server_seq,
            )
        } else {
            (
                SERVER,
                self.client,
                SERVER_PORT,
                self.port,
                self.server_seq,
                self.client_seq,
            )
        };
        let payload = self.message.get(payload).unwrap_or(&[]);
        let ack = if flags & ACK == 0 { 0 } else { ack };
        let frame = &mut self.frame;
        frame.clear();
        frame.extend_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00]);
        let total = u16::try_from(20 + 32 + payload.len()).unwrap_or(u16::MAX);
        frame.extend_from_slice(&[0x45, 0]);
        frame.extend_from_slice(&total.to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend_from_slice(&src);
        frame.extend_from_slice(&dst);
        frame.extend_from_slice(&src_port.to_be_bytes());
        frame.extend_from_slice(&dst_port.to_be_bytes());
        frame.extend_from_slice(&seq.to_be_bytes());
        frame.extend_from_slice(&ack.to_be_bytes());
        frame.extend_from_slice(&[0x80, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
        frame.extend_from_slice(payload);
        file.frame(&self.frame)
    }
}

/// What a request asks for.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Orders,
    Report,
    Create,
    NotFound,
    Forbidden,
}

impl Kind {
    fn of(number: u64) -> Self {
        match number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0x3ff {
            0..=696 => Self::User,
            697..=880 => Self::Orders,
            881..=911 => Self::Report,
            912..=1003 => Self::Create,
            1004..=1013 => Self::NotFound,
            _ => Self::Forbidden,
        }
    }

    fn request(self, out: &mut Vec<u8>, user: u16, token: &str, number: u64) -> io::Result<()> {
        let someone = (u64::from(user) + number % 5 * 7) % u64::from(USERS);
        let (method, target, body) = match self {
            Self::User => ("GET", format!("/api/users/{someone}"), ""),
            Self::Orders => ("GET", format!("/api/users/{user}/orders"), ""),
            Self::Report => ("GET", format!("/api/reports/{}", user % 50), ""),
            Self::Create => (
                "POST",
                "/api/orders".to_owned(),
                r#"{"item":"a-7","quantity":2,"note":"leave at the door"}"#,
            ),
            Self::NotFound => ("GET", "/api/users/me/photo".to_owned(), ""),
            Self::Forbidden => ("GET", "/api/admin/users".to_owned(), ""),
        };
        write!(
            out,
            "{method} {target} HTTP/1.1\r\nHost: api.example.com\r\n\
             User-Agent: shop/5.3.1 (Android 14; Pixel 8) okhttp/4.12.0\r\nAccept: application/json\r\n\
             Accept-Encoding: identity\r\nAccept-Language: en-GB,en;q=0.9\r\n\
             Authorization: Bearer {token}\r\nX-Request-Id: {number:032x}\r\n"
        )?;
        if !body.is_empty() {
            write!(
                out,
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            )?;
        }
        write!(out, "\r\n{body}")
    }

    /// Writes the head of the response; tells the length of the body.
    fn response_head(self, out: &mut Vec<u8>, number: u64) -> io::Result<usize> {
        let (status, reason, len) = match self {
            Self::User => (200, "OK", 200),
            Self::Orders => (200, "OK", 2_000),
            Self::Report => (200, "OK", 20_000),
            Self::Create => (201, "Created", 120),
            Self::NotFound => (404, "Not Found", 60),
            Self::Forbidden => (403, "Forbidden", 60),
        };
        write!(
            out,
            "HTTP/1.1 {status} {reason}\r\nServer: nginx/1.22.1\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n\
             Content-Type: application/json\r\nContent-Length: {len}\r\n\
             Last-Modified: Tue, 14 Nov 2023 20:00:00 GMT\r\nConnection: keep-alive\r\n\
             ETag: \"{number:016x}\"\r\nAccept-Ranges: bytes\r\n\r\n"
        )?;
        Ok(len)
    }
}

/// A JSON array of `len` bytes (60 or more): objects, and a note that fills it up.
fn json(out: &mut Vec<u8>, len: usize, number: u64) -> io::Result<()> {
    /// More than the longest object and the note.
    const OBJECT: usize = 128;
    let end = out.len() + len;
    out.push(b'[');
    let mut id = number * 100;
    while out.len() + OBJECT < end {
        write!(
            out,
            r#"{{"id":{id},"state":"paid","total":"19.90","currency":"EUR","items":[{{"sku":"a-7","count":2}}]}},"#
        )?;
        id += 1;
    }
    let (head, tail) = (br#"{"note":""#, br#""}]"#);
    out.extend_from_slice(head);
    out.resize(end - tail.len(), b'n');
    out.extend_from_slice(tail);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_every_time() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let written = write_capture(&mut a, 1_000).unwrap();
        write_capture(&mut b, 1_000).unwrap();
        assert_eq!(a, b);
        assert_eq!(written.requests, 1_000);
        assert_eq!(written.bytes, a.len() as u64);
    }

    #[test]
    fn bodies_are_json_of_the_length_that_was_asked_for() {
        for len in (60..400).chain([2_000, 20_000]) {
            let mut body = Vec::new();
            json(&mut body, len, u64::from(u32::MAX)).unwrap();
            assert_eq!(body.len(), len);
            serde_json::from_slice::<serde_json::Value>(&body).unwrap();
        }
    }
}
