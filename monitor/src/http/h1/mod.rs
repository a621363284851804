//! HTTP/1.x messages of one direction (RFC 9112). Must not know about the other direction's messages or about TCP.

pub(crate) mod body;
pub(crate) mod chunked;
pub(crate) mod facts;
pub(crate) mod former;
pub(crate) mod framing;
pub(crate) mod gather;
pub(crate) mod head;
pub(crate) mod in_place;
pub(crate) mod lenient;
pub(crate) mod line;
pub(crate) mod search;
pub(crate) mod side;
