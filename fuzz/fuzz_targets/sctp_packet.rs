//! An SCTP packet: its chunks, their parameters and causes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Reader;
use pollrtc::wire::sctp::{Chunk, Packet, checksum_is_valid};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|bytes: &[u8]| {
    let mut copy = bytes.to_vec();
    let _ = checksum_is_valid(&mut copy, true);
    assert_eq!(copy, bytes, "the check leaves the packet as it was");

    let Ok(packet) = Packet::parse(&mut Reader::new(bytes)) else {
        return;
    };
    let mut again = emitted(packet.encoded_len(), |w| packet.emit(w));
    assert!(checksum_is_valid(&mut again, false));
    same(Packet::parse(&mut Reader::new(&again)).unwrap(), packet);
    for chunk in packet.chunks().flatten() {
        let bytes = emitted(chunk.encoded_len(), |w| chunk.emit(w));
        same(Chunk::parse(&mut Reader::new(&bytes)).unwrap(), chunk);
    }
});
