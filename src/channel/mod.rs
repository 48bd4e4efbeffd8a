//! Which data channels are there, and in what state (RFC 8831, RFC 8832)?
