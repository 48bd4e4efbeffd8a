//! A datagram of DTLS records.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Reader;
use pollrtc::wire::dtls::{Alert, Datagram, Record, RecordHeader};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|datagram: &[u8]| {
    let _ = Datagram(datagram).to_string();
    let mut reader = Reader::new(datagram);
    let mut copy = datagram.to_vec();
    let mut rest = &mut copy[..];
    while let Ok(record) = Record::parse(&mut reader) {
        let bytes = emitted(record.encoded_len(), |w| record.emit(w));
        same(Record::parse(&mut Reader::new(&bytes)).unwrap(), record);

        // The way of the machine, in place, finds the same records.
        let (header, content) = RecordHeader::split_first(&mut rest).unwrap();
        assert_eq!((header, &*content), (record.header, record.content));

        if let Ok(alert) = Alert::parse(&mut Reader::new(record.content)) {
            let bytes = emitted(alert.encoded_len(), |w| alert.emit(w));
            same(Alert::parse(&mut Reader::new(&bytes)).unwrap(), alert);
        }
    }
    assert!(RecordHeader::split_first(&mut rest).is_err());
});
