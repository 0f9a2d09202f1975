#!/usr/bin/env python3
"""Asks a service for listings, one request after the other, and prints a table of how long they took.

    BENCH_URL=… BENCH_TOKEN=… bench/listings.py sqlite|postgres DATABASE_URL [PART OF A LABEL]

Of every listing the first request, and after some more the median and the 95th percentile of many, and whether its total is
what plain SQL counts.
"""

import http.client
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse

WARM_UPS, REQUESTS = 20, int(os.environ.get("BENCH_REQUESTS", 100))
# What is slow is asked for as often as goes within so many seconds.
PATIENCE = int(os.environ.get("BENCH_PATIENCE", 3))
TARGET = 20.0
WORST_RATIO = 5.0
DAY = 86_400_000

kind, database = sys.argv[1:3]
only = sys.argv[3] if len(sys.argv) > 3 else ""
address = urllib.parse.urlsplit(os.environ["BENCH_URL"])
connection = http.client.HTTPConnection(address.hostname, address.port)
headers = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}


def get(path, **query):
    """How many milliseconds an answer took, and its total."""
    target = "/api/security" + urllib.parse.quote(path) + "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    started = time.perf_counter()
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        sys.exit(f"{target}: {answer.status} {body[:300]}")
    return took, json.loads(body)["totalCount"]


def count(sql):
    """What plain SQL counts; moments are ages in days."""
    now = int(time.time() * 1000)
    sql = sql.replace("{now}", str(now)).replace("{30d}", str(now - 30 * DAY)).replace("{7d}", str(now - 7 * DAY))
    if kind == "sqlite":
        rows = sqlite3.connect(f"file:{urllib.parse.urlsplit(database).path}?mode=ro", uri=True)
        return rows.execute(sql).fetchone()[0]
    return int(subprocess.run(["psql", "-XAtqc", sql, database], check=True, capture_output=True, text=True).stdout)


def measure(label, path, sql=None, target=TARGET, base=None, **query):
    """Prints a row of the table, and returns the median. `base` is the median that this one is compared with."""
    if only not in label:
        return None
    first, total = get(path, **query)
    started = time.perf_counter()
    for _ in range(WARM_UPS):
        if time.perf_counter() - started < PATIENCE / 4:
            get(path, **query)
    times = []
    started = time.perf_counter()
    while len(times) < 2 or (len(times) < REQUESTS and time.perf_counter() - started < PATIENCE):
        times.append(get(path, **query)[0])
    median, slow = statistics.median(times), statistics.quantiles(times, n=20, method="inclusive")[-1]
    checked = ""
    if sql:
        # The clock goes on while the database counts.
        checked = "yes" if count(sql) in (total, get(path, **query)[1]) else "**NO**"
    if base:
        verdict = f"{'met' if median <= WORST_RATIO * base else '**not met**'} ({median / base:.1f}x)"
    else:
        verdict = "" if target is None else "met" if slow <= target else "**not met**"
    asked = "" if len(times) == REQUESTS else f" ({len(times)} requests)"
    print(f"| {label}{asked} | {total:,} | {first:.1f} | {median:.1f} | {slow:.1f} | {verdict} | {checked} |", flush=True)
    return median


def section(title):
    print(f"\n#### {title}\n\n| listing | total | first | p50 | p95 | target | total as counted |\n|---|--:|--:|--:|--:|---|---|", flush=True)


def among(condition):
    return f"SELECT count(*) FROM users u JOIN user_search s ON s.user_id = u.id WHERE {condition}"


def named(text):
    return among(f"s.names_key LIKE '%{text}%'")


def group(name):
    return f"(SELECT id FROM groups WHERE name_key = '{name.lower()}')"


def direct(name):
    return f"SELECT count(*) FROM group_users WHERE group_id = {group(name)}"


def inherited(name):
    return ("SELECT count(DISTINCT m.user_id) FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id "
            f"WHERE c.ancestor_id = {group(name)}")


USER_FIELDS = """id username email firstName lastName timezone language credentials.provider.type credentials.provider.name
credentials.passwordChangeFrequency status.suspended status.locked status.passwordResetRequired created modified lastLogin
lastFailedLogin expiry passwordChanged optOutOfNotifications failedLoginAttempts failedLoginAttemptsSinceLastSuccess
successfulLoginAttempts""".split()
GROUP_FIELDS = "id name description type userCount childGroupCount created modified".split()

quiet = os.getloadavg()[0]
print(f"### {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}")

section("Members, first page")
for name in ["Everyone", "All Customers", "Newsletter", "Staff", "Editors", "Board"]:
    measure(f"direct members of {name}", f"/groups/{name}/users", direct(name))
many = {"includeInherited": "true"}
for name in ["CMS Editors", "Sales Engineering 1", "Faculty Health 2", "Campus Marketing 3", "Press Housing 51", "Students Authors 55"]:
    below = count(f"SELECT count(*) - 1 FROM group_closure WHERE ancestor_id = {group(name)}")
    measure(f"all members of {name} ({below:,} groups below)", f"/groups/{name}/users", inherited(name), **many)
measure("all members of CMS Editors but those of All Customers", "/groups/CMS Editors/users",
        f"SELECT count(*) FROM users WHERE id IN (SELECT user_id FROM group_users WHERE group_id = {group('Everyone')}) "
        f"AND id NOT IN (SELECT user_id FROM group_users WHERE group_id = {group('All Customers')})",
        excludedGroups="All Customers", **many)

section("Finding users, first page")
for text in ["zzyzx", "susan moore", "nalosen", "williams", "mary smith"]:
    measure(f"q={text}", "/users", named(text), q=text)
for text in ["smith", "com", "jo"]:
    measure(f"q={text} (many hits)", "/users", named(text), target=None, q=text)
for text in ["zzyzx", "mary.h", "jsmith", "williams"]:
    measure(f'username ~ "{text}"', "/users", among(f"u.username_key LIKE '%{text}%'"), zenql=f'username ~ "{text}"')
measure("created > -30d", "/users", among("u.created > {30d}"), zenql="created > -30d")
suspended = "(u.suspended OR coalesce(u.expiry <= {now}, 1 = 0))"
measure("status.suspended = true", "/users", among(suspended), target=None, zenql="status.suspended = true")
measure("status.suspended = false", "/users", among(f"NOT {suspended}"), target=None, zenql="status.suspended = false")
measure('email = "…"', "/users", among("s.email_key = 'mary.soxaras/@corp51.com'"), zenql='email = "mary.soxaras@corp51.com"', target=None)
measure("lastLogin > -7d and status.locked = false", "/users", among("u.last_login > {7d} AND u.locked_until IS NULL"), target=None,
        zenql="lastLogin > -7d and status.locked = false")
measure('custom.department = "Legal"', "/users", among("CAST(u.custom AS text) LIKE '%\"Legal\"%'"), target=None,
        zenql='custom.department = "Legal"')

section("Finding groups, first page")
plain = "SELECT count(*) FROM groups WHERE "
for text in ["zzyzx", "leeds 12", "sales london", "ludlow"]:
    measure(f"groups, q={text}", "/groups", plain + f"name_key LIKE '%{text}%'", q=text)

section("Orders of users, first page")
measure("/users", "/users", among("1 = 1"))
for field in USER_FIELDS:
    for sign in ["", "-"]:
        measure(f"order={sign}{field}", "/users", order=sign + field)

section("Orders of groups, first page")
measure("/groups", "/groups", plain + "1 = 1")
for field in GROUP_FIELDS:
    for sign in ["", "-"]:
        measure(f"groups, order={sign}{field}", "/groups", order=sign + field)

section("Page 10,000, against the first page")
for label, path, query in [("/users", "/users", {}), ("members of Everyone", "/groups/Everyone/users", {}),
                           ("all members of CMS Editors", "/groups/CMS Editors/users", many),
                           ("members of All Customers", "/groups/All Customers/users", {})]:
    base = measure(f"{label}, page 0", path, target=None, **query)
    measure(f"{label}, page 10,000", path, base=base, pageIndex=10_000, **query)

print(f"\nThe load average was {quiet:.1f} before and {os.getloadavg()[0]:.1f} after: what is above 1.3 was somebody else.")
