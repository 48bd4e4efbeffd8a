//! DTLS records and handshake messages (RFC 6347, RFC 5246).
