"""Two peer processes, and the signaling between them. See PROTOCOL.md. Standard library only."""
import asyncio
import json
import os
import re
import signal
import subprocess
import time


class Failure(Exception):
    """The scenario is not fulfilled, and why."""


class KnownGap(Exception):
    """The foreign peer cannot do what the scenario needs; scenarios.KNOWN_GAPS says so."""


def check(condition, why):
    if not condition:
        raise Failure(why)


class Peer:
    """One process that speaks the protocol."""

    def __init__(self, name, command, role, log):
        self.name, self.command, self.role, self.log = name, command, role, log
        self.events, self.waiters, self.replies, self.next_id = [], [], {}, 0
        self.on_candidate, self.dead, self.proc = None, False, None

    def __str__(self):
        return f"{self.name} ({self.role})"

    async def start(self, environment):
        self.proc = await asyncio.create_subprocess_exec(
            *self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **environment}, limit=1 << 26, start_new_session=True)
        self.task = asyncio.ensure_future(self._read())
        ready = await self.wait(lambda e: e["event"] == "ready", 60, "ready")
        self.features, self.version = set(ready["features"]), ready["version"]
        self.max_message = ready.get("max_message", 1 << 30)
        self.remark, self.codecs = ready.get("remark"), ready.get("video_codecs", [])

    def _note(self, mark, line):
        self.log.write(f"{time.monotonic():.3f} {self.role} {self.name} {mark} {line[:4000]}\n".encode())
        self.log.flush()

    async def _read(self):
        while line := await self.proc.stdout.readline():
            text = line.decode(errors="replace").strip()
            self._note("<", text)
            try:
                self._on_event(json.loads(text))
            except ValueError:
                continue
        self.dead = True
        for future in list(self.replies.values()) + [w[1] for w in self.waiters]:
            if not future.done():
                future.set_exception(Failure(f"{self} exited"))

    def _on_event(self, event):
        if event.get("id") in self.replies:
            future = self.replies.pop(event["id"])
            if not future.done():
                future.set_result(event)
            return
        self.events.append(event)
        if event["event"] == "candidate" and self.on_candidate:
            self.on_candidate(event)
        for test, future in list(self.waiters):
            if not future.done() and test(event):
                future.set_result(event)

    async def ask(self, cmd, timeout=30, **fields):
        """Sends a command and returns its answer."""
        check(not self.dead, f"{self} exited")
        self.next_id += 1
        line = json.dumps({"cmd": cmd, "id": self.next_id, **fields})
        self._note(">", line)
        future = self.replies[self.next_id] = asyncio.get_running_loop().create_future()
        self.proc.stdin.write(line.encode() + b"\n")
        try:
            event = await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            raise Failure(f"{self} gave no answer to {cmd} in {timeout} s") from None
        check(event["event"] != "error", f"{self} {cmd}: {event.get('message')}")
        return event

    async def wait(self, test, timeout, what):
        """The first event, past or to come, for which `test` holds."""
        for event in self.events:
            if test(event):
                return event
        check(not self.dead, f"{self} exited")
        waiter = (test, asyncio.get_running_loop().create_future())
        self.waiters.append(waiter)
        try:
            return await asyncio.wait_for(waiter[1], timeout)
        except asyncio.TimeoutError:
            raise Failure(f"{self}: no {what} in {timeout} s") from None
        finally:
            self.waiters.remove(waiter)

    async def channel_state(self, label, value, timeout=20):
        await self.wait(lambda e: e["event"] == "channel_state" and e["label"] == label and e["value"] == value,
                        timeout, f"channel {label} {value}")

    async def state(self, which, *values, timeout=20):
        await self.wait(lambda e: e["event"] == "state" and e["which"] == which and e["value"] in values,
                        timeout, f"{which} {'/'.join(values)}")

    async def stop(self):
        if self.proc is None:
            return
        if self.proc.returncode is None:
            try:
                self.proc.stdin.write(b'{"cmd":"quit"}\n')
                await asyncio.wait_for(self.proc.wait(), 5)
            except (asyncio.TimeoutError, OSError):
                pass
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if self.proc.returncode is not None:
                break
            try:
                os.killpg(self.proc.pid, sig)  # the group that this peer leads
                await asyncio.wait_for(self.proc.wait(), 3)
            except (asyncio.TimeoutError, ProcessLookupError):
                pass


class Session:
    """Two peers and what is carried between them."""

    def __init__(self, off, ans, gaps, folder, proxy=None, turn=None):
        """`gaps`: what peers are known not to have. `folder`: where files of this run go."""
        self.off, self.ans, self.gaps, self.proxy, self.turn = off, ans, gaps, proxy, turn
        self.base = folder
        self.held = {off: [], ans: []}
        self.open = {off: False, ans: False}
        self.sdp = {}
        self.pending = set()
        off.on_candidate = lambda e: self._candidate(off, ans, e)
        ans.on_candidate = lambda e: self._candidate(ans, off, e)

    def needs(self, *features, who=None):
        """Fails if a peer lacks a feature, unless it is known and listed that it does."""
        for peer in [who] if who else (self.off, self.ans):
            for feature in features:
                if feature in peer.features:
                    continue
                if (peer.name, feature) in self.gaps:
                    raise KnownGap(f"{peer.name} has no {feature}")
                raise Failure(f"{peer} has no {feature}")

    def needs_codec(self, codec):
        """The same for video codecs."""
        for peer in (self.off, self.ans):
            if codec not in peer.codecs:
                if (peer.name, codec) in self.gaps:
                    raise KnownGap(f"{peer.name} has no {codec}")
                raise Failure(f"{peer} has no {codec}")

    def folder(self, peer):
        """A folder for what the peer writes."""
        path = os.path.join(self.base, peer.role)
        os.makedirs(path, exist_ok=True)
        return path

    async def init(self, **config):
        for peer in (self.off, self.ans):
            await peer.ask("init", **{"trickle": False, **config})

    def one_with(self, feature):
        """A peer that has the feature: ours, if it is one of two."""
        able = [p for p in (self.off, self.ans) if feature in p.features]
        check(able, f"neither has {feature}")
        return next((p for p in able if p.name == "ours"), able[0])

    def other(self, peer):
        return self.ans if peer is self.off else self.off

    def _candidate(self, source, target, event):
        if not self.open[source]:
            self.held[source].append(event)
            return
        text = event["candidate"]
        if text and not (text := self._forward(text)):
            return
        task = asyncio.ensure_future(target.ask("candidate", candidate=text, sdp_mid=event["sdp_mid"],
                                                sdp_mline_index=event["sdp_mline_index"]))
        self.pending.add(task)
        task.add_done_callback(lambda t: (self.pending.discard(t), t.exception()))

    def _release(self, source, target):
        self.open[source] = True
        held, self.held[source] = self.held[source], []
        for event in held:
            self._candidate(source, target, event)

    def _forward(self, sdp):
        return self.proxy.rewrite(sdp) if self.proxy else sdp

    async def negotiate(self, by=None, offer=None, answer=None, before_answer=None, edit_offer=None, edit_answer=None):
        """One offer and its answer; `by` is the peer that offers this time, `before_answer` a coroutine function."""
        a = by or self.off
        b = self.other(a)
        self.open[a] = self.open[b] = False
        description = await a.ask("offer", **(offer or {}))
        self.sdp["offer"] = description["sdp"]
        sdp = edit_offer(description["sdp"]) if edit_offer else description["sdp"]
        await b.ask("set_remote", type="offer", sdp=self._forward(sdp))
        self._release(a, b)
        if before_answer:
            await before_answer()
        description = await b.ask("answer", **(answer or {}))
        self.sdp["answer"] = description["sdp"]
        sdp = edit_answer(description["sdp"]) if edit_answer else description["sdp"]
        await a.ask("set_remote", type="answer", sdp=self._forward(sdp))
        self._release(b, a)

    async def channel(self, label="main", by=None, **options):
        await (by or self.off).ask("create_channel", label=label, **options)

    async def opened(self, label="main", timeout=30):
        await asyncio.gather(*(p.channel_state(label, "open", timeout) for p in (self.off, self.ans)))

    def max_message(self):
        sizes = [int(x) for s in self.sdp.values() for x in re.findall(r"a=max-message-size:(\d+)", s)]
        limits = [x or 1 << 30 for x in sizes] if len(sizes) == 2 else [65536]
        return min(limits + [262144, self.off.max_message, self.ans.max_message])
