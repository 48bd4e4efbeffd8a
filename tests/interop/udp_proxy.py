"""A UDP path that loses, delays, reorders, duplicates or throttles, between two peers on loopback.

`Proxy.map(ip, port)` returns a port on 127.0.0.1 that stands for that candidate; give the far side that
port instead. For each source that sends to it the proxy opens one more socket, so the peer behind it
sees one address per source (a peer-reflexive candidate), and its answers take the same way back.
"""
import heapq
import itertools
import random
import re
import selectors
import socket
import threading
import time

CANDIDATE = re.compile(r"(candidate:\S+ \d+ [uU][dD][pP] \d+ )(\S+) (\d+)( typ \S+)")


class Proxy:
    """loss, dup, reorder: shares (0 to 1). delay_ms, jitter_ms: for each packet. rate_kbit: 0 for no limit."""

    def __init__(self, loss=0.0, delay_ms=0.0, jitter_ms=0.0, reorder=0.0, dup=0.0, rate_kbit=0, seed=1):
        self.loss, self.delay, self.jitter = loss, delay_ms / 1000, jitter_ms / 1000
        self.reorder, self.dup, self.rate = reorder, dup, rate_kbit * 125.0
        self.random = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.fronts, self.queue, self.count = {}, [], itertools.count()
        self.busy_until = {}
        self.stats = {"packets": 0, "dropped": 0, "reordered": 0, "duplicated": 0, "bytes": 0}
        self.blocked = False
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _socket(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.bind(("127.0.0.1", 0))
        s.setblocking(False)
        return s

    def map(self, ip, port):
        with self.lock:
            if (ip, port) not in self.fronts:
                front = self._socket()
                self.fronts[ip, port] = front
                self.selector.register(front, selectors.EVENT_READ, ("front", (ip, port), {}))
            return self.fronts[ip, port].getsockname()[1]

    def rewrite(self, text):
        """Every UDP host candidate of this machine in the text, through the proxy; other candidates left out."""
        out = []
        for line in text.split("\n"):
            m = CANDIDATE.search(line)
            if m is None:
                if "candidate:" not in line or "end-of" in line:
                    out.append(line)
            elif m.group(2) == "127.0.0.1" and " typ host" in line:
                port = self.map(m.group(2), int(m.group(3)))
                out.append(line.replace(m.group(0), f"{m.group(1)}127.0.0.1 {port}{m.group(4)}"))
        return "\n".join(out)

    def _forward(self, out, data, to):
        s = self.stats
        s["packets"] += 1
        s["bytes"] += len(data)
        if self.blocked or self.random.random() < self.loss:
            s["dropped"] += 1
            return
        now = time.monotonic()
        at = now + self.delay + self.random.random() * self.jitter
        if self.rate:
            start = max(now, self.busy_until.get(out, 0))
            if start - now > 0.5:  # half a second of queue, then tail drop
                s["dropped"] += 1
                return
            self.busy_until[out] = start + len(data) / self.rate
            at = max(at, self.busy_until[out] + self.delay)
        if self.random.random() < self.reorder:
            s["reordered"] += 1
            at += 0.02
        copies = 1
        if self.random.random() < self.dup:
            s["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            if at <= now:
                self._send(out, data, to)
            else:
                heapq.heappush(self.queue, (at, next(self.count), out, data, to))

    @staticmethod
    def _send(out, data, to):
        try:
            out.sendto(data, to)
        except OSError:
            pass

    def _run(self):
        while self.running:
            wait = 0.05
            if self.queue:
                wait = max(0.0, min(wait, self.queue[0][0] - time.monotonic()))
            for key, _ in self.selector.select(wait):
                kind, there, table = key.data
                for _ in range(64):
                    try:
                        data, source = key.fileobj.recvfrom(65536)
                    except OSError:
                        break
                    if kind == "back":
                        self._forward(table, data, there)  # table is the front's socket, there the source
                        continue
                    with self.lock:
                        if source not in table:
                            table[source] = self._socket()
                            self.selector.register(table[source], selectors.EVENT_READ, ("back", source, key.fileobj))
                    self._forward(table[source], data, there)
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, out, data, to = heapq.heappop(self.queue)
                self._send(out, data, to)

    def stop(self):
        self.running = False
        self.thread.join(1)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
