//! What SCTP costs: packets parsed and written, and bulk data through two
//! associations with nothing between them.

use core::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::cursor::{Reader, Writer};
use pollrtc::rng::Rng;
use pollrtc::sctp::{Ppid, SctpAssociation, SctpConfig, SendError, SendOptions, StreamId};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::timer::earliest;
use pollrtc::wire::sctp::chunk::Data;
use pollrtc::wire::sctp::{Chunk, Header, Packet, checksum_is_valid, write_checksum};

/// Two associations and the packets that travel at once.
struct Pair {
    a: SctpAssociation,
    b: SctpAssociation,
    now: Instant,
    packet: Vec<u8>,
}

impl Pair {
    fn new(config: &SctpConfig) -> Self {
        let mut rng = Rng::from_number(1);
        let mut pair = Self {
            a: SctpAssociation::new(config.clone(), &mut rng),
            b: SctpAssociation::new(config.clone(), &mut rng),
            now: Instant::ZERO,
            packet: Vec::with_capacity(2048),
        };
        pair.a.connect();
        while pair.exchange() {}
        pair
    }

    /// Delivers all that wants to go, in turns. `false` if nothing did.
    fn exchange(&mut self) -> bool {
        let mut moved = false;
        loop {
            let sent = deliver(&mut self.a, &mut self.b, self.now, &mut self.packet)
                | deliver(&mut self.b, &mut self.a, self.now, &mut self.packet);
            if !sent {
                return moved;
            }
            moved = true;
        }
    }

    /// Sends `total` bytes in messages of `size`, and takes them.
    fn transfer(&mut self, message: &Bytes, total: usize) {
        let (mut sent, mut received) = (0, 0);
        while received < total {
            while sent < total {
                let options = SendOptions::default();
                match self
                    .a
                    .send(self.now, StreamId(1), Ppid(53), options, message.clone())
                {
                    Ok(()) => sent += message.len(),
                    Err(SendError::Full) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            let mut moved = deliver(&mut self.a, &mut self.b, self.now, &mut self.packet);
            while let Some(message) = self.b.take_message() {
                received += message.data.len();
            }
            moved |= deliver(&mut self.b, &mut self.a, self.now, &mut self.packet);
            if !moved {
                let timeout = earliest(self.a.poll_timeout(), self.b.poll_timeout());
                self.now = timeout.expect("a side that waits says for how long");
                self.a.handle_timeout(self.now);
                self.b.handle_timeout(self.now);
            }
            while self.a.poll_event().is_some() {}
        }
    }
}

fn deliver(
    from: &mut SctpAssociation,
    to: &mut SctpAssociation,
    now: Instant,
    packet: &mut Vec<u8>,
) -> bool {
    packet.clear();
    let sent = from.poll_transmit(now, &mut Writer::new(packet, 1163));
    if sent {
        to.handle_input(now, packet);
    }
    sent
}

fn wire(c: &mut Criterion) {
    let payload = [7; 1120];
    let data = Data {
        tsn: Serial32(7),
        stream: StreamId(1),
        ssn: Serial16(3),
        ppid: Ppid(53),
        unordered: false,
        beginning: true,
        ending: true,
        immediate: false,
        payload: &payload,
    };
    let header = Header {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: 9,
    };
    let mut buf = Vec::with_capacity(2048);
    let mut group = c.benchmark_group("sctp packet");
    group.bench_function("emit", |b| {
        b.iter(|| {
            buf.clear();
            let mut w = Writer::new(&mut buf, 1200);
            header.emit(&mut w);
            black_box(&data).emit(&mut w);
            write_checksum(&mut w, 0);
            black_box(w.len())
        });
    });
    group.bench_function("parse", |b| {
        b.iter(|| {
            assert!(checksum_is_valid(black_box(&mut buf), false));
            let packet = Packet::parse(&mut Reader::new(&buf)).expect("it was written so");
            packet
                .chunks()
                .map(|chunk| match chunk {
                    Ok(Chunk::Data(data)) => data.payload.len(),
                    _ => 0,
                })
                .sum::<usize>()
        });
    });
    group.finish();
}

fn bulk(c: &mut Criterion) {
    let mut group = c.benchmark_group("sctp bulk");
    group.sample_size(20);
    let total = 16 << 20;
    for (size, zero_checksum) in [
        (100, true),
        (16 << 10, true),
        (16 << 10, false),
        (64 << 10, true),
    ] {
        let config = SctpConfig {
            zero_checksum,
            ..SctpConfig::default()
        };
        let message = Bytes::from(vec![7; size]);
        let total = if size < 1000 { total / 16 } else { total };
        group.throughput(Throughput::Bytes(total as u64));
        let label = if zero_checksum {
            "zero checksum"
        } else {
            "checksum"
        };
        group.bench_with_input(BenchmarkId::new(label, size), &size, |b, _| {
            let mut pair = Pair::new(&config);
            b.iter(|| pair.transfer(&message, total));
        });
    }
    group.finish();
}

criterion_group!(benches, wire, bulk);
criterion_main!(benches);
