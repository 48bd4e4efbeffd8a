//! Did the other end hear us, and was it the other end (RFC 8489)?
