//! SRTP against libsrtp, in both directions, with loss, reordering and wraps.
//!
//! Not run by default: `cargo test --test srtp_libsrtp -- --ignored`, with
//! Python and Debian's package libsrtp2-1.
#![cfg(feature = "rust-crypto")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::srtp::{Config, Master, SrtpContext};
use pollrtc::wire::dtls::extension::SrtpProfile;

const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::Aes128CmSha1_32,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

struct Libsrtp {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Libsrtp {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/libsrtp.py");
        let mut child = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python is installed");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, answers }
    }

    fn ask(&mut self, line: &str) -> String {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{line}").expect("the script runs");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the script answers");
        answer.trim().to_string()
    }

    /// What libsrtp makes of a packet; `None` if it refuses.
    fn run(&mut self, what: &str, packet: &[u8]) -> Option<Vec<u8>> {
        hex::decode(self.ask(&format!("{what} {}", hex::encode(packet)))).ok()
    }
}

impl Drop for Libsrtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A packet with a CSRC, an extension and a payload.
fn packet(ssrc: u8, number: u16) -> Vec<u8> {
    let mut packet = hex::decode("91600000000003c0000000000000000abede0001107f0000").expect("hex");
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet[11] = ssrc;
    packet.extend((0..number % 300).map(|n| n.to_be_bytes()[1]));
    packet
}

#[test]
#[ignore = "needs Python and libsrtp2"]
fn libsrtp_opens_what_we_seal_and_we_open_what_it_seals() {
    let mut libsrtp = Libsrtp::start();
    for profile in PROFILES {
        let (key, salt) = ([7; 32], [9; 14]);
        let (key, salt) = (&key[..profile.key_len()], &salt[..profile.salt_len()]);
        let keys = hex::encode([key, salt].concat());
        assert_eq!(libsrtp.ask(&format!("new {profile} {keys}")), "ok");
        let master = Master::new(key, salt);
        let mut ours =
            SrtpContext::new(&PROVIDER, Config::new(profile), master, master).expect("keys");
        for ssrc in [1, 2] {
            // Twice around, with gaps, and every pair in the wrong order.
            let numbers = (0..1400_u32).map(|n| ((n ^ 1) * 97 + 60_000).to_be_bytes());
            for [_, _, high, low] in numbers {
                let plain = packet(ssrc, u16::from_be_bytes([high, low]));
                let mut sealed = Vec::new();
                assert!(ours.seal_rtp(&mut Writer::new(&mut sealed, 1500), |w| {
                    w.bytes(&plain);
                    true
                }));
                assert_eq!(
                    libsrtp.run("unprotect", &sealed).as_ref(),
                    Some(&plain),
                    "{profile}"
                );
                assert_eq!(libsrtp.run("unprotect", &sealed), None, "a replay");
                let mut theirs = libsrtp.run("protect", &plain).expect("a new number");
                assert_eq!(theirs, sealed, "the same keys, the same bytes");
                assert_eq!(
                    ours.open_rtp(&mut theirs).as_deref(),
                    Some(&plain[..]),
                    "{profile}"
                );
            }
            let report = [b"\x81\xce\x00\x02\0\0\0", &[ssrc][..], b"\0\0\0\x02"].concat();
            for _ in 0..20 {
                let mut sealed = Vec::new();
                assert!(ours.seal_rtcp(&mut Writer::new(&mut sealed, 1500), |w| {
                    w.bytes(&report);
                    true
                }));
                assert_eq!(
                    libsrtp.run("unprotect_rtcp", &sealed).as_ref(),
                    Some(&report),
                    "{profile}"
                );
                let mut theirs = libsrtp.run("protect_rtcp", &report).expect("a report");
                assert_eq!(
                    ours.open_rtcp(&mut theirs).as_deref(),
                    Some(&report[..]),
                    "{profile}"
                );
            }
        }
    }
}
