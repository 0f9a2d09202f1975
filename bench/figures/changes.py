"""Changes: single adds and removals, bulk adds with their memory, edges between groups."""

import statistics

from .load import HERE, Wrk, both, in_turns, middle, ratio
from .service import Client, path


def single_changes(bench):
    """Each turn has a group of its own, and users that were not there before."""
    report, engine, seconds, client = bench.report, bench.engine, bench.seconds, Client(bench.service)
    report.section("One member more or less", "`PUT` and `DELETE /groups/{group}/users/{user}`, all of them to one group. The limit on PostgreSQL is pgbench with the "
                   "membership and its count in one transaction (`bench/sql/{add,remove}_member.sql`) and as many clients; on SQLite, the same in one thread of "
                   "Python, each in a transaction that waits for the disk as the service's do. There is one writer at a time there.")
    users = engine.keep_users(min(40_000, bench.size // 2))
    lines = [(user,) for user in users]
    some = (16,) if bench.few else (1, 16)
    live = {clients: Wrk(bench.service, ["/health/live"], connections=clients) for clients in some}

    def changed(method, clients):
        def turn():
            group = client.new_group(bench.name("Single"))
            if method == "DELETE":
                client.send("POST", path("groups", group, "users"), users)
            load = Wrk(bench.service, [path("groups", group, "users", user) for (user,) in lines], method, clients)(seconds)
            client.send("DELETE", path("groups", group))
            return load
        return turn

    def alone(method, clients):
        def turn():
            group = client.new_group(bench.name("Bare"))
            name = "add_member" if method == "PUT" else "remove_member"
            if method == "DELETE":
                engine.insert_kept(group)
            if engine.name == "PostgreSQL":
                script = (HERE / "sql" / f"{name}.sql").read_text()
                rate = engine.pgbench(script, clients, seconds, group=group, users=len(users))
            else:
                sql = ("INSERT INTO group_users (group_id, user_id, added) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING" if method == "PUT"
                       else "DELETE FROM group_users WHERE group_id = ?1 AND user_id = ?2")
                rate = engine.change(sql, group, users)(seconds)
            client.send("DELETE", path("groups", group))
            return rate
        return turn

    for method, what in (("PUT", "adding"), ("DELETE", "removing")):
        for clients in some:
            loads, rates, bares = in_turns(bench.rounds, changed(method, clients), alone(method, clients), lambda: live[clients](seconds))
            rates_of = [load.rate for load in loads]
            engine_rate, bare = statistics.median(rates), middle(bares).rate
            is_target = engine.name == "PostgreSQL" and method == "PUT" and clients == 16
            report.row(f"{what}, {clients} client{'s' if clients > 1 else ''}", middle(loads),
                       f"{engine_rate:,.0f}/s; with the route {both(bare, engine_rate):,.0f}/s", ratio(rates_of, rates),
                       least=0.6 if is_target else None, why="single add, 16 clients, to pgbench")
    engine.clean()


def bulk(bench):
    """Adds users to a new group, and takes the group away. Peaks are what is resident at most, above what was before."""
    report, engine, service, client = bench.report, bench.engine, bench.service, Client(bench.service)
    report.section("Bulk add", "`POST /groups/{group}/users` with so many ids, the whole request; all or nothing. The limit is the bare insertion of the same "
                   "users: on PostgreSQL one `INSERT … unnest` in psql with the ids in its text, on SQLite one prepared `INSERT`, run by Python for each row, in one transaction. "
                   "Neither looks who exists, nor counts: the service does both in the same transaction, so that every unknown id is named before a row is written. In PostgreSQL, "
                   "the look takes 6 to 10 % of the insertion, whose larger part is the foreign key to `users`, checked row by row; the rest is reading the body, and for 100 ids the six "
                   "round trips.")
    peaks = []
    for size in (size for size in (100, 1_000, 10_000, 100_000, 1_000_000) if size <= bench.size):
        users = engine.keep_users(size)
        body = '["' + '","'.join(users) + '"]'

        def through():
            group = client.new_group(bench.name("Bulk"))
            service.forget_peak()
            before = service.memory("VmRSS")
            took = client.time("POST", path("groups", group, "users"), body)
            peaks.append((size, before, service.memory("VmHWM")))
            remove(group)
            return took

        def bare():
            group = client.new_group(bench.name("Bare"))
            took = engine.insert_kept(group)
            remove(group)
            return took

        def remove(group):
            client.send("DELETE", path("groups", group))
            if size >= 100_000:
                engine.clean()

        rounds = bench.rounds * {100: 20, 1_000: 8, 10_000: 3, 100_000: 1}.get(size, 1) if size < 1_000_000 else min(bench.rounds, 2)
        times, limits = in_turns(rounds, through, bare)
        report.row(f"adding {size:,}", f"{statistics.median(times):,.1f} ms", f"{statistics.median(limits):,.1f} ms", ratio(times, limits),
                   most=1.5 if size == 100 else 1.1, why=f"bulk add of {size:,}, to the bare INSERT")
    idle = min(before for _, before, _ in peaks)
    for size in sorted({size for size, _, _ in peaks if size >= 10_000}):
        peak = max(most for of, _, most in peaks if of == size)
        each = (peak - idle) * 2**20 / size
        report.row(f"peak while adding {size:,}, above idle", f"{peak:.0f} MiB, {each:.0f} bytes an id", f"{idle:.0f} MiB idle, 120 bytes an id", each,
                   most=120 if size >= 100_000 else None, why=f"bulk add of {size:,}: bytes an id above idle")


def edges(bench):
    """Attaching and detaching, below a parent with many users and below one with none."""
    report, client, engine = bench.report, Client(bench.service), bench.engine
    many = bench.size // 10
    report.section("Attaching and detaching a group", f"`PUT` and `DELETE /groups/{{parent}}/groups/{{child}}`. The crowded parent has {many:,} effective users, by a group "
                   "below it. The limit is the same below an empty parent: the cost is to come from groups, not from users.")
    crowded, empty = (client.new_group(bench.name(kind)) for kind in ("Crowded", "Empty"))
    large = bench.group("Newsletter")
    client.send("PUT", path("groups", crowded, "groups", large))
    # The tree with most groups below that has no more than some thousands, and a group of nobody.
    tree = engine.rows("SELECT g.id, g.name, count(*) FROM groups g JOIN group_closure c ON c.ancestor_id = g.id WHERE g.kind <> 'sys' "
                       "AND g.name_key NOT LIKE 'chain%' GROUP BY g.id, g.name HAVING count(*) <= 4000 ORDER BY 3 DESC LIMIT 1")[0]
    lone = client.new_group(bench.name("Lone"))

    def turn(parent, child, method):
        def run():
            back = "DELETE" if method == "PUT" else "PUT"
            target = path("groups", parent, "groups", child)
            if method == "DELETE":
                client.send("PUT", target)
            took = client.time(method, target)
            if method == "PUT":
                client.send(back, target)
            return took
        return run

    for what, child in ((f"a group of nobody", lone), (f"{tree[1]}, {int(tree[2]) - 1:,} groups below", tree[0]), (f"a group of {many:,} users", large)):
        rounds = bench.rounds * (3 if child == tree[0] else 10)
        if child == large:
            client.send("DELETE", path("groups", crowded, "groups", large))
            client.send("POST", path("groups", crowded, "users"), bench.outside("Newsletter", min(many, 1_000_000 - many)))
        for method, done in (("PUT", "attaching"), ("DELETE", "detaching")):
            times, limits = in_turns(rounds, turn(crowded, child, method), turn(empty, child, method))
            report.row(f"{done} {what}", f"{statistics.median(times):.1f} ms", f"{statistics.median(limits):.1f} ms", ratio(times, limits), most=1.2,
                       why=f"{done} below {many:,} users, to below none" if child == lone else f"{done} {what}, below {many:,} users, to below none")
    for group in (crowded, empty, lone):
        client.send("DELETE", path("groups", group))
    engine.clean()
