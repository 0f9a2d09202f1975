"""A walk through a large group by cursors, while members come and go."""

import json
import statistics
import time
import urllib.parse

from .load import Writes, p95
from .service import Client, path

PAGE = 1_000


def walk(bench):
    report, client, engine = bench.report, Client(bench.service), bench.engine
    group = bench.group("All Customers")
    page = path("groups", group, "users") + f"?pageSize={PAGE}&cursor="
    members = {user for (user,) in engine.rows(f"SELECT user_id FROM group_users WHERE group_id = {engine.key(group)}")}
    report.section("A walk by cursors", f"Pages of {PAGE:,} of `All Customers` ({len(members):,} members), one after the other, under 100 membership writes a second to "
                   "that group. The limit is the first page, idle.")
    client.send("GET", page)
    first = statistics.median(client.time("GET", page) for _ in range(20))
    seen, doubled, times, cursor = set(), 0, [], ""
    joining = bench.outside("All Customers", 2_000)
    with Writes(bench.service, group, joining, 100) as writes:
        while cursor is not None:
            started = time.perf_counter()
            content = client.send("GET", page + urllib.parse.quote(cursor))[1]
            times.append((time.perf_counter() - started) * 1000)
            told = json.loads(content)
            # Those who come and go meanwhile may come once or not at all.
            ids = [item["id"] for item in told["items"]]
            doubled += len(ids) - len(set(ids) - seen)
            seen.update(ids)
            cursor = told.get("nextCursor")
    left_out = len(members - seen)
    report.row(f"p95 of {len(times):,} pages under {writes.told['rate']:.0f} writes/s", f"{p95(times):.1f} ms, p50 {statistics.median(times):.1f}",
               f"{first:.1f} ms", p95(times) / first, most=2, why="cursor walk: p95 of a page under writes, to the first page idle")
    report.row("members who came twice, or not at all", f"{doubled}, {left_out}", "0, 0", doubled + left_out, most=0,
               why="cursor walk: members doubled or left out")
