//! How do DTLS 1.2 peers agree on keys and protect datagrams (RFC 6347)?
