"""Measures the service and its peers on the same users, groups and questions, and prints a table.

    python3 -m peers PROGRAM KEY_FILE SQLITE_URL POSTGRES_URL

A peer that is not here or does not run is a row that says why. Turns have the seconds of BENCH_SECONDS, but five at least.
"""

import math
import os
import statistics
import subprocess
import sys
import time

from figures.engines import engine
from figures.load import Wrk
from figures.report import table
from figures.service import Client, Service, path

from . import ds389, openldap, spicedb
from .data import Directory

SECONDS = max(5, int(os.environ["BENCH_SECONDS"]))


def guildhall(directory, program, key_file, url):
    with Service(program, url, key_file) as service:
        client, checks = Client(service), {}
        for kind, pairs in directory.questions.items():
            ask = Wrk(service, [path("groups", group, "users", user) for group, user in pairs], "HEAD")
            ask(1)
            checks[kind] = ask(SECONDS).rate
        times = []
        for _ in range(3):
            group = client.new_group(f"Bench-{os.getpid()}-peers-{len(times)}")
            times.append(client.time("POST", path("groups", group, "users"), directory.users))
            client.send("DELETE", path("groups", group))
        return {"checks": checks, "bulk": statistics.median(times), "memory": service.memory("VmRSS")}


def main():
    program, key_file, sqlite_url, postgres_url = sys.argv[1:]
    ours = {}
    # The two databases have the same users, whose ids tell when each was filled.
    for kind, url in (("postgres", postgres_url), ("sqlite", sqlite_url)):
        source = engine(kind, url)
        try:
            directory = Directory(source)
            ours[f"Guildhall on {source.name}"] = guildhall(directory, program, key_file, url)
        finally:
            source.close()
    rows = [[name, f"{told['checks']['direct']:,.0f}", f"{told['checks']['8 deep']:,.0f}", f"{told['bulk']:,.0f}", f"{told['memory']:.0f}", ""]
            for name, told in ours.items()]
    for name, measure in (("OpenLDAP, dynlist", openldap.measure), ("389 Directory Server, memberOf", ds389.measure),
                          ("SpiceDB, embedded, in memory", spicedb.measure)):
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        try:
            told = measure(directory, SECONDS)
        except (RuntimeError, OSError, subprocess.SubprocessError) as fault:
            rows.append([name, "", "", "", "", "not measured: " + " ".join(str(fault).split())[:200].replace("|", "/")])
            continue
        beaten = {"check, direct": all(one["checks"]["direct"] > told["checks"]["direct"] for one in ours.values()),
                  "check, 8 deep": all(one["checks"]["8 deep"] > told["checks"]["8 deep"] for one in ours.values()),
                  "bulk add": all(one["bulk"] < told["bulk"] for one in ours.values()), "memory": all(one["memory"] < told["memory"] for one in ours.values())}
        lost = [what for what, is_beaten in beaten.items() if not is_beaten]
        rows.append([name, f"{told['checks']['direct']:,.0f}", f"{told['checks']['8 deep']:,.0f}",
                     "over 60,000" if told["bulk"] == math.inf else f"{told['bulk']:,.0f}", f"{told['memory']:.0f}",
                     "met" if not lost else f"**missed**: {', '.join(lost)}"])
    print("## Peers\n")
    print(f"The same {len(directory.users):,} users, {len(directory.groups):,} groups and {directory.memberships:,} memberships in each; the bulk add is of all users to a new group. "
          "Checks are hits, over 8 connections; the LDAP servers are asked by `ldapsearch`, SpiceDB in its own process, without a network. "
          "The memory is what is resident after that; of Guildhall on PostgreSQL without the database. The target: beaten on check, bulk add and memory, on both databases.\n")
    print(table(["", "checks/s, direct", "checks/s, 8 deep", "bulk add, ms", "memory, MiB", "target"], rows, (1, 2, 3, 4)))


if __name__ == "__main__":
    main()
