//! What the HTTP stage has read and what it could not, by reason. Must not know who asks.

/// Declares a struct of `u64` counters together with the list of their names, so that none can be forgotten.
macro_rules! counters {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl $name {
            /// Every counter with its stable name.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }

            /// Adds the counts of another reader.
            pub fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

counters! {
    /// Counters of the HTTP stage. Bytes of HTTP messages that were read are not counted here; each loss is.
    pub struct HttpStats {
        /// Transactions given out.
        transactions,
        /// Of these, without a response.
        unanswered,
        /// Responses whose request was not seen or cannot be told.
        orphan_responses,
        /// Of these, answers to requests that could not be read because of how they were written.
        unread_requests,
        /// Interim responses (1xx other than 101).
        interim_responses,
        /// Requests that began and then turned out not to be any.
        abandoned_requests,
        /// Bytes of connections that do not speak HTTP.
        not_http_bytes,
        /// Bytes of HTTP/2 connections with prior knowledge.
        http2_bytes,
        /// Bytes of the PROXY protocol before the first request.
        proxy_bytes,
        /// Bytes behind an Upgrade or CONNECT.
        tunnel_bytes,
        /// Bytes that were not parsed because framing before them was ambiguous or broken.
        blind_bytes,
        /// Bytes behind a hole or a late join, up to the next certain message boundary.
        unsynced_bytes,
        /// Bytes known to be missing.
        gap_bytes,
        /// Connections whose next bytes were not parsed because a limit of this stage was reached.
        shed_connections,
        /// Requests given out early, without their response, because a limit was reached.
        shed_requests,
    }
}
