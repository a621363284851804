//! The TCP header (RFC 9293 section 3.1). Must not know connections.

use super::{Frame, Outcome, TcpView, ip::Body};

/// Bytes of the header without options.
const TCP_HEADER: u32 = 20;

/// Reads the TCP header at the start of `body`.
#[inline(always)]
pub(super) fn tcp<F: Frame + ?Sized>(frame: &F, body: &Body) -> Outcome {
    // Fourteen bytes hold all that is wanted. That the rest of the header is there follows from the lengths; in a
    // capture that was cut it may not be.
    let Some([p1, p2, q1, q2, s1, s2, s3, s4, a1, a2, a3, a4, data_offset, flags]) = frame.read(body.off)
    else {
        return Outcome::Malformed;
    };
    let header_len = u32::from(data_offset >> 4) * 4;
    if header_len < TCP_HEADER || header_len > body.len {
        return Outcome::Malformed;
    }
    Outcome::Tcp(TcpView {
        src: body.src,
        dst: body.dst,
        src_port: u16::from_be_bytes([p1, p2]),
        dst_port: u16::from_be_bytes([q1, q2]),
        seq: u32::from_be_bytes([s1, s2, s3, s4]),
        ack: u32::from_be_bytes([a1, a2, a3, a4]),
        flags,
        payload_off: body.off + header_len as usize,
        payload_len: body.len - header_len,
    })
}
