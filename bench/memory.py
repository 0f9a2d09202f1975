#!/usr/bin/env python3
"""Starts a service over a filled SQLite file, and prints how soon it is ready and how much memory it takes.

    bench/memory.py PROGRAM FILE KEY_FILE [SECONDS]

Each figure is the most that was seen in its row. *Private* is the memory of the process alone (`RssAnon`); *resident* has the
program's own text beside it, and whatever files are mapped (`VmRSS`). *Read* is what the process asked the system to read, from memory
or disk.
"""

import http.client
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

program, file, key_file = sys.argv[1:4]
seconds = int(sys.argv[4]) if len(sys.argv) > 4 else 30
API = "/api/security"
BULK = [100_000, 100_000, 1_000_000]
seed = random.Random(12)


def sample(sql, most):
    rows = list(sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute(sql))
    return [tuple(str(uuid.UUID(bytes=column)) if isinstance(column, bytes) else column for column in row)
            for row in seed.sample(rows, min(most, len(rows)))]


everybody = [user for (user,) in sample("SELECT id FROM users", max(BULK))]
groups = [group for (group,) in sample("SELECT id FROM groups", 5_000)]
members = sample("SELECT group_id, user_id FROM group_users WHERE unicode(user_id) % 16 = 0 OR random() % 50 = 0", 20_000)
names = [name for (name,) in sample("SELECT username FROM users WHERE random() % 50 = 0", 5_000)]

environment = {name: value for name, value in os.environ.items() if not name.startswith("GUILDHALL_")} | {
    "GUILDHALL_DATABASE__URL": f"sqlite://{file}",
    "GUILDHALL_SERVER__PORT": "0",
    "GUILDHALL_LOG__FORMAT": "text",
    "GUILDHALL_LOG__LEVEL": "warn,guildhall=info",
    "GUILDHALL_AUTH__SIGNING_KEY_FILE": key_file,
}


class Connection:
    """A connection that is kept, with an administrator's token."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)

    def send(self, method, path, body=None, expected=(200, 201, 204, 404, 503)):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection.request(method, urllib.parse.quote(path, safe="/?&=%"), body=body, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status not in expected:
            raise RuntimeError(f"{method} {path[:200]}: {answer.status} {content[:300]}")
        return content, answer.status


def checks(random_):
    group, user = random_.choice(members) if random_.random() < 0.5 else (random_.choice(groups), random_.choice(everybody))
    return "HEAD", f"{API}/groups/{group}/users/{user}"


def reads(random_):
    user = random_.choice(random_.choice([everybody, names]))
    return "GET", API + random_.choice([f"/users/{user}", f"/users/{user}/groups", f"/groups/{random_.choice(groups)}"])


LISTED = ["/users?order={}", "/users?order=-{}", "/groups/All Customers/users?order={}", "/groups/Newsletter/users?order=-{}",
          "/groups/CMS Editors/users?includeInherited=true&order={}", "/groups/Sales Engineering 1/users?includeInherited=true&order={}"]
FIELDS = "username email lastName created modified lastLogin passwordChanged failedLoginAttempts".split()


def listings(random_):
    page = random_.choice([0, 0, 1, 100, 1_000, 10_000])
    if random_.random() < 0.2:
        return "GET", f"{API}/groups?order={random_.choice(['name', '-userCount', 'modified'])}&pageIndex={min(page, 3_000)}"
    field = random_.choice(FIELDS) if page <= 100 else "username"
    return "GET", API + random_.choice(LISTED).format(field) + f"&pageIndex={page}&pageSize={random_.choice([25, 25, 1000])}"


SEARCHED = ["/users?q=com", "/users?q=jo", "/users?q=smith", "/users?q=mary smith", "/groups?q=ludlow", "/groups?q=leeds 12",
            "/users?zenql=created > -30d", '/users?zenql=custom.department = "Legal"', '/users?zenql=username ~ "williams"',
            "/users?q=com&order=-lastLogin&pageIndex=1000", '/users?zenql=lastLogin > -700d&order=firstName,lastName',
            "/users?zenql=lastLogin > -7d and status.locked = false", "/groups/All Customers/users?q=susan"]


def searches(random_):
    return "GET", API + random_.choice(SEARCHED)


def status(name):
    text = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1024


def row(label, work):
    """Prints how much memory the process has at most while `work` is done, and what `work` says."""
    peaks, is_over = {"VmRSS": 0.0, "RssAnon": 0.0}, threading.Event()

    def watch():
        while True:
            for name in peaks:
                peaks[name] = max(peaks[name], status(name))
            if is_over.wait(0.02):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        said = work()
    finally:
        is_over.set()
        watcher.join()
    print(f"| {label} | {peaks['VmRSS']:.1f} | {peaks['RssAnon']:.1f} | {said} |", flush=True)


def load(kinds, duration):
    """Has so many connections of each kind ask for a while, and says how many requests of each kind were answered in a second."""
    counts, failures, overdue = {kind.__name__: 0 for kind, _ in kinds}, [], []
    end = time.monotonic() + duration

    def ask(kind, number):
        connection, random_, count = Connection(), random.Random(f"{kind.__name__} {number}"), 0
        try:
            while time.monotonic() < end:
                if connection.send(*kind(random_))[1] == 503:
                    overdue.append(kind.__name__)
                count += 1
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failures.append(error)
        counts[kind.__name__] += count

    askers = [threading.Thread(target=ask, args=(kind, number)) for kind, most in kinds for number in range(most)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    if failures:
        sys.exit(f"{len(failures)} failed, such as: {failures[0]}")
    said = ", ".join(f"{count / duration:.0f} {name}/s" for name, count in counts.items())
    return said + (f"; {len(overdue)} took too long (503)" if overdue else "")


def add(count):
    connection = Connection()
    group = json.loads(connection.send("POST", f"{API}/groups", json.dumps({"name": f"Bulk {uuid.uuid4()}"}))[0])["id"]
    body = json.dumps(everybody[:count])
    started = time.perf_counter()
    connection.send("POST", f"{API}/groups/{group}/users", body, expected=(204,))
    took = time.perf_counter() - started
    connection.send("DELETE", f"{API}/groups/{group}")
    return f"{took * 1000:,.0f} ms"


def rest(duration=3):
    time.sleep(duration)
    return ""


print("| | resident MiB | private MiB | |\n|---|--:|--:|---|", flush=True)
started = time.perf_counter()
server = subprocess.Popen([program, "serve"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    for line in server.stdout:
        if found := re.search(r"listening on (http://[0-9.:]+)", line):
            address = urllib.parse.urlsplit(found[1])
            break
    else:
        sys.exit("the service does not start")
    threading.Thread(target=lambda: [None for _ in server.stdout], daemon=True).start()
    token = ""
    Connection().send("GET", "/health/ready", expected=(200,))
    ready = (time.perf_counter() - started) * 1000
    read = re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{server.pid}/io").read_text())[1]
    row("ready", lambda: f"{ready:.0f} ms after it was started, {int(read) / 2**20:.1f} of {os.path.getsize(file) / 2**20:,.0f} MiB read")
    token = subprocess.run([program, "token", "--user", "admin"], env=environment, check=True, capture_output=True, text=True).stdout.strip()
    row("idle", rest)
    everything = [(checks, 8), (reads, 4), (listings, 4), (searches, 4)]
    for label, kinds in [*((kind.__name__, [(kind, most)]) for kind, most in everything), ("all of these at once", everything)]:
        row(label, lambda kinds=kinds: load(kinds, seconds))
    row("idle again", rest)
    for count in BULK:
        row(f"adding {count:,}", lambda count=count: add(count))
        row("idle after it", rest)
    row("adding 100,000 under all of these", lambda: (lambda adder: (adder.start(), load(everything, seconds), adder.join())[1])(
        threading.Thread(target=lambda: add(100_000))))
    row("idle at the end", rest)
finally:
    server.terminate()
    server.wait()
