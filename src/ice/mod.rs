//! Which path between two peers works (RFC 8445)?
