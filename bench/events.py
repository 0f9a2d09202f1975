#!/usr/bin/env python3
"""Fills the log of a database fresh from `guildhall serve`, and measures how it is read and verified.

    bench/events.py fill URL COUNT          adds COUNT events, chained as the program does
    bench/events.py read ADDRESS PASSWORD   pages of every filter, first and deep, over HTTP: p50 and p95 in milliseconds

Whatever looks random is computed from the number of the event, so that every run makes the same. Of the users one in a hundred is told of
often, and so are a few groups: their pages are the deepest.
"""

import hashlib
import json
import pathlib
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent
NAMES = re.findall(r'^    [A-Z]\w+ = "([a-z.-]+)",$', (ROOT / "crates/domain/src/model/event/kind.rs").read_text(), re.M)
KINDS = {name: code for code, name in enumerate(NAMES)}
TOLD = ["group.members.added"] * 6 + ["group.members.removed"] * 2 + ["user.signed-in"] * 6 + ["user.updated", "user.sign-in-failed"]
SECOND = 1000


def ident(kind, number):
    return f"0{kind}{number:030x}"


def dashed(text):
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def stamp(time_):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_ // SECOND)) + f".{time_ % SECOND:03}Z"


def events(last, head, count, start):
    """Rows of `events`, each with the id of its user."""
    for number in range(1, count + 1):
        mixed = number * 2654435761 % 2**32
        kind = TOLD[mixed % len(TOLD)]
        user = ident(1, mixed % 1000 if mixed % 3 == 0 else mixed % 100_000)
        group = ident(2, mixed // 7 % 10 if mixed % 5 == 0 else mixed // 7 % 1000) if kind.startswith("group") else None
        actor, moment, key = ident(3, mixed // 11 % 50), start + number * 20, ident(4, number)
        data = {"actor": {"apiKey": None, "id": dashed(actor), "username": f"user {mixed // 11 % 50}", "via": "api"}, "address": "203.0.113.9", "requestId": dashed(ident(5, number))}
        if group:
            data |= {"group": {"id": dashed(group), "name": "Group"}, "groupsAbove": [dashed(group)], "part": 1, "parts": 1, "userIds": [dashed(user)]}
        else:
            data |= {"user": {"id": dashed(user), "username": "user"}}
        subject = f"groups/{dashed(group)}" if group else f"users/{dashed(user)}"
        event = {"data": data, "datacontenttype": "application/json", "id": dashed(key), "sequence": str(last + number), "source": "guildhall", "specversion": "1.0",
                 "subject": subject, "time": stamp(moment), "type": f"guildhall.{kind}"}
        text = json.dumps(event, separators=(",", ":"), sort_keys=True)
        head = hashlib.sha256(head + text.encode()).digest()
        yield (last + number, key, KINDS[kind], moment, actor, group, text, head), user


def fill_sqlite(path, count):
    file = sqlite3.connect(path)
    last, head, clock = file.execute("SELECT sequence, hash, clock FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
    blob = lambda text: text and bytes.fromhex(text)
    users = []
    with file:
        for (place, key, kind, moment, actor, group, text, hash_), user in events(last, head, count, clock):
            file.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (place, blob(key), kind, moment, moment, blob(actor), blob(group), text, hash_))
            users.append((blob(user), kind, place))
        users.sort()
        file.executemany("INSERT INTO event_users VALUES (?, ?, ?)", users)
        file.execute("ANALYZE")


def fill_postgres(url, count):
    asked = "SELECT sequence || ' ' || encode(hash, 'hex') || ' ' || clock FROM events ORDER BY sequence DESC LIMIT 1"
    last, head, clock = subprocess.run(["psql", url, "-Atqc", asked], check=True, capture_output=True, text=True).stdout.split()
    copy = lambda table: subprocess.Popen(["psql", url, "-qc", f"COPY {table} FROM STDIN"], stdin=subprocess.PIPE, text=True)
    users, loading = [], copy("events")
    for (place, key, kind, moment, actor, group, text, hash_), user in events(int(last), bytes.fromhex(head), count, int(clock)):
        loading.stdin.write(f"{place}\t{key}\t{kind}\t{moment}\t{moment}\t{actor}\t{group or chr(92) + 'N'}\t{text}\t{chr(92)}{chr(92)}x{hash_.hex()}\n")
        users.append((user, kind, place))
    loading.stdin.close()
    assert loading.wait() == 0
    loading = copy("event_users")
    loading.stdin.writelines(f"{user}\t{kind}\t{place}\n" for user, kind, place in sorted(users))
    loading.stdin.close()
    assert loading.wait() == 0
    subprocess.run(["psql", url, "-qc", "VACUUM ANALYZE events, event_users"], check=True)


def read(address, password):
    form = urllib.parse.urlencode({"grant_type": "password", "username": "admin", "password": password}).encode()
    token = json.load(urllib.request.urlopen(f"{address}/authenticate/connect/token", form))["access_token"]

    def get(path):
        request = urllib.request.Request(f"{address}/api/security{path}", headers={"Authorization": f"Bearer {token}"})
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        return (time.perf_counter() - began) * 1000, json.loads(body)

    last = int(get("/events/head")[1]["sequence"])
    middle = get(f"/events?after={last // 2}&limit=1")[1]["items"][0]["time"]
    filters = {
        "none": "", "user, often": f"user={dashed(ident(1, 7))}", "user": f"user={dashed(ident(1, 77_777))}", "nobody": f"user={dashed(ident(1, 999_999))}",
        "group, often": f"group={dashed(ident(2, 3))}", "group": f"group={dashed(ident(2, 777))}", "actor": f"actor={dashed(ident(3, 7))}",
        "type": "type=guildhall.group.members.removed", "rare type": "type=guildhall.settings.started", "types": "type=guildhall.group.*", "from": f"from={middle}", "to": f"to={middle}",
        "user and type": f"user={dashed(ident(1, 7))}&type=guildhall.group.members.added", "group and type": f"group={dashed(ident(2, 3))}&type=guildhall.group.members.removed",
        "group and from": f"group={dashed(ident(2, 3))}&from={middle}", "type and from": f"type=guildhall.user.updated&from={middle}",
        "actor and user": f"actor={dashed(ident(3, 7))}&user={dashed(ident(1, 7))}", "actor and rare type": f"actor={dashed(ident(3, 7))}&type=guildhall.api-key.created",
        "user and rare type": f"user={dashed(ident(1, 7))}&type=guildhall.user.updated", "group and rare type": f"group={dashed(ident(2, 3))}&type=guildhall.group.deleted",
        "actor and to": f"actor={dashed(ident(3, 7))}&to={middle}", "actor and group": f"actor={dashed(ident(3, 7))}&group={dashed(ident(2, 3))}",
    }
    for name, text in filters.items():
        for order, after in (("sequence", 0), ("sequence", last * 9 // 10), ("-sequence", last), ("-sequence", last // 10)):
            path = f"/events?{text}&order={order}&after={after}&limit=100"
            times = [get(path)[0] for _ in range(40)]
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{name:20} {order:10} after {after:>9}  p50 {statistics.median(times):7.2f}  p95 {p95:7.2f}", flush=True)


if sys.argv[1] == "fill":
    url = sys.argv[2]
    path = url.removeprefix("sqlite://")
    (fill_sqlite if path != url else fill_postgres)(path, int(sys.argv[3]))
else:
    read(sys.argv[2], sys.argv[3])
