//! DTLS against the `openssl` program, over the loopback interface, in both roles.
//!
//! Not run by default: `cargo test --test dtls_openssl -- --ignored`.
#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and no alloc unless it asks"
)]

use std::io::{BufRead, BufReader, Write};
#[expect(clippy::disallowed_types, reason = "a test against a real program")]
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{CloseReason, DtlsConfig, DtlsTransport, Event, Role, SrtpKeys};
use pollrtc::rng::Rng;
use pollrtc::time::Clock;
use pollrtc::wire::dtls::extension::SrtpProfile;

const PROFILES: &str = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

/// Ends the program whatever becomes of the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A key and a certificate for the program, in files of a directory of their own.
fn pem(test: &str) -> (PathBuf, PathBuf) {
    let directory = std::env::temp_dir().join(format!("pollrtc-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("temporary directory");
    let (key, certificate) = (directory.join("key.pem"), directory.join("cert.pem"));
    let status = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(' '))
        .args(["-subj", "/CN=test", "-days", "10", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .expect("openssl is installed");
    assert!(status.success());
    (key, certificate)
}

fn openssl(arguments: &str, (key, certificate): (&Path, &Path)) -> Program {
    let child = Command::new("openssl")
        .args(arguments.split(' '))
        .arg("-key")
        .arg(key)
        .arg("-cert")
        .arg(certificate)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    Program(child)
}

#[expect(clippy::disallowed_types, reason = "a test against a real program")]
struct End {
    dtls: DtlsTransport,
    socket: UdpSocket,
    clock: Clock,
    data: Vec<Vec<u8>>,
    is_connected: bool,
    srtp: Option<SrtpKeys>,
    closed: Option<CloseReason>,
}

impl End {
    #[expect(clippy::disallowed_types, reason = "a test against a real program")]
    fn new(role: Role) -> Self {
        let rng = &mut Rng::from_os().expect("entropy");
        let options = CertificateOptions {
            common_name: "pollrtc".into(),
            not_before: 1_700_000_000,
            not_after: 4_000_000_000,
        };
        let certificate = Certificate::generate(&PROVIDER, rng, &options).expect("valid options");
        let config = DtlsConfig {
            srtp_profiles: vec![SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm],
            ..DtlsConfig::new(&PROVIDER, Arc::new(certificate))
        };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        Self {
            dtls: DtlsTransport::new(config, role, rng),
            socket,
            clock: Clock::start(),
            data: Vec::new(),
            is_connected: false,
            srtp: None,
            closed: None,
        }
    }

    /// Runs until `done`, at most ten seconds.
    fn run(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let now = self.clock.now();
            assert!(
                now.as_millis() < 10_000,
                "{:?} {:?}",
                self.dtls,
                self.closed
            );
            self.dtls.handle_timeout(now);
            let mut buf = Vec::new();
            while self
                .dtls
                .poll_transmit(now, &mut Writer::new(&mut buf, 1200))
            {
                let _ = self.socket.send(&buf);
                buf.clear();
            }
            while let Some(event) = self.dtls.poll_event() {
                match event {
                    Event::PeerCertificate(_) => self.dtls.accept_peer(),
                    Event::Connected { srtp } => (self.is_connected, self.srtp) = (true, srtp),
                    Event::Closed(reason) => self.closed = Some(reason),
                    _ => {}
                }
            }
            self.receive();
        }
    }

    fn receive(&mut self) {
        let mut buf = [0; 2048];
        let wait = Duration::from_millis(10);
        self.socket.set_read_timeout(Some(wait)).expect("not zero");
        if let Ok((len, from)) = self.socket.recv_from(&mut buf) {
            self.socket.connect(from).expect("loopback");
            let mut rest = &mut buf[..len];
            while let Some(data) = self.dtls.open(self.clock.now(), &mut rest) {
                self.data.push(data.to_vec());
            }
        }
    }

    fn say(&mut self, data: &[u8]) {
        let mut buf = Vec::new();
        let sealed = self.dtls.seal(&mut Writer::new(&mut buf, 1200), |w| {
            w.bytes(data);
            true
        });
        assert!(sealed);
        self.socket.send(&buf).expect("loopback");
    }
}

/// As a client: cookie exchange, mutual certificates, SRTP keys, data both ways.
#[test]
#[ignore = "needs the openssl program"]
fn client_talks_with_openssl() {
    let (key, certificate) = pem("client");
    let mut end = End::new(Role::Client);
    let probe = End::new(Role::Client);
    let port = probe.socket.local_addr().expect("bound").port();
    drop(probe);
    let arguments =
        format!("s_server -dtls1_2 -listen -4 -port {port} -Verify 1 -use_srtp {PROFILES} -quiet");
    let mut server = openssl(&arguments, (&key, &certificate));
    end.socket.connect(("127.0.0.1", port)).expect("loopback");
    end.run(|end| end.is_connected);
    assert_eq!(
        end.srtp.as_ref().map(|keys| keys.profile),
        Some(SrtpProfile::AeadAes128Gcm)
    );
    end.say(b"hello from a client\n");
    let mut lines = BufReader::new(server.0.stdout.take().expect("piped")).lines();
    let line = lines.next().expect("a line").expect("text");
    assert_eq!(line, "hello from a client");
    let stdin = server.0.stdin.as_mut().expect("piped");
    stdin.write_all(b"hello from openssl\n").expect("open");
    end.run(|end| !end.data.is_empty());
    assert_eq!(end.data, [b"hello from openssl\n".to_vec()]);
    end.dtls.close(CloseReason::Requested);
    end.run(|end| end.closed.is_some());
}

/// As a server; and the exporter gives what openssl's gives.
#[test]
#[ignore = "needs the openssl program"]
fn server_talks_with_openssl() {
    let (key, certificate) = pem("server");
    let mut end = End::new(Role::Server);
    let port = end.socket.local_addr().expect("bound").port();
    let arguments = format!(
        "s_client -dtls1_2 -4 -connect 127.0.0.1:{port} -use_srtp {PROFILES} \
         -keymatexport EXTRACTOR-dtls_srtp -keymatexportlen 60"
    );
    let arguments = arguments.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut client = openssl(&arguments, (&key, &certificate));
    end.run(|end| end.is_connected);
    assert_eq!(
        end.srtp.as_ref().map(|keys| keys.profile),
        Some(SrtpProfile::Aes128CmSha1_80)
    );
    let mut material = [0; 60];
    let exported = end
        .dtls
        .export_keying_material("EXTRACTOR-dtls_srtp", None, &mut material);
    assert_eq!(exported, Ok(()));
    let stdin = client.0.stdin.as_mut().expect("piped");
    stdin.write_all(b"hello from openssl\n").expect("open");
    end.run(|end| !end.data.is_empty());
    assert_eq!(end.data, [b"hello from openssl\n".to_vec()]);
    end.say(b"hello from a server\n");
    let mut stdout = BufReader::new(client.0.stdout.take().expect("piped"));
    let mut output = String::new();
    while !output.contains("hello from a server") {
        let len = stdout.read_line(&mut output).expect("text");
        assert_ne!(len, 0, "{output}");
    }
    drop(client.0.stdin.take());
    end.run(|end| end.closed.is_some());
    assert_eq!(end.closed, Some(CloseReason::ByPeer));
    let material: String = material.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(output.contains(&material), "{output}");
}
