//! SCTP packets, chunks, parameters and error causes (RFC 9260).
