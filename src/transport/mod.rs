//! Who sits on whom? ICE below DTLS: the open and seal chain.
