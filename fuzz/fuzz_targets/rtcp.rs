//! A datagram of RTCP packets, and everything that they list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Reader;
use pollrtc::wire::rtcp::extended::Block;
use pollrtc::wire::rtcp::{Compound, Packet};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|bytes: &[u8]| {
    let Ok(compound) = Compound::parse(&mut Reader::new(bytes)) else {
        return;
    };
    assert!(!compound.to_string().contains('\n'));
    for packet in compound.packets().flatten() {
        let again = emitted(packet.encoded_len(), |w| packet.emit(w));
        same(Packet::parse(&mut Reader::new(&again)).unwrap(), packet);
        match packet {
            Packet::TransportFeedback(feedback) => {
                assert!(feedback.arrivals().count() <= feedback.count.into());
            }
            Packet::ExtendedReport(report) => {
                for block in report.blocks().flatten() {
                    if let Block::Losses(losses) = block {
                        assert!(losses.packets().count() <= usize::from(u16::MAX));
                    }
                }
            }
            Packet::Nack(nack) => assert!(nack.lost().count() >= nack.pairs.len()),
            _ => {}
        }
    }
});
