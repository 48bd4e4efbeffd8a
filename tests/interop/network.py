"""The scenarios about paths: TURN servers, restarts, TCP, hidden addresses. Coroutines like those of data_channels.py."""
import asyncio
import re
import time

from data_channels import bulk, connect, echo
from session import check
from turn_server import free_port


# ---------------------------------------------------------------- relays

async def relayed(s, kind, feature, **config):
    """Relay candidates alone, on both sides; the allocations are deleted when the connections are closed."""
    s.needs(feature)
    await connect(s, ice_transport_policy="relay", ice_servers=[s.turn.entry(kind)], **config)
    remark = await echo(s, count=60)
    await only_relays(s, kind)
    await deleted_on_close(s)
    return remark


async def selected(peer):
    """The pair that was nominated. Data may flow before, over the best pair that works."""
    for _ in range(50):
        pair = (await peer.ask("stats"))["selected_pair"]
        if pair:
            return pair
        await asyncio.sleep(0.1)
    check(False, f"{peer} does not know its selected pair")


async def only_relays(s, kind):
    for peer in (s.off, s.ans):
        pair = await selected(peer)
        local = pair["local"]
        check(local["type"] in ("relay", "relayed"), f"{peer} selected {pair}")
        check(local.get("relay_protocol") in (kind, None), f"{peer} reaches its relay over {local.get('relay_protocol')}")
    for description in s.sdp.values():
        kinds = set(re.findall(r" typ (\w+)", description))
        check(kinds == {"relay"}, f"candidates of kinds {kinds}")


async def deleted_on_close(s, user=""):
    """The server's log must tell of it long before an allocation would run out."""
    made = s.turn.sessions(f"new, realm.*username=<{user}")
    check(made, "no allocations in the server's log")
    for peer in (s.off, s.ans):
        await peer.ask("close")
    deadline = time.monotonic() + 10
    while left := made - s.turn.sessions("refreshed, .*lifetime=0"):
        check(time.monotonic() < deadline, f"{len(left)} of {len(made)} allocations were not deleted on close")
        await asyncio.sleep(0.2)


async def turn_only(s):
    """Relay candidates alone, the server over UDP."""
    return await relayed(s, "udp", "relay")


async def turn_tcp(s):
    """The same with the server over TCP."""
    return await relayed(s, "tcp", "relay_tcp")


async def turn_tls(s):
    """The same with the server over TLS, by name."""
    return await relayed(s, "tls", "relay_tls")


async def turn_bulk(s):
    """4 MiB each way between two relays that are reached over TLS."""
    s.needs("relay", "relay_tls")
    await connect(s, **relay(s.turn.entry("tls")))
    return await bulk(s, 4 << 20)


async def turn_trickle(s):
    """Relay candidates one by one, where a peer can."""
    s.needs("relay")
    await connect(s, trickle=True, ice_transport_policy="relay", ice_servers=[s.turn.entry("udp")])
    return await echo(s, count=30)


async def turn_password(s):
    """A wrong password is told with code 401, and host candidates connect."""
    teller = s.one_with("candidate_error")
    await init_with(s, teller, {"ice_servers": [s.turn.entry("udp", "tcp", password="wrong")]})
    await s.negotiate()
    await s.opened()
    codes = await told(teller, 401)
    return f"{teller.name} told {codes}; {await echo(s, count=12)}"


async def turn_password_alone(s):
    """With relay candidates alone a wrong password leaves nothing: the search ends, and so does the attempt."""
    teller = s.one_with("candidate_error")
    await init_with(s, teller, relay(s.turn.entry("udp", password="wrong")), relay(s.turn.entry("udp", user="far")))
    await s.negotiate()
    await told(teller, 401)
    own = s.sdp["offer" if teller is s.off else "answer"]
    check(" typ " not in own, f"{teller} has a candidate")
    await teller.state("gathering", "complete", timeout=5)
    await teller.state("ice", "failed", timeout=60)
    return f"{teller.name} ends in failed"


async def turn_quota(s):
    """The server grants one allocation to a user: the second is told with code 486, the first carries."""
    teller = s.one_with("candidate_error")
    await init_with(s, teller, relay(s.turn.entry("udp"), s.turn.entry("tcp")), relay(s.turn.entry("udp", user="far")))
    await s.negotiate()
    await s.opened()
    codes = await told(teller, 486)
    remark = await echo(s, count=12)
    pair = await selected(teller)
    check(pair["local"]["type"] == "relay", f"{teller} selected {pair}")
    return f"{teller.name} told {codes}; {remark}"


async def turn_nonce(s):
    """The server's nonces have expired when candidates come, and at the end: what is asked is asked again with new ones."""
    peer = s.one_with("candidate_error")
    await init_with(s, peer, relay(s.turn.entry("udp")), relay(s.turn.entry("udp", user="far")))
    late = []

    def withhold(sdp):
        late.extend(re.findall(r"a=(candidate:[^\r]+)\r\n", sdp))
        return re.sub(r"a=(candidate:[^\r]+|end-of-candidates)\r\n", "", sdp)
    await s.negotiate(edit_offer=withhold, edit_answer=lambda sdp: sdp if late else withhold(sdp))
    await asyncio.sleep(NONCE_SECONDS + 2)
    for candidate in late:
        await s.ans.ask("candidate", candidate=candidate, sdp_mid="0", sdp_mline_index=0)
    await s.opened()
    stale = s.turn.log().count("error 438")
    check(stale, "no nonce was refused")
    remark = await echo(s, count=30)
    if peer.name == "ours":  # Chromium does not ask again
        await asyncio.sleep(NONCE_SECONDS + 2)
        await deleted_on_close(s, "lab")
    return f"{stale} refused nonces; {remark}"


async def turn_gone(s):
    """A server that does not answer is told with code 701 and holds nothing up; host candidates connect."""
    teller = s.one_with("candidate_error")
    servers = [{"urls": [f"turn:127.0.0.1:{free_port()}"], "username": "lab", "credential": "secret"}]
    await init_with(s, teller, {"trickle": True, "ice_servers": servers}, {"trickle": True})
    start = time.monotonic()
    await s.negotiate()
    await s.opened()
    connected = time.monotonic() - start
    await told(teller, 701)
    return f"connected after {connected:.1f} s, told after {time.monotonic() - start:.1f} s"


NONCE_SECONDS = 2


def relay(*servers):
    return {"ice_transport_policy": "relay", "ice_servers": servers}


async def init_with(s, peer, own, far=None):
    """Begins with one configuration for `peer` and another for its far side."""
    for p in (s.off, s.ans):
        await p.ask("init", **{"trickle": False, **(own if p is peer else far or {})})
    await s.channel()


async def told(peer, code):
    """Waits until the peer has told the code; all that it told."""
    await peer.wait(lambda e: e["event"] == "candidate_error" and e["code"] == code, 30, f"candidate error {code}")
    return sorted({e["code"] for e in peer.events if e["event"] == "candidate_error"})


# ---------------------------------------------------------------- restart

async def ice_restart(s):
    """The offerer restarts ICE, then the answerer: other user fragments, and the channel goes on."""
    s.needs("ice_restart")
    await connect(s)
    old = ufrags(s)
    for by in (s.off, s.ans):
        await s.negotiate(by=by, offer={"ice_restart": True})
        check(not ufrags(s) & old, f"the same user fragment after a restart: {old} {ufrags(s)}")
        old = ufrags(s)
        await asyncio.sleep(2)
        await echo(s, count=30)


async def ice_restart_busy(s):
    """A restart while 120 messages go round: none is lost."""
    s.needs("ice_restart")
    await connect(s)
    echoes = asyncio.ensure_future(echo(s, count=600))
    for by in (s.off, s.ans):
        await asyncio.sleep(0.3)
        await s.negotiate(by=by, offer={"ice_restart": True})
    return await echoes


def ufrags(s):
    return set(re.findall(r"a=ice-ufrag:(\S+)", s.sdp["offer"] + s.sdp["answer"]))


# ---------------------------------------------------------------- other ways

async def ice_tcp(s):
    """UDP candidates are withheld from both: one side connects a TCP stream to the other."""
    s.needs("ice_tcp")

    def no_udp(sdp):
        return re.sub(r"a=candidate:\S+ \d+ udp [^\r]+\r\n", "", sdp, flags=re.IGNORECASE)
    await s.init()
    await s.channel()
    await s.negotiate(edit_offer=no_udp, edit_answer=no_udp)
    await s.opened()
    remark = await echo(s, count=120)
    for peer in (s.off, s.ans):
        pair = await selected(peer)
        check(pair["local"]["protocol"] == "tcp", f"{peer} selected {pair}")
    return remark


async def mdns(s):
    """One side shows a .local name in place of its address, and is told no candidate: only who resolves the name connects."""
    hider = next((p for p in (s.off, s.ans) if p.name != "ours" and "mdns_hide" in p.features), s.one_with("mdns_hide"))
    resolver = s.other(hider)
    s.needs("mdns", who=resolver)

    def keep_to_itself(sdp):
        return re.sub(r"a=candidate:[^\r]+\r\n", "", sdp)
    await init_with(s, hider, {"hide_addresses": True})
    await s.negotiate(**{"edit_offer" if resolver is s.off else "edit_answer": keep_to_itself})
    await s.opened()
    theirs = s.sdp["answer" if resolver is s.off else "offer"]
    check(re.search(r"\.local \d+ typ host", theirs), f"no name in the description of {hider}")
    remark = await echo(s, count=30)
    pair = await selected(resolver)
    check(pair["remote"]["type"] == "host", f"{resolver} selected {pair}")
    return remark


async def mdns_both(s):
    """Both hide their addresses, and resolve each other's names."""
    s.needs("mdns", "mdns_hide")
    await connect(s, hide_addresses=True)
    shown = re.findall(r" (\S+) \d+ typ host(?! tcptype active)", "".join(s.sdp.values()))
    check(shown and all(x.endswith(".local") for x in shown), f"{shown} are shown")
    return await echo(s, count=30)
