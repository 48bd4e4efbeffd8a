"""coturn on loopback for one scenario: UDP, TCP and TLS, long-term credentials. Standard library only."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from session import Failure


class TurnServer:
    """A server of its own, with a certificate of its own; `options` are more of coturn's."""

    realm = "interop.test"
    users = {"lab": "secret", "far": "secrecy"}

    def __init__(self, log_path, *options):
        self.log_path, self.options = log_path, options
        self.folder = tempfile.mkdtemp(prefix="pollrtc-turn-")
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = os.path.join(self.folder, "cert.pem")
        self.proc = None

    def start(self):
        key = os.path.join(self.folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", self.certificate],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        users = [f"--user={name}:{password}" for name, password in self.users.items()]
        with open(self.log_path, "wb") as log:
            self.proc = subprocess.Popen(
                ["turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers",
                 f"--listening-port={self.port}", f"--tls-listening-port={self.tls_port}", "--relay-threads=1",
                 "--lt-cred-mech", f"--realm={self.realm}", *users, "--fingerprint", "--no-cli",
                 f"--cert={self.certificate}", f"--pkey={key}", f"--pidfile={self.folder}/pid", f"--userdb={self.folder}/db",
                 "--log-file=stdout", "--verbose", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + 10
        while not all(map(listens, (self.port, self.tls_port))):
            if time.monotonic() > deadline or self.proc.poll() is not None:
                raise Failure(f"turnserver does not listen; its log: {self.log_path}")
            time.sleep(0.05)

    def environment(self):
        """What makes a peer trust the server's certificate."""
        return {"SSL_CERT_FILE": self.certificate, "CHROMIUM_FLAGS": "--ignore-certificate-errors"}

    def entry(self, *kinds, user="lab", password=None):
        """One RTCIceServer; kinds: udp, tcp, tls."""
        urls = {"udp": f"turn:127.0.0.1:{self.port}?transport=udp", "tcp": f"turn:127.0.0.1:{self.port}?transport=tcp",
                "tls": f"turns:localhost:{self.tls_port}?transport=tcp"}
        return {"urls": [urls[kind] for kind in kinds], "username": user, "credential": password or self.users[user]}

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def sessions(self, pattern):
        """The sessions in whose lines of the log the pattern occurs."""
        return set(re.findall(rf"session (\d+): [^\n]*{pattern}", self.log()))

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(3)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
