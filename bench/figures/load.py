"""Load: wrk for rates, a process that writes at a given rate, and turns."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import typing

HERE = pathlib.Path(__file__).resolve().parent.parent


class Load(typing.NamedTuple):
    """How it went: requests a second, latencies in milliseconds, and the share of the requests that were refused (4xx, 5xx)."""

    rate: float
    p50: float
    p99: float
    refused: float

    def __str__(self):
        return f"{self.rate:,.0f}/s, p50 {self.p50:.2f}, p99 {self.p99:.1f} ms"


class Wrk:
    """wrk with the lines of a file. `lines` are paths, or paths, a tab and a form; all of them are asked for in turn."""

    def __init__(self, service, lines, method="GET", connections=8, refused=0.0, authorised=True):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".paths")
        self.file.write("\n".join(lines) + "\n")
        self.file.flush()
        self.service, self.method, self.connections, self.refused = service, method, connections, refused
        self.token = service.token if authorised else ""

    def __call__(self, seconds):
        ran = subprocess.run(self.command(seconds), check=True, input=self.token + "\n", capture_output=True, text=True, timeout=seconds + 60)
        told = json.loads(ran.stdout.strip().splitlines()[-1])
        refused = told["refused"] / max(told["requests"], 1)
        if told["broken"] or not told["requests"] or abs(refused - self.refused) > 0.01:
            raise RuntimeError(f"{self.method} {self.file.name}: {told}")
        return Load(told["requests"] / told["seconds"], told["p50"] / 1000, told["p99"] / 1000, refused)

    def command(self, seconds):
        return ["wrk", "-t", str(min(2, self.connections)), "-c", str(self.connections), "-d", f"{seconds}s", "--timeout", "30s", "-s",
                str(HERE / "load.lua"), self.service.url, "--", self.file.name, self.method, self.token]


class Asker(Wrk):
    """The client in Python that does the same, for refusals of HEAD."""

    def command(self, seconds):
        return [sys.executable, str(HERE / "figures" / "asker.py"), self.service.url, self.file.name, self.method, str(self.connections), str(seconds)]


class Writes:
    """A process that adds members to a group and removes them again, at a given rate, while it is entered."""

    def __init__(self, service, group, users, rate):
        self.arguments = [service.url, group, str(rate)]
        self.users, self.service = users, service
        self.told = None

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, str(HERE / "figures" / "writer.py"), *self.arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(self.service.token + "\n" + " ".join(self.users) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "writing\n":
            raise RuntimeError("the writer does not start")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.told = json.loads(self.process.stdout.read() or "{}")
        self.process.wait(timeout=60)
        if self.told.get("fault") or not self.told:
            raise RuntimeError(f"the writer: {self.told}")


def in_turns(rounds, *sides):
    """What each side returns in each round. All of them are run once before, to warm up; every other round is in reverse order."""
    for side in sides:
        side()
    results = [[] for _ in sides]
    for number in range(rounds):
        order = list(enumerate(sides))
        for place, side in order if number % 2 == 0 else reversed(order):
            results[place].append(side())
    return results


def middle(loads):
    """The medians of what several turns tell."""
    return Load(*(statistics.median(values) for values in zip(*loads)))


def ratio(ones, others):
    """The median of the ratios of each round."""
    return statistics.median(one / other for one, other in zip(ones, others))


def both(bare, engine):
    """The rate at which doing both one after the other would run."""
    return 1 / (1 / bare + 1 / engine)


def p95(times):
    return statistics.quantiles(times, n=20, method="inclusive")[-1]
