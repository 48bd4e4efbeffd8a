"""Two machines on one Ethernet: network namespaces with multicast and a default route. Needs root. Standard library only."""
import subprocess
import time

from session import Failure

ADDRESSES = ("192.0.2.1", "192.0.2.2")


class Lan:
    """`prefixes`: what to put before a command so that it runs on the one machine or on the other."""

    def __init__(self):
        self.machines, self.prefixes = [], []

    def start(self):
        for _ in ADDRESSES:
            machine = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
            self.machines.append(machine)
            self.prefixes.append(["nsenter", "-t", str(machine.pid), "-n", "--"])
            if not machine.stdout.readline():
                raise Failure("network namespaces are not allowed here: run as root")
        other = str(self.machines[1].pid)
        run(self.prefixes[0], f"ip link add lan type veth peer name lan netns {other}")
        for prefix, own in zip(self.prefixes, ADDRESSES):
            # Without addresses of IPv6 nothing is tentative for the first seconds.
            for command in ("link set lan addrgenmode none", f"addr add {own}/24 dev lan", "link set lo up", "link set lan up"):
                run(prefix, "ip " + command)
        for prefix, gateway in zip(self.prefixes, reversed(ADDRESSES)):
            wait_for_carrier(prefix)
            for command in ("route add 224.0.0.0/4 dev lan", f"route add default via {gateway}"):
                run(prefix, "ip " + command)

    def stop(self):
        for machine in self.machines:
            machine.kill()
            machine.wait()


def wait_for_carrier(prefix, seconds=5):
    """Both ends of a cable have to be up before either carries anything."""
    deadline = time.monotonic() + seconds
    while "state UP" not in (shown := run(prefix, "ip link show lan")):
        if time.monotonic() > deadline:
            raise Failure(f"the network does not come up: {shown}")
        time.sleep(0.05)


def run(prefix, command):
    done = subprocess.run([*prefix, *command.split()], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{command}: {done.stderr.strip()}")
    return done.stdout
