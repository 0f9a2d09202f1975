"""The two databases, asked directly: what is in them, and how long they take without the service."""

import csv
import io
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse
import uuid

from .load import HERE

# Of a statement that is prepared, PostgreSQL may go on making a plan for each run; one plan for all is a multiple faster here.
OPTIONS = {"PGOPTIONS": "-c plan_cache_mode=force_generic_plan -c jit=off -c max_parallel_workers_per_gather=0"}


def statement(name):
    """The text of a file of bench/sql, without its comments."""
    lines = (HERE / "sql" / f"{name}.sql").read_text().splitlines()
    return " ".join(line.strip() for line in lines if not line.startswith("--")).rstrip(";")


class Postgres:
    """PostgreSQL by psql and pgbench. Times are those of psql's `\\timing` in one session."""

    name = "PostgreSQL"

    def __init__(self, url):
        self.url = url
        self.session = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        # As the service sets its own sessions up.
        self.tell("SET jit = off; SET max_parallel_workers_per_gather = 0; DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench;")

    def close(self):
        self.tell("DROP SCHEMA IF EXISTS bench CASCADE;")
        self.session.stdin.close()
        self.session.wait(timeout=60)

    def tell(self, sql):
        """Runs statements in the session, and returns what it prints."""
        self.session.stdin.write(f"{sql}\n\\echo :done:\n")
        self.session.stdin.flush()
        lines = []
        for line in self.session.stdout:
            if line == ":done:\n":
                return lines
            lines.append(line)
        raise RuntimeError(f"psql: {''.join(lines[-5:])} after {sql[:200]}")

    def time(self, sql):
        """How many milliseconds a statement takes, with its commit."""
        said = "".join(self.tell(f"\\timing on\n{sql};\n\\timing off"))
        return float(re.findall(r"^Time: ([0-9.]+) ms", said, re.MULTILINE)[-1])

    def rows(self, sql):
        told = subprocess.run(["psql", "-XqAtc", f"COPY ({sql}) TO STDOUT (FORMAT csv)", self.url], check=True, capture_output=True, text=True)
        return [tuple(row) for row in csv.reader(io.StringIO(told.stdout))]

    @staticmethod
    def key(id_):
        return f"'{id_}'::uuid"

    def clean(self):
        self.tell("VACUUM group_users; VACUUM group_user_counts; VACUUM user_counts; VACUUM group_closure;")

    def keep(self, table, columns, rows):
        """Keeps rows in a table of the schema `bench`, numbered from 1 in `n`."""
        self.tell(f"DROP TABLE IF EXISTS bench.{table}; CREATE UNLOGGED TABLE bench.{table} (n serial PRIMARY KEY, {columns});")
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        names = ", ".join(column.split()[0] for column in columns.split(", "))
        self.tell(f"\\copy bench.{table} ({names}) FROM STDIN (FORMAT csv)\n{text.getvalue()}\\.\nANALYZE bench.{table};")

    def pgbench(self, script, clients, seconds, each=1, **variables):
        """How often in a second a script runs, or what is in it `each` times."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", file.name]
            for name, value in variables.items():
                command += ["-D", f"{name}={value}"]
            ran = subprocess.run([*command, self.url], capture_output=True, text=True, timeout=seconds + 60, env=os.environ | OPTIONS)
            if ran.returncode:
                raise RuntimeError(f"pgbench: {ran.stderr[-500:]}")
        return float(re.search(r"^tps = ([0-9.]+)", ran.stdout, re.MULTILINE)[1]) * each

    EACH = 40

    def keep_pairs(self, pairs):
        """Keeps pairs of texts or ids for `rate`, so many in a row."""
        rows = [sum(pairs[at:at + self.EACH], ()) for at in range(0, len(pairs) - self.EACH + 1, self.EACH)]
        kind = "uuid" if is_id(pairs[0][0]) else "text"
        self.keep("pairs", ", ".join(f"g{n} {kind}, u{n} {kind}" for n in range(self.EACH)), rows)
        return len(rows)

    def rate(self, name, pairs, clients, seconds):
        """How often in a second pgbench runs a statement with pairs of a group and a user. One row of `bench.pairs` is enough for forty times."""
        rows = self.keep_pairs(pairs)
        columns = ", ".join(f"g{n}, u{n}" for n in range(self.EACH))
        script = f"\\set n random(1, {rows})\nSELECT {columns} FROM bench.pairs WHERE n = :n \\gset\n"
        script += "".join(statement(name).replace(":group", f":g{n}").replace(":user", f":u{n}") + ";\n" for n in range(self.EACH))
        return lambda: self.pgbench(script, clients, seconds, self.EACH)

    def batch(self, pairs):
        """How long the join of many pairs of a user and a group takes."""
        self.keep("checks", "u uuid, g uuid", pairs)
        self.tell("DROP TABLE IF EXISTS bench.arrays; CREATE UNLOGGED TABLE bench.arrays AS SELECT array_agg(u ORDER BY n) AS users, "
                  "array_agg(g ORDER BY n) AS groups FROM bench.checks; ANALYZE bench.arrays;")
        sql = statement("batch_check").replace(":checks", "(SELECT unnest(users) AS u, unnest(groups) AS g FROM bench.arrays)")
        return lambda: self.time(sql)

    def keep_users(self, size):
        """Keeps so many users in `bench.users`, and returns them, in the order of their ids."""
        users = [user for (user,) in self.rows(f"SELECT id FROM (SELECT id FROM users ORDER BY random() LIMIT {size}) t ORDER BY id")]
        self.keep("users", "id uuid", [(user,) for user in users])
        self.kept = users
        return users

    def insert_kept(self, group):
        """How long it takes to insert the users that are kept into a group, by one statement with their ids in it."""
        ids = ",".join(self.kept)
        return self.time(f"INSERT INTO group_users (group_id, user_id, added) SELECT '{group}', unnest('{{{ids}}}'::uuid[]), 0")


class Sqlite:
    """SQLite by Python's module, in this process, set up as the service sets up its connections."""

    name = "SQLite"

    def __init__(self, url):
        self.file = pathlib.Path(urllib.parse.urlsplit(url).path)
        self.connection = sqlite3.connect(self.file, isolation_level=None, timeout=60)
        self.connection.executescript("PRAGMA busy_timeout = 60000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                                      "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;")

    def close(self):
        self.connection.close()

    def time(self, sql):
        """How many milliseconds a statement takes, with its commit."""
        started = time.perf_counter()
        self.connection.execute(sql).fetchall()
        return (time.perf_counter() - started) * 1000

    def rows(self, sql):
        return [tuple(str(uuid.UUID(bytes=value)) if isinstance(value, bytes) else str(value) for value in row)
                for row in self.connection.execute(sql)]

    @staticmethod
    def key(id_):
        return f"x'{uuid.UUID(id_).hex}'"

    def clean(self):
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def keep(self, table, columns, rows):
        """Keeps rows in a temporary table."""
        self.connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        self.connection.execute(f"CREATE TEMP TABLE {table} (n INTEGER PRIMARY KEY, {columns})")
        names = [column.split()[0] for column in columns.split(", ")]
        values = [tuple(native(value) for value in row) for row in rows]
        self.connection.execute("BEGIN")
        self.connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
        self.connection.execute("COMMIT")

    def rate(self, name, pairs, clients, seconds):
        """How often in a second one thread runs a prepared statement with pairs of a group and a user."""
        sql = statement(name).replace(":group", "?1").replace(":user", "?2")
        values = [tuple(native(value) for value in pair) for pair in pairs]

        def run():
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < seconds:
                for pair in values[:500]:
                    self.connection.execute(sql, pair).fetchall()
                count += min(len(values), 500)
                values.append(values.pop(0))
            return count / (time.perf_counter() - started)

        return run

    def batch(self, pairs):
        """How long the join of many pairs of a user and a group takes."""
        self.keep("checks", "u BLOB, g BLOB", pairs)
        sql = statement("batch_check").replace(":checks", "checks")
        return lambda: self.time(sql)

    def keep_users(self, size):
        """Keeps so many users, and returns them, in the order of their ids."""
        users = [user for (user,) in self.rows(f"SELECT id FROM (SELECT id FROM users ORDER BY random() LIMIT {size}) t ORDER BY id")]
        self.kept = [native(user) for user in users]
        return users

    def insert_kept(self, group):
        """How long it takes to insert the users that are kept into a group, by one prepared statement, row by row in one transaction."""
        rows = [(native(group), user) for user in self.kept]
        started = time.perf_counter()
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO group_users (group_id, user_id, added) VALUES (?1, ?2, 0)", rows)
        self.connection.execute("COMMIT")
        return (time.perf_counter() - started) * 1000

    def change(self, sql, group, users):
        """Runs a statement of one membership and its count, each time in a transaction of its own, for one user after the other."""
        count = ("INSERT INTO group_user_counts (group_id, slot, users, changes) VALUES (?1, 0, 1, 1) ON CONFLICT (group_id, slot) "
                 "DO UPDATE SET users = group_user_counts.users + 1, changes = group_user_counts.changes + 1")
        group = native(group)

        def run(seconds):
            done, started = 0, time.perf_counter()
            while time.perf_counter() - started < seconds:
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.execute(sql, (group, native(users[done % len(users)])))
                self.connection.execute(count, (group,))
                self.connection.execute("COMMIT")
                done += 1
            return done / (time.perf_counter() - started)

        return run


def is_id(text):
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


def native(value):
    """An id as SQLite keeps it."""
    return uuid.UUID(value).bytes if isinstance(value, str) and is_id(value) else value


def engine(kind, url):
    return (Postgres if kind == "postgres" else Sqlite)(url)
