//! An RTP packet: its header, its extensions by every meaning, and changes in place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Reader;
use pollrtc::wire::rtp::extension::{DependencyDescriptor, Extension, Kind};
use pollrtc::wire::rtp::{HeaderMut, Packet, Ssrc};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = Packet::parse(&mut Reader::new(bytes)) else {
        return;
    };
    let again = emitted(packet.encoded_len(), |w| packet.emit(w));
    same(Packet::parse(&mut Reader::new(&again)).unwrap(), packet);
    let elements = packet
        .header
        .extensions
        .iter()
        .flat_map(|block| block.elements());
    for element in elements.clone() {
        for &kind in Kind::ALL {
            let Ok(extension) = Extension::parse(kind, &mut Reader::new(element.value)) else {
                continue;
            };
            let value = emitted(extension.encoded_len(), |w| extension.emit(w));
            same(
                Extension::parse(kind, &mut Reader::new(&value)).unwrap(),
                extension,
            );
        }
        if let Ok(descriptor) = DependencyDescriptor::parse(&mut Reader::new(element.value)) {
            if let Ok(Some(structure)) = descriptor.structure() {
                let _ = descriptor.frame(&structure);
            }
        }
    }
    let mut changed = bytes.to_vec();
    let mut header = HeaderMut::new(&mut changed).unwrap();
    header.set_ssrc(Ssrc(7));
    let found: Vec<_> = header
        .elements_mut()
        .map(|e| (e.id, e.value.to_vec()))
        .collect();
    assert!(elements.map(|e| (e.id, e.value.to_vec())).eq(found));
    let changed = Packet::parse(&mut Reader::new(&changed)).unwrap();
    assert_eq!(
        (changed.header.ssrc, changed.payload),
        (Ssrc(7), packet.payload)
    );
});
