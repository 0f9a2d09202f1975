"""Adds and removes members at a given rate, until its standard input ends, and prints how it went.

    figures/writer.py URL GROUP RATE      the token and the users' ids are two lines on standard input

Every second write takes away again whom the one before added, so the users of the list come and go one after the other. Writes are due by
the clock: one that comes late is followed at once by the next.
"""

import http.client
import json
import sys
import threading
import time
import urllib.parse

CONNECTIONS = 4

url, group, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
address = urllib.parse.urlsplit(url)
token = sys.stdin.readline().strip()
users = sys.stdin.readline().split()
is_over = threading.Event()
times, faults = [], []
print("writing", flush=True)
started = time.monotonic()


def write(number):
    """Each connection has users of its own, and its share of the rate."""
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    mine = users[number::CONNECTIONS]
    turn = 0
    # Whoever was added is removed before the end.
    while not is_over.is_set() or turn % 2:
        due = started + (turn * CONNECTIONS + number) / rate
        time.sleep(max(0.0, due - time.monotonic()))
        user = mine[turn // 2 % len(mine)]
        began = time.perf_counter()
        connection.request("DELETE" if turn % 2 else "PUT", f"/api/security/groups/{group}/users/{user}",
                           headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        content = answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != 204:
            faults.append(f"{answer.status} {content[:200]}")
            return
        turn += 1


def guarded(number):
    try:
        write(number)
    except (OSError, http.client.HTTPException) as fault:
        faults.append(repr(fault))


writers = [threading.Thread(target=guarded, args=(number,)) for number in range(CONNECTIONS)]
for writer in writers:
    writer.start()
sys.stdin.read()
is_over.set()
for writer in writers:
    writer.join()
took = time.monotonic() - started
times.sort()
print(json.dumps({"rate": len(times) / took, "writes": len(times), "p50": times[len(times) // 2] * 1000 if times else None,
                  "p99": times[len(times) * 99 // 100] * 1000 if times else None, "fault": faults[0] if faults else None}))
