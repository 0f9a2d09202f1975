"""Signing in, the start, and the memory of the process."""

import os
import re
import shutil
import statistics
import subprocess
import threading
import time
import urllib.parse

from .load import Wrk, in_turns, middle, ratio
from .service import PASSWORD, Client, Service, path

TOKEN = "/authenticate/connect/token"


def form(**fields):
    return f"{TOKEN}\t{urllib.parse.urlencode(fields)}"


def sign_in(bench):
    report, service, seconds, client = bench.report, bench.service, bench.seconds, Client(bench.service)
    report.section("Signing in", "8 connections, 16 users. The limit of a password is what two processes of the `argon2` program do with the same parameters; that of a refresh token is "
                   "the bare route.")
    names = [bench.name(f"sign-in-{number}") for number in range(16)]
    ids = [client.json("POST", path("users"), {"username": name, "email": f"{name.replace(' ', '-')}@example.com", "firstName": "S", "lastName": "I",
                                               "credentials": {"password": PASSWORD}})["id"] for name in names]
    grant = dict(scope="openid offline_access", client_id="bench")
    by_password = Wrk(service, [form(grant_type="password", username=name, password=PASSWORD, **grant) for name in names], "POST", authorised=False)
    limit, text = None, "the `argon2` program is not here"
    if shutil.which("argon2"):
        times = []
        for _ in range(5):
            hashing = [subprocess.Popen(["argon2", "benchmark-salt", "-id", "-t", "2", "-k", "19456", "-p", "1"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
            told = [one.communicate(PASSWORD)[0] for one in hashing]
            times.append(max(float(re.search(r"([0-9.]+) seconds", one)[1]) for one in told))
        limit = os.cpu_count() / statistics.median(times)
        text = f"{limit:,.0f}/s"
    (loads,) = in_turns(bench.rounds, lambda: by_password(seconds))
    report.row("password", middle(loads), text, limit and middle(loads).rate / limit)
    tokens = []
    for name in names:
        body = urllib.parse.urlencode(dict(grant_type="password", username=name, password=PASSWORD, **grant))
        told = client.send("POST", TOKEN, body, kind="application/x-www-form-urlencoded")[1]
        tokens.append(re.search(rb'"refresh_token":"([^"]+)"', told)[1].decode())
    by_token = Wrk(service, [form(grant_type="refresh_token", refresh_token=token, client_id="bench") for token in tokens], "POST", authorised=False)
    live = Wrk(service, ["/health/live"])
    loads, bares = in_turns(bench.rounds, lambda: by_token(seconds), lambda: live(seconds))
    report.row("refresh token", middle(loads), f"{middle(bares).rate:,.0f}/s", ratio([one.rate for one in loads], [one.rate for one in bares]))
    for user in ids:
        client.send("DELETE", path("users", user))


def cold_start(bench):
    """Until /health/ready says yes. The filled service is stopped meanwhile, so that this is the only one."""
    report = bench.report
    report.section("Start", "Until `/health/ready` says yes, over the filled database. The limit is how long the program takes to print its version.")
    version = lambda: timed(lambda: subprocess.run([bench.program, "--version"], check=True, capture_output=True))

    def start():
        with Service(bench.program, bench.url, bench.key_file) as service:
            return service.ready

    starts, bare = in_turns(max(bench.rounds, 3), start, version)
    is_sqlite = bench.engine.name == "SQLite"
    report.row("ready after", f"{statistics.median(starts):.0f} ms, {max(starts):.0f} at most", f"{statistics.median(bare):.0f} ms")
    if is_sqlite:
        report.row("ready, of 200 ms", f"{max(starts):.0f} ms", "200 ms", max(starts) / 200, most=1, why="start over the filled SQLite file, of 200 ms")


def timed(work):
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def memory(bench):
    """Of a service that was just started: idle, under checks, and under checks and reads."""
    report, is_sqlite = bench.report, bench.engine.name == "SQLite"
    report.section("Memory", "*Resident* is `VmRSS`, *private* is `RssAnon`. What a bulk add takes is below.")
    with Service(bench.program, bench.url, bench.key_file) as service:
        time.sleep(1)
        idle = (service.memory("VmRSS"), service.memory("RssAnon"))
        report.row("idle memory", f"{idle[0]:.0f} MiB resident, {idle[1]:.0f} private", "60 MiB" if is_sqlite else "", idle[0] / 60 if is_sqlite else None,
                   most=1 if is_sqlite else None, why="idle memory on SQLite, of 60 MiB")
        pairs = bench.questions["direct, hit"]
        checks = [path("groups", pair[0], "users", pair[3]) for pair in pairs]
        reads = [target for pair in pairs for target in (path("users", pair[3]), path("users", pair[3], "groups"), path("groups", pair[0]),
                                                         path("groups", pair[0], "users"))]
        most = idle[1]
        for what, wrk in (("checks, 8 connections", Wrk(service, checks, "HEAD")), ("reads and listings, 16 connections", Wrk(service, reads, connections=16))):
            private = watched(service, lambda: wrk(bench.seconds * 2))
            most = max(most, private)
            report.row(f"memory under {what}", f"{service.memory('VmHWM'):.0f} MiB resident at most, {private:.0f} private")
        if is_sqlite:
            report.row("private memory under reads, at most", f"{most:.0f} MiB", "64 MiB", most / 64, most=1, why="private memory on SQLite under reads, of 64 MiB")


def watched(service, work):
    """The most private memory while work is done."""
    most, is_over = [0.0], threading.Event()

    def watch():
        while not is_over.wait(0.05):
            most[0] = max(most[0], service.memory("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        is_over.set()
        watcher.join()
    return most[0]
