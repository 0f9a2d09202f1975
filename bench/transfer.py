"""Moves many users, groups and memberships in and out, and compares it with what the databases do alone.

    scripts/with-postgres python3 bench/transfer.py PROGRAM [USERS] [FOLDER]

It writes files of USERS users (1,000,000), a fiftieth as many groups in each other, and five memberships a user; imports them into SQLite, exports that, imports the export into PostgreSQL, exports that, and compares
both exports byte by byte. Then the databases take the same rows by themselves, twice: the rows of the files (`.import` of sqlite3, COPY of psql) into tables of texts with the keys that the rows are found by, and the
rows that the import wrote (`INSERT … SELECT` from the other file, COPY) into the service's own tables, with all their indexes and foreign keys. GUILDHALL_TEST_POSTGRES is the URL of a server on which databases
may be made. The example `sqlite` of the crate `guildhall-persistence` stands in `examples` beside PROGRAM, as cargo puts it: Debian's sqlite3 is too old for the service's tables.
"""

import csv
import filecmp
import os
import pathlib
import subprocess
import sys
import time

PROGRAM = os.path.abspath(sys.argv[1])
SQLITE = os.path.join(os.path.dirname(PROGRAM), "examples", "sqlite")
USERS = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
FOLDER = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else "/tmp/guildhall-transfer")
SERVER = os.environ["GUILDHALL_TEST_POSTGRES"].rsplit("/", 1)[0]
TABLES = ["users", "groups", "edges", "memberships", "managers"]
KEYS = {
    "users": ["UNIQUE (id)", "UNIQUE (userName)", "UNIQUE (email)"],
    "groups": ["UNIQUE (name)"],
    "edges": ["UNIQUE (parent, child)", "UNIQUE (child, parent)"],
    "memberships": ["UNIQUE (groupId, userId)", "UNIQUE (userId, groupId)"],
    "managers": ["UNIQUE (groupId, managerId)"],
}


def timed(arguments, environment=None, feed=None):
    """Runs a program, and returns how long it took and its most memory in MiB."""
    began = time.monotonic()
    child = subprocess.Popen(arguments, env=environment, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    peak = 0
    while child.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
            peak = max(peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            pass
        time.sleep(0.1)
    took = time.monotonic() - began
    output = child.stdout.read().decode()
    if child.returncode:
        sys.exit(f"{arguments}: {output[-2000:]}")
    return took, peak / 1024, output


def write_files(folder):
    folder.mkdir(parents=True)
    groups = USERS // 50

    def user(number):
        return f"10000000-0000-7000-8000-{number:012x}"

    def group(number):
        return f"20000000-0000-7000-8000-{number:012x}"

    def write(name, header, rows):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)

    moment = "2024-02-29T12:00:00.000Z"
    write(
        "users",
        ["id", "userName", "email", "firstName", "lastName", "created", "modified", "custom"],
        (
            [user(n), f"user{n}", f"user{n}@people.example", f"First{n % 5000}", f"Last{n % 9973}", moment, moment, f'{{"staff":{n}}}']
            for n in range(USERS)
        ),
    )
    write("groups", ["id", "name", "created", "modified"], ([group(n), f"Group {n}", moment, moment] for n in range(groups)))
    write(
        "edges",
        ["parentId", "childId", "added"],
        ([group((n - 1) // 3), group(n), moment] for n in range(1, groups)),
    )
    write(
        "memberships",
        ["groupId", "userId", "added"],
        ([group((n * 7919 + copy * 104729) % groups), user(n), moment] for copy in range(5) for n in range(USERS)),
    )
    write("managers", ["groupId", "managerType", "managerId", "added"], ([group(n), "user", user(n), moment] for n in range(groups)))


def settings(url):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GUILDHALL_")}
    return environment | {"GUILDHALL_DATABASE__URL": url, "GUILDHALL_LOG__LEVEL": "warn"}


def columns(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        return next(csv.reader(file))


def tables(folder):
    """Tables of texts with the keys and indexes by which rows are found."""
    for name in TABLES:
        names = columns(folder, name)
        keys = [key for key in KEYS[name] if all(part.strip("() ") in names for part in key.split("UNIQUE")[1].split(","))]
        quoted = [key.replace("(", '("').replace(", ", '", "').replace(")", '")') for key in keys]
        cells = ['"' + column + '" text' for column in names]
        yield name, f"CREATE TABLE {name} ({', '.join(cells + quoted)});"


def bare_sqlite(folder):
    file = FOLDER / "bare.db"
    file.unlink(missing_ok=True)
    lines = ["PRAGMA journal_mode=WAL;", "PRAGMA synchronous=NORMAL;"]
    for name, table in tables(folder):
        lines += [table, f".import --csv --skip 1 {folder / (name + '.csv')} {name}"]
    script = FOLDER / "bare.sql"
    script.write_text("\n".join(lines) + "\n")
    with open(script) as feed:
        return timed(["sqlite3", str(file)], feed=feed)[0]


def psql(database, statement):
    return timed(["psql", "-qX", "-v", "ON_ERROR_STOP=1", f"{SERVER}/{database}", "-c", statement])[0]


def bare_postgres(folder):
    psql("postgres", "DROP DATABASE IF EXISTS bare")
    psql("postgres", "CREATE DATABASE bare")
    took = 0
    for name, table in tables(folder):
        psql("bare", table)
        took += psql("bare", f"\\copy {name} FROM '{folder / (name + '.csv')}' WITH (FORMAT csv, HEADER)")
    return took


def written_sqlite():
    """The rows that the import wrote, into empty tables of the service."""
    file = FOLDER / "written.db"
    timed([PROGRAM, "migrate"], settings(f"sqlite://{file}"))
    source = FOLDER / "transfer.db"
    names = timed(["sqlite3", str(source), "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'"])[2]
    lines = ["PRAGMA synchronous=NORMAL;", f"ATTACH '{source}' AS source;", "PRAGMA foreign_keys=ON;", "BEGIN;", "PRAGMA defer_foreign_keys=ON;"]
    for name in names.split():
        lines += [f"DELETE FROM main.{name};", f"INSERT INTO main.{name} SELECT * FROM source.{name};"]
    script = FOLDER / "written.sql"
    script.write_text("\n".join([*lines, "COMMIT;"]) + "\n")
    with open(script) as feed:
        return timed([SQLITE, str(file)], feed=feed)[0]


def written_postgres():
    """Likewise."""
    psql("postgres", "DROP DATABASE IF EXISTS written")
    psql("postgres", "CREATE DATABASE written ENCODING 'UTF8' TEMPLATE template0")
    timed([PROGRAM, "migrate"], settings(f"{SERVER}/written"))
    listed = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE '\\_\\_%'"
    names = timed(["psql", "-qXAt", f"{SERVER}/transfer", "-c", listed])[2].split()
    names.sort(key=lambda name: ["users", "groups"].index(name) if name in ["users", "groups"] else 2)
    psql("written", "TRUNCATE " + ", ".join(names))
    took = 0
    for name in names:
        rows = FOLDER / f"{name}.rows"
        psql("transfer", f"\\copy {name} TO '{rows}'")
        # Triggers fill some.
        psql("written", f"DELETE FROM {name}")
        took += psql("written", f"\\copy {name} FROM '{rows}'")
        rows.unlink()
    return took


def main():
    if FOLDER.exists():
        sys.exit(f"{FOLDER} is there")
    FOLDER.mkdir()
    write_files(FOLDER / "given")
    psql("postgres", "DROP DATABASE IF EXISTS transfer")
    psql("postgres", "CREATE DATABASE transfer ENCODING 'UTF8' TEMPLATE template0")
    databases = {"SQLite": settings(f"sqlite://{FOLDER / 'transfer.db'}"), "PostgreSQL": settings(f"{SERVER}/transfer")}
    given, figures = FOLDER / "given", {}
    for name, environment in databases.items():
        timed([PROGRAM, "migrate"], environment)
        took, peak, output = timed([PROGRAM, "import", str(given)], environment)
        figures[name] = took
        print(f"import into {name}: {took:.1f} s, {peak:.0f} MiB", flush=True)
        print(output, flush=True)
        out = FOLDER / f"out-{name}"
        took, peak, _ = timed([PROGRAM, "export", str(out)], environment)
        print(f"export from {name}: {took:.1f} s, {peak:.0f} MiB", flush=True)
        given = out
    same = [filecmp.cmp(FOLDER / "out-SQLite" / f"{name}.csv", FOLDER / "out-PostgreSQL" / f"{name}.csv", False) for name in TABLES]
    print("the exports are the same:", dict(zip(TABLES, same)), flush=True)
    for name, bare, folder, written in [
        ("SQLite", bare_sqlite, FOLDER / "given", written_sqlite),
        ("PostgreSQL", bare_postgres, FOLDER / "out-SQLite", written_postgres),
    ]:
        took = bare(folder)
        print(f"the rows of the files alone into {name}: {took:.1f} s, ratio {figures[name] / took:.2f}", flush=True)
        took = written()
        print(f"the rows that the import wrote alone into {name}: {took:.1f} s, ratio {figures[name] / took:.2f}", flush=True)
    if not all(same):
        sys.exit(1)


main()
