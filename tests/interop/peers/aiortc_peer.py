#!/usr/bin/env python3
"""aiortc as a peer. Needs the package aiortc."""
import asyncio
import hashlib
import json
import os
import re
import struct
import sys
import time

import aioice.ice
import aiortc
from aiortc import (RTCConfiguration, RTCDataChannel, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection,
                    RTCSessionDescription)
from aiortc.sdp import candidate_from_sdp

# One address, the loopback one if nothing else is said: aioice leaves it out of its own list.
aioice.ice.get_host_addresses = lambda use_ipv4=True, use_ipv6=True: [os.environ.get("INTEROP_ADDRESS", "127.0.0.1")]

FEATURES = ["dc", "empty", "max_life", "close_channel", "dtls_role", "relay", "relay_tcp", "relay_tls",
            "mdns", "stats"]


def emit(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def content(kind, seed, size):
    if kind == "text":
        block = "".join(chr(33 + (seed + i) % 94) for i in range(94))
        return (block * (size // 94 + 1))[:size]
    block = bytes((seed + i) % 251 for i in range(251))
    return (block * (size // 251 + 1))[:size]


class Channel:
    def __init__(self, peer, dc):
        self.dc = dc
        self.wait = None
        self.messages = self.size = self.dup = self.ooo = 0
        self.top, self.seen, self.sha = -1, set(), hashlib.sha256()
        self.first = self.last = 0.0
        label = dc.label
        dc.on("open", lambda: emit(event="channel_state", label=label, value="open"))
        dc.on("closing", lambda: emit(event="channel_state", label=label, value="closing"))
        dc.on("close", lambda: emit(event="channel_state", label=label, value="closed"))
        dc.on("message", lambda data: peer.incoming(self, data))
        if dc.readyState == "open":
            emit(event="channel_state", label=label, value="open")

    def sink(self, raw, binary):
        self.last = time.monotonic()
        if not self.messages:
            self.first = self.last
        self.messages += 1
        self.size += len(raw)
        self.sha.update(raw)
        if binary and len(raw) >= 4:
            i = struct.unpack(">I", raw[:4])[0]
            self.dup += i in self.seen
            self.seen.add(i)
            self.ooo += i < self.top
            self.top = max(self.top, i)


class Peer:
    def __init__(self):
        self.channels = {}
        self.mode = "report"
        self.tasks = set()

    def incoming(self, ch, data):
        if ch.wait:
            ch.wait(data)
            return
        if self.mode == "echo":
            ch.dc.send(data)
            return
        text = isinstance(data, str)
        raw = data.encode() if text else data
        if self.mode == "sink":
            ch.sink(raw, not text)
            return
        extra = {"text": data} if text and len(raw) <= 256 else {}
        emit(event="message", label=ch.dc.label, kind="text" if text else "binary", size=len(raw),
             sha256=hashlib.sha256(raw).hexdigest(), **extra)

    def adopt(self, dc):
        self.channels[dc.label] = Channel(self, dc)

    async def drain(self, dc, high):
        while dc.bufferedAmount > high:
            if dc.readyState != "open":
                raise RuntimeError("channel is " + dc.readyState)
            await asyncio.sleep(0.002)

    async def init(self, c):
        servers = [RTCIceServer(urls=s["urls"], username=s.get("username"), credential=s.get("credential"))
                   for s in c.get("ice_servers") or []]
        policy = RTCIceTransportPolicy(c.get("ice_transport_policy") or "all")
        pc = self.pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, iceTransportPolicy=policy))
        for which, name in (("ice", "iceConnectionState"), ("connection", "connectionState"),
                            ("signaling", "signalingState"), ("gathering", "iceGatheringState")):
            pc.on(name.lower() + "change",
                  lambda which=which, name=name: emit(event="state", which=which, value=getattr(pc, name)))

        @pc.on("datachannel")
        def on_channel(dc: RTCDataChannel):
            emit(event="channel", label=dc.label, ordered=dc.ordered, max_retransmits=dc.maxRetransmits,
                 max_packet_life_time=dc.maxPacketLifeTime, protocol=dc.protocol, sid=dc.id)
            self.adopt(dc)

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def create_channel(self, c):
        options = {"ordered": c.get("ordered", True), "protocol": c.get("protocol", ""),
                   "maxRetransmits": c.get("max_retransmits"), "maxPacketLifeTime": c.get("max_packet_life_time")}
        if c.get("negotiated"):
            options.update(negotiated=True, id=c["sid"])
        self.adopt(self.pc.createDataChannel(c["label"], **options))

    async def set_mode(self, c):
        self.mode = c["mode"]

    async def offer(self, c):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.local()

    async def answer(self, c):
        if c.get("setup"):  # createAnswer keeps a role that is set already
            self.pc.sctp.transport._role = {"active": "client", "passive": "server"}[c["setup"]]
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.local()

    def local(self):
        d = self.pc.localDescription
        return {"event": "local_description", "type": d.type, "sdp": d.sdp}

    async def set_remote(self, c):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=c["sdp"], type=c["type"]))

    async def candidate(self, c):
        if not c.get("candidate"):
            await self.pc.addIceCandidate(None)
            return
        k = candidate_from_sdp(c["candidate"].split(":", 1)[1])
        if not re.fullmatch(r"[0-9.]+|.*\.local", k.ip):
            return  # no IPv6 socket here
        k.sdpMid, k.sdpMLineIndex = c.get("sdp_mid"), c.get("sdp_mline_index")
        await self.pc.addIceCandidate(k)

    async def send(self, c):
        self.channels[c["label"]].dc.send(c["text"] if c.get("text") is not None
                                          else content(c["kind"], c.get("seed", 0), c["size"]))

    async def echo_run(self, c):
        ch, plan, window = self.channels[c["label"]], c["messages"], c.get("window", 8)
        got = bad = sent = 0
        wake = asyncio.Event()
        start = time.monotonic()

        def on_message(data):
            nonlocal got, bad
            kind, size = plan[got]
            bad += content(kind, got, size) != data
            got += 1
            wake.set()
        ch.wait = on_message
        while got < len(plan):
            while sent < len(plan) and sent - got < window:
                kind, size = plan[sent]
                ch.dc.send(content(kind, sent, size))
                sent += 1
            wake.clear()
            try:
                await asyncio.wait_for(wake.wait(), 1)
            except asyncio.TimeoutError:
                if ch.dc.readyState != "open":
                    break
        ch.wait = None
        return {"event": "echo_done", "received": got, "mismatches": bad, "elapsed_ms": (time.monotonic() - start) * 1000}

    async def bulk_send(self, c):
        dc, sha, start = self.channels[c["label"]].dc, hashlib.sha256(), time.monotonic()
        for k, at in enumerate(range(0, c["bytes"], c["chunk"])):
            m = content("binary", k, min(c["chunk"], c["bytes"] - at))
            sha.update(m)
            await self.drain(dc, 1 << 20)
            dc.send(m)
        await self.drain(dc, 0)
        return {"event": "bulk_sent", "bytes": c["bytes"], "sha256": sha.hexdigest(), "elapsed_ms": (time.monotonic() - start) * 1000}

    async def burst(self, c):
        dc = self.channels[c["label"]].dc
        for i in range(c["count"]):
            await self.drain(dc, 1 << 20)
            dc.send(struct.pack(">I", i) + bytes(c["size"] - 4))
            if c.get("interval_ms"):
                await asyncio.sleep(c["interval_ms"] / 1000)

    async def sink_report(self, c):
        ch = self.channels[c["label"]]
        return {"event": "sink", "messages": ch.messages, "bytes": ch.size, "sha256": ch.sha.hexdigest(),
                "elapsed_ms": (ch.last - ch.first) * 1000, "unique": len(ch.seen), "duplicates": ch.dup, "out_of_order": ch.ooo}

    async def close_channel(self, c):
        self.channels[c["label"]].dc.close()

    async def close(self, c):
        await self.pc.close()

    async def stats(self, c):
        pc = self.pc
        out = {"event": "stats", "ice_state": pc.iceConnectionState, "connection_state": pc.connectionState,
               "signaling_state": pc.signalingState, "dtls_version": None, "dtls_cipher": None, "dtls_role": None,
               "selected_pair": None, "data": []}
        dtls = pc.sctp.transport if pc.sctp else None
        if dtls:
            if ssl := getattr(dtls, "_ssl", None):
                out["dtls_version"] = (ssl.get_protocol_version_name() or "").replace("DTLSv", "") or None
                out["dtls_cipher"] = ssl.get_cipher_name()
            out["dtls_role"] = dtls._role
            if pair := dtls.transport._connection._nominated.get(1):
                out["selected_pair"] = {
                    side: {"type": k.type, "ip": k.host, "port": k.port, "protocol": k.transport.lower()}
                    for side, k in (("local", pair.local_candidate), ("remote", pair.remote_candidate))}
        for label, ch in self.channels.items():
            out["data"].append({"label": label, "state": ch.dc.readyState, "sent": None, "received": None})
        return out

    COMMANDS = {"init", "create_channel", "mode", "offer", "answer", "set_remote",
                "candidate", "send", "echo_run", "bulk_send", "burst", "sink_report", "close_channel", "close", "stats"}

    async def handle(self, c):
        try:
            if c["cmd"] not in self.COMMANDS:
                raise RuntimeError("unknown command " + c["cmd"])
            answer = await getattr(self, {"mode": "set_mode"}.get(c["cmd"], c["cmd"]))(c) or {"event": "ok"}
            emit(id=c.get("id"), **answer)
        except Exception as e:  # every failure is an answer
            emit(event="error", id=c.get("id"), message=f"{type(e).__name__}: {e}")


async def main():
    peer = Peer()
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    emit(event="ready", protocol=1, peer="aiortc", version=aiortc.__version__, features=FEATURES)
    while line := await reader.readline():
        if not line.strip():
            continue
        c = json.loads(line)
        if c["cmd"] == "quit":
            break
        peer.spawn(peer.handle(c))
    if getattr(peer, "pc", None):
        await asyncio.wait_for(peer.pc.close(), 1.5)


if __name__ == "__main__":
    asyncio.run(main())
