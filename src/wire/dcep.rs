//! Data channel establishment messages (RFC 8832).
