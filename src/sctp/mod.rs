//! How do messages arrive reliably, or as reliably as asked (RFC 9260)?
