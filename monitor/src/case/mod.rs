//! Stage 6: findings to cases, one open case per (detector, actor, endpoint). Must not know about leases.
