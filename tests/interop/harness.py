#!/usr/bin/env python3
"""Runs the library's peer against real peers, in both roles, and prints a table. See README.md.

harness.py --ours target/release/examples/interop_peer
harness.py --ours … --peers aiortc --scenarios dc_bulk,loss --jobs 1
harness.py --pair chromium,aiortc --scenarios full        any two peers, without ours

Exit code: 0 if everything passed, 1 if something failed, 2 after wrong use.
"""
import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from lan import ADDRESSES, Lan
from scenarios import KNOWN_GAPS, SCENARIOS
from session import Failure, KnownGap, Peer, Session
from turn_server import TurnServer
from udp_proxy import Proxy

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.environ.get("POLLRTC_LAB", os.path.join(tempfile.gettempdir(), "pollrtc-lab"))
PEERS = {
    "chromium": ["node", os.path.join(HERE, "peers", "chromium.js")],
    "aiortc": [os.path.join(LAB, "venv", "bin", "python"), os.path.join(HERE, "peers", "aiortc_peer.py")],
}
os.environ["POLLRTC_LAB"] = LAB
ENVIRONMENT = {"NODE_PATH": os.path.join(LAB, "npm", "node_modules")}


async def run_one(offerer, answerer, name, logs):
    """One scenario: a dictionary with its result and a remark."""
    scenario = SCENARIOS[name]
    log_path = os.path.join(logs, f"{offerer}-{answerer}-{name}.log")
    start = time.monotonic()
    with open(log_path, "wb") as log:
        try:
            with World(scenario, log_path) as world:
                remark = await world.run(scenario, (offerer, answerer), log)
            result = "pass"
        except KnownGap as e:
            result, remark = "gap", str(e)
        except (Failure, OSError) as e:
            result, remark = "FAIL", str(e)
        except asyncio.TimeoutError:
            result, remark = "FAIL", f"not done in {scenario.seconds} s"
        except Exception as e:  # a fault of the scenario itself must not end the others
            result, remark = "FAIL", f"{type(e).__name__}: {e}"
            traceback.print_exc()
    return {"offerer": offerer, "answerer": answerer, "scenario": name, "result": result, "remark": remark or "",
            "seconds": round(time.monotonic() - start, 1), "log": log_path}


class World:
    """What a scenario has around its peers: a lossy path, a TURN server, a network."""

    def __init__(self, scenario, log_path):
        self.folder = log_path.removesuffix(".log")
        self.proxy = Proxy(**scenario.path) if scenario.path else None
        self.turn = TurnServer(log_path.replace(".log", ".turn.log"), *scenario.turn) if scenario.turn is not None else None
        self.lan = Lan() if scenario.lan else None

    def __enter__(self):
        try:
            for part in filter(None, (self.turn, self.lan)):
                part.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for part in filter(None, (self.proxy, self.turn, self.lan)):
            part.stop()

    async def run(self, scenario, names, log):
        environment = {**ENVIRONMENT, **scenario.environment, **(self.turn.environment() if self.turn else {})}
        addresses = ADDRESSES if self.lan else ("127.0.0.1", "127.0.0.1")
        prefixes = self.lan.prefixes if self.lan else ([], [])
        peers = [Peer(name, prefix + PEERS[name], role, log)
                 for name, prefix, role in zip(names, prefixes, ("offerer", "answerer"))]
        try:
            await asyncio.gather(*(p.start({**environment, "INTEROP_ADDRESS": address})
                                   for p, address in zip(peers, addresses)))
            session = Session(*peers, KNOWN_GAPS, self.folder, self.proxy, self.turn)
            session.needs("dc")
            remark = await asyncio.wait_for(scenario.function(session), scenario.seconds)
            return "; ".join(filter(None, (remark, *(p.remark for p in peers))))
        finally:
            await asyncio.gather(*(p.stop() for p in peers), return_exceptions=True)


async def run_all(pairs, names, logs, jobs):
    """All of them, at most `jobs` at a time, and as many that mostly wait; a line for each as it ends."""
    gates = {waits: asyncio.Semaphore(jobs) for waits in (False, True)}

    async def one(offerer, answerer, name):
        async with gates[SCENARIOS[name].waits]:
            r = await run_one(offerer, answerer, name, logs)
        print(f"{r['result']:4} {offerer} -> {answerer} {name} ({r['seconds']} s) {r['remark']}", flush=True)
        return r
    return await asyncio.gather(*(one(o, a, n) for o, a in pairs for n in names))


def print_table(results, pairs, names):
    heads = [f"{o} -> {a}" for o, a in pairs]
    cells = {(r["offerer"], r["answerer"], r["scenario"]): r["result"] for r in results}
    width = max(map(len, names))
    print("\n" + " " * width + "  " + "  ".join(heads))
    for name in names:
        row = (cells[o, a, name].ljust(len(head)) for (o, a), head in zip(pairs, heads))
        print(name.ljust(width) + "  " + "  ".join(row))


def enter_loopback_namespace():
    """Starts this program again where there is nothing but loopback, if the machine allows it."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return
    again = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--no-netns"]
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", metavar="PROGRAM", help="the library's peer program")
    parser.add_argument("--peers", default="chromium,aiortc,ours", help="peers to run it against")
    parser.add_argument("--roles", default="offerer,answerer", help="roles that ours plays")
    parser.add_argument("--pair", metavar="OFFERER,ANSWERER", help="this one pair instead")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="default: all")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time, beside as many that mostly wait (default 2)")
    parser.add_argument("--logs", help="folder for logs (default: a new one in the temporary folder)")
    parser.add_argument("--json", metavar="FILE", help="write the results to this file")
    parser.add_argument("--no-netns", action="store_true", help="run in the machine's own network namespace")
    args = parser.parse_args()
    if args.ours:
        PEERS["ours"] = [os.path.abspath(args.ours)]
    if args.pair:
        pairs = [tuple(args.pair.split(","))]
    else:
        roles = args.roles.split(",")
        pairs = [p for peer in args.peers.split(",") for p in dict.fromkeys([("ours", peer), (peer, "ours")])
                 if ("offerer" in roles and p[0] == "ours") or ("answerer" in roles and p[1] == "ours")]
    names = args.scenarios.split(",")
    for name in [n for pair in pairs for n in pair]:
        if name not in PEERS:
            parser.error(f"unknown peer: {name}" + (" (give --ours PROGRAM)" if name == "ours" else ""))
    for name in names:
        if name not in SCENARIOS:
            parser.error(f"unknown scenario: {name}")
    return args, pairs, names


def main():
    args, pairs, names = arguments()
    if not args.no_netns:
        enter_loopback_namespace()
    logs = args.logs or tempfile.mkdtemp(prefix="pollrtc-interop-")
    os.makedirs(logs, exist_ok=True)
    results = asyncio.run(run_all(pairs, names, logs, max(1, args.jobs)))
    print_table(results, pairs, names)
    count = {kind: sum(r["result"] == kind for r in results) for kind in ("pass", "FAIL", "gap")}
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    print(f"\nlogs: {logs}")
    gaps = f" ({count['gap']} known gaps of the foreign peers)" if count["gap"] else ""
    print(f"interop: {count['pass']} passed, {count['FAIL']} failed{gaps}")
    for r in results:  # the last lines: who sees only the end of a log has to see them
        if r["result"] == "FAIL":
            print(f"FAIL {r['offerer']} -> {r['answerer']} {r['scenario']}: {r['remark'][:200]} ({os.path.basename(r['log'])})")
    return 1 if count["FAIL"] or not count["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
