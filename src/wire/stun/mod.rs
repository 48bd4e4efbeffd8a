//! STUN messages and attributes (RFC 8489).
