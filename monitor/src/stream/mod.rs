//! Stage 2: TCP segments to ordered stream events. Must not know about HTTP.
