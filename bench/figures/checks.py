"""Checks of membership: alone, under writes, in batches; and the groups of a user."""

import statistics

from .load import Asker, Wrk, Writes, both, in_turns, middle, p95, ratio
from .service import API, Client, path

MANY = 4_000
# How deep a chain's group is above the last one, in which the users are.
CHAIN = 200


def chain(depth):
    return f"Chain {CHAIN - depth}"


def questions(bench):
    """By kind: pairs of a group and a user, each an id, a name and the key of the name."""
    engine = bench.engine
    some = f"SELECT id, username, username_key FROM users WHERE username_key <> 'admin' ORDER BY random() LIMIT {MANY}"
    direct = engine.rows("SELECT g.id, g.name, g.name_key, u.id, u.username, u.username_key FROM "
                         f"({some}) u JOIN group_users m ON m.user_id = u.id JOIN groups g ON g.id = m.group_id ORDER BY random() LIMIT {MANY}")
    nobody = "NOT EXISTS (SELECT 1 FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id WHERE m.user_id = u.id AND c.ancestor_id = g.id)"
    leaves = ("SELECT id, name, name_key FROM groups WHERE child_group_count = 0 AND name_key NOT LIKE 'chain%' AND kind <> 'sys' "
              "ORDER BY random() LIMIT 100")
    groups, users = engine.rows(leaves), engine.rows(some)
    # Few are members of a group by chance; who is, is left out.
    engine.keep("candidates", "g uuid, u uuid" if engine.name == "PostgreSQL" else "g BLOB, u BLOB",
                [(groups[n % len(groups)][0], users[n][0]) for n in range(len(users))])
    table = "bench.candidates" if engine.name == "PostgreSQL" else "candidates"
    outside = engine.rows("SELECT g.id, g.name, g.name_key, u.id, u.username, u.username_key "
                          f"FROM {table} t JOIN groups g ON g.id = t.g JOIN users u ON u.id = t.u WHERE {nobody}")
    last = engine.rows("SELECT u.id, u.username, u.username_key FROM group_users m JOIN users u ON u.id = m.user_id "
                       f"WHERE m.group_id = (SELECT id FROM groups WHERE name_key = 'chain {CHAIN}') ORDER BY random() LIMIT {MANY}")
    others = engine.rows(f"SELECT id, username, username_key FROM ({some}) u WHERE NOT EXISTS (SELECT 1 FROM group_users m WHERE m.user_id = u.id "
                         f"AND m.group_id = (SELECT id FROM groups WHERE name_key = 'chain {CHAIN}'))")
    named = {row[1]: row for row in engine.rows("SELECT id, name, name_key FROM groups WHERE name_key LIKE 'chain %'")}
    deep = {f"depth {depth}": [named[chain(depth)] + user for user in last] for depth in (1, 8, CHAIN)}
    return {"direct, hit": direct, "direct, miss": outside, "8 deep, hit": deep["depth 8"],
            "8 deep, miss": [named[chain(8)] + user for user in others], **deep}


def line(pair, by="id"):
    return path("groups", pair[0], "users", pair[3]) if by == "id" else path("groups", pair[1], "users", pair[4])


def bare_route(bench, client=Wrk):
    return client(bench.service, ["/health/live"])


def single_checks(bench):
    report, engine, seconds, rounds = bench.report, bench.engine, bench.seconds, bench.rounds
    live = bare_route(bench)
    bare = middle(in_turns(rounds, lambda: live(seconds))[0])
    report.section("One check", "8 connections. The limit is the rate at which the bare route (`GET /health/live`) and the join "
                   "(`bench/sql/check_by_*.sql`) would run one after the other. On PostgreSQL, pgbench runs the join, prepared and planned once, over 8 connections; on SQLite, "
                   "Python runs it in one thread, and the target is about the bare route alone. wrk cannot ask for misses, which are refusals of HEAD: for "
                   "them and the route beside them, `bench/figures/asker.py` asks. "
                   "Beyond both limits, a check asks for the account of the caller and what both identifiers name, in the same statement; ARCHITECTURE.md says where its time goes.")
    report.row("the bare route", bare)
    kinds = ("direct, hit", "direct, miss", "8 deep, hit", "8 deep, miss")
    for by, at in (("id", (0, 3)), ("name", (2, 5))):
        for kind in kinds if not bench.few else kinds[::3] if by == "id" else kinds[:1]:
            pairs = bench.questions[kind]
            is_miss = kind.endswith("miss")
            client = Asker if is_miss else Wrk
            asked = client(bench.service, [line(pair, by) for pair in pairs], "HEAD", refused=float(is_miss))
            live = bare_route(bench, client)
            direct = engine.rate(f"check_by_{by}", [(pair[at[0]], pair[at[1]]) for pair in pairs], 8, seconds)
            loads, bares, rates = in_turns(rounds, lambda: asked(seconds), lambda: live(seconds), direct)
            load = middle(loads)
            limits = [both(bare.rate, rate) for bare, rate in zip(bares, rates)]
            shown = f"{statistics.median(limits):,.0f}/s (join {statistics.median(rates):,.0f}, route {middle(bares).rate:,.0f})"
            what = f"check by {by}, {kind}"
            if engine.name == "PostgreSQL":
                report.row(what, load, shown, ratio([one.rate for one in loads], limits), least=0.6)
            else:
                report.row(what, load, shown, ratio([one.rate for one in loads], [one.rate for one in bares]), least=0.5)
            if kind == "direct, hit" and by == "id":
                report.row("p99 of it, against p50", f"{load.p99:.1f} ms", f"{load.p50:.2f} ms", load.p99 / load.p50, most=10,
                           why="check: p99 to p50")


def crowded_checks(bench):
    """The same with more connections."""
    report, engine, seconds = bench.report, bench.engine, bench.seconds
    report.section("One check, 64 connections", "As above, by id, direct, hit. The route has 64 connections too; the join keeps 8, because pgbench does not begin 64 within a turn. Checks that wait at the same time are asked of PostgreSQL together.")
    pairs = bench.questions["direct, hit"]
    asked = Wrk(bench.service, [line(pair) for pair in pairs], "HEAD", connections=64)
    live = Wrk(bench.service, ["/health/live"], connections=64)
    direct = engine.rate("check_by_id", [(pair[0], pair[3]) for pair in pairs], 8, seconds)
    loads, bares, rates = in_turns(bench.rounds, lambda: asked(seconds), lambda: live(seconds), direct)
    limits = [both(bare.rate, rate) for bare, rate in zip(bares, rates)]
    shown = f"{statistics.median(limits):,.0f}/s (join {statistics.median(rates):,.0f}, route {middle(bares).rate:,.0f})"
    report.row("check by id, direct, hit", middle(loads), shown, ratio([one.rate for one in loads], limits))


def under_writes(bench):
    """Checks and listings, idle and under writes to a group that is asked about."""
    report, service, seconds, rounds = bench.report, bench.service, bench.seconds, bench.rounds
    report.section("Under 200 membership writes a second", "The writes are single adds and removals, to `Newsletter`, by a process of their own. The limit is the "
                   "same without them, in turns. Listings are asked one after the other.")
    joining = bench.outside("Newsletter", 2_000)
    pairs = bench.questions["direct, hit"]
    asked = Wrk(service, [line(pair) for pair in pairs], "HEAD")

    def written(work):
        with Writes(service, bench.group("Newsletter"), joining, 200) as writes:
            done = work()
        bench.written.append(writes.told)
        return done

    loads, idle = in_turns(rounds, lambda: written(lambda: asked(seconds)), lambda: asked(seconds))
    report.row("check by id, direct, hit", middle(loads), middle(idle), ratio([one.rate for one in loads], [one.rate for one in idle]),
               least=0.7, why="check under 200 writes/s, to idle")
    client = Client(service)
    for what, target in [("members of Newsletter, page 1", "/groups/Newsletter/users"),
                         ("members of Newsletter by last login", "/groups/Newsletter/users?order=-lastLogin"),
                         ("all members of CMS Editors", "/groups/CMS%20Editors/users?includeInherited=true"),
                         ("users, `q=mary smith`", "/users?q=mary%20smith"), ("a user's groups", f"/users/{pairs[0][3]}/groups?includeInherited=true")]:
        times = lambda: [client.time("GET", API + target) for _ in range(bench.requests)]
        loaded, idle = in_turns(rounds, lambda: written(times), times)
        shown = lambda rounds: f"p50 {statistics.median(sum(rounds, [])):.1f}, p95 {p95(sum(rounds, [])):.1f} ms"
        report.row(what, shown(loaded), shown(idle), ratio([statistics.median(one) for one in loaded], [statistics.median(one) for one in idle]))
    told = bench.written
    report.row("the writes themselves", f"{statistics.median(one['rate'] for one in told):.0f}/s, p50 "
               f"{statistics.median(one['p50'] for one in told):.1f}, p99 {statistics.median(one['p99'] for one in told):.1f} ms", "200/s wanted")


def batches(bench):
    report, engine, client = bench.report, bench.engine, Client(bench.service)
    report.section("Many checks at once", "`POST /memberships/check` by ids, half of them hits; the whole request. The limit is the same join by the database alone, "
                   "on arrays that it has already (`bench/sql/batch_check.sql`).")
    for size in (100, 10_000):
        half = [pair for pair in zip(bench.questions["direct, hit"], bench.questions["direct, miss"])]
        pairs = (sum(([one, other] for one, other in half), []) * (size // len(half) + 1))[:size]
        body = {"checks": [{"user": pair[3], "group": pair[0]} for pair in pairs]}
        alone = engine.batch([(pair[3], pair[0]) for pair in pairs])
        times, limits = in_turns(max(3 * bench.rounds, 5) if size > 100 else 20 * bench.rounds,
                                 lambda: client.time("POST", API + "/memberships/check", body), alone)
        report.row(f"{size:,} checks", f"{statistics.median(times):.1f} ms, {size / statistics.median(times) * 1000:,.0f} checks/s",
                   f"{statistics.median(limits):.1f} ms", ratio(limits, times), least=0.5 if size > 100 else None,
                   why=f"batch check of {size:,}, to the join alone")


def groups_of_a_user(bench):
    report, engine, seconds = bench.report, bench.engine, bench.seconds
    report.section("A user's effective groups", "`GET /users/{user}/groups?includeInherited=true`, 8 connections. The limit is the bare route and the page's statement "
                   "(`bench/sql/groups_of_user.sql`), one after the other.")
    pairs = bench.questions["direct, hit"]
    asked = Wrk(bench.service, [path("users", pair[3], "groups") + "?includeInherited=true" for pair in pairs])
    live = bare_route(bench)
    direct = engine.rate("groups_of_user", [(pair[0], pair[3]) for pair in pairs], 8, seconds)
    loads, bares, rates = in_turns(bench.rounds, lambda: asked(seconds), lambda: live(seconds), direct)
    limits = [both(bare.rate, rate) for bare, rate in zip(bares, rates)]
    report.row("first page", middle(loads), f"{statistics.median(limits):,.0f}/s (statement {statistics.median(rates):,.0f})",
               ratio([one.rate for one in loads], limits))


def growth(bench, small):
    """The same checks in a small database and in the large one, and at several depths."""
    report, seconds, rounds = bench.report, bench.seconds, bench.rounds
    report.section("Growth", "p50 with 8 connections, both services running, in turns.")
    here, there = (Wrk(one.service, [line(pair) for pair in one.questions["direct, hit"]], "HEAD") for one in (bench, small))
    loads, others = in_turns(rounds, lambda: here(seconds), lambda: there(seconds))
    report.row(f"check at {bench.memberships:,} memberships, to {small.memberships:,}", f"{middle(loads).p50:.2f} ms", f"{middle(others).p50:.2f} ms",
               ratio([one.p50 for one in loads], [one.p50 for one in others]), most=1.3, why="growth: check p50, many memberships to few")
    deep, flat = (Wrk(bench.service, [line(pair) for pair in bench.questions[f"depth {depth}"]], "HEAD") for depth in (CHAIN, 1))
    loads, others = in_turns(rounds, lambda: deep(seconds), lambda: flat(seconds))
    report.row(f"check {CHAIN} deep, to 1", f"{middle(loads).p50:.2f} ms", f"{middle(others).p50:.2f} ms",
               ratio([one.p50 for one in loads], [one.p50 for one in others]), most=1.2, why="growth: depth 200 to depth 1")
