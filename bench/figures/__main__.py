"""Measures one database that is filled, beside a small one, and writes the rows to a file.

    python3 -m figures sqlite|postgres PROGRAM KEY_FILE URL SMALL_URL OUT

The sizes and seconds are those of the environment: see bench/run.
"""

import http.client
import os
import subprocess
import sys

from . import changes, checks, processes, walks
from .engines import engine
from .report import Report
from .service import Client, Service, path


class Bench:
    """One database, the service over it, and what is asked."""

    def __init__(self, kind, program, key_file, url):
        self.program, self.key_file, self.url = program, key_file, url
        self.seconds = int(os.environ["BENCH_SECONDS"])
        self.rounds = int(os.environ["BENCH_ROUNDS"])
        self.requests = int(os.environ["BENCH_REQUESTS"])
        # Not every kind of question and of client.
        self.few = os.environ.get("QUICK") == "1"
        self.engine = engine(kind, url)
        self.report = Report(self.engine.name)
        self.written, self.made = [], 0
        self.size = int(self.engine.rows("SELECT count(*) FROM users")[0][0]) - 1
        self.memberships = int(self.engine.rows("SELECT count(*) FROM group_users")[0][0])
        self.leftovers()
        self.questions = checks.questions(self)

    def group(self, name):
        """The id of a group."""
        return self.engine.rows(f"SELECT id FROM groups WHERE name_key = '{name.lower()}'")[0][0]

    def outside(self, name, size):
        """Users who are not in a group."""
        group = self.engine.key(self.group(name))
        return [user for (user,) in self.engine.rows(
            f"SELECT id FROM users u WHERE NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = {group} AND m.user_id = u.id) "
            f"AND username_key <> 'admin' ORDER BY random() LIMIT {size}")]

    def name(self, kind):
        """A name for what is made in the run and taken away after it."""
        self.made += 1
        return f"Bench-{os.getpid()}-{kind}-{self.made}"

    def leftovers(self):
        """Takes away what a run that was broken off has left."""
        with Service(self.program, self.url, self.key_file) as service:
            client = Client(service)
            for (group,) in self.engine.rows("SELECT id FROM groups WHERE name_key LIKE 'bench-%-%'"):
                client.send("DELETE", path("groups", group))
            for (user,) in self.engine.rows("SELECT id FROM users WHERE username_key LIKE 'bench-%-%'"):
                client.send("DELETE", path("users", user))
        self.engine.clean()


def main():
    kind, program, key_file, url, small_url, out = sys.argv[1:]
    only = set(os.environ.get("BENCH_ONLY", "").split())
    bench = Bench(kind, program, key_file, url)
    small = Bench(kind, program, key_file, small_url)

    def part(name, measure, *others):
        """What cannot be measured is a row that says so, and does not keep the rest from being measured."""
        if only and name not in only:
            return
        try:
            measure(bench, *others)
        except (RuntimeError, OSError, subprocess.SubprocessError, http.client.HTTPException) as fault:
            bench.report.fault(name, fault)

    try:
        part("start", processes.cold_start)
        part("memory", processes.memory)
        with Service(program, url, key_file) as bench.service:
            with Service(program, small_url, key_file) as small.service:
                part("growth", checks.growth, small)
            for name, measure in [("checks", checks.single_checks), ("crowd", checks.crowded_checks), ("writes", checks.under_writes), ("batch", checks.batches),
                                  ("groups", checks.groups_of_a_user), ("single", changes.single_changes), ("walk", walks.walk),
                                  ("edges", changes.edges), ("sign-in", processes.sign_in), ("bulk", changes.bulk)]:
                part(name, measure)
    finally:
        bench.engine.close()
        small.engine.close()
    bench.report.save(out)


if __name__ == "__main__":
    main()
