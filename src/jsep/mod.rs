//! What do two descriptions agree on (RFC 8829, RFC 3264)?
