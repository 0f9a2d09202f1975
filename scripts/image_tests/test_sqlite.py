"""The image with a volume that a SQLite file is on."""

import json
import os
import socket
import sqlite3
import threading
import urllib.request
import uuid

from container import PASSWORD, PATIENCE, ROOT, USER, Container, Test, podman


class OnSqlite(Test):
    """One container with a volume."""

    def test_a_first_start_a_stop_and_another_start(self):
        volume = f"--volume={self.volume()}:/data"
        first = Container(self, volume).wait()
        process, mounts = first.status_of_process()
        self.assertEqual(process["Uid"].split(), [str(USER)] * 4)
        self.assertEqual({process[name] for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]}, {"0" * 16})
        self.assertEqual((process["NoNewPrivs"], process["Seccomp"]), ("1", "2"))
        options = next(line.split()[3].split(",") for line in mounts.splitlines() if line.split()[1] == "/")
        self.assertIn("ro", options)
        log = first.log()
        for said in ["created the signing key", "Created the administrator", "listening on"]:
            self.assertEqual(log.count(said), 1, log)
        token = first.token()
        self.assertEqual(first.execute("healthcheck").stdout.strip(), "200 OK")
        user = {"username": "tdurden", "email": "tdurden@fightclub.com", "credentials": {"password": PASSWORD}}
        self.assertEqual(first.ask("POST", "/users", user)[0], 201)
        self.assertEqual(first.stop(), 0, first.log())
        self.assertIn("SIGTERM: finishing", first.log())
        second = Container(self, volume).wait()
        log = second.log()
        self.assertNotIn("created the signing key", log)
        self.assertNotIn("Created the administrator", log)
        self.assertEqual(second.ask("GET", "/users/tdurden", token=token)[1]["email"], user["email"])

    def test_requests_that_are_being_answered_are_finished(self):
        container = Container(self, f"--volume={self.volume()}:/data").wait()
        token = container.token()
        body = json.dumps({"name": "Paper Street Soap Company"}).encode()
        head = (
            f"POST /api/security/groups HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", container.port), timeout=PATIENCE) as stream:
            stream.sendall(head.encode())
            # It reads the body, so the request is being answered.
            self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 100"))
            statuses = []
            stopping = threading.Thread(target=lambda: statuses.append(container.stop()))
            stopping.start()
            while "SIGTERM: finishing" not in container.log():
                self.assertTrue(stopping.is_alive())
            stream.sendall(body)
            self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 201"))
        stopping.join()
        self.assertEqual(statuses, [0])

    def test_nothing_else_can_be_run_in_it(self):
        container = Container(self, f"--volume={self.volume()}:/data").wait()
        for program in ["sh", "/bin/sh", "bash", "ls", "apt-get"]:
            done = podman("exec", container.name, program, "-c", "id", check=False)
            self.assertIn(done.returncode, (126, 127), f"{program}: {done.stdout}{done.stderr}")

    def test_the_health_check_sees_what_is_wrong(self):
        folder = self.folder()
        container = Container(self, f"--volume={folder}:/data").wait()
        ask = lambda *arguments, **rest: container.execute("healthcheck", *arguments, check=False, **rest).returncode
        self.assertEqual((ask(), ask("live"), container.healthcheck()), (0, 0, 0))
        self.assertEqual(ask(options=["--env=GUILDHALL_SERVER__PORT=1"]), 1)
        (folder / "guildhall.db").rename(folder / "elsewhere.db")
        self.assertEqual((ask(), ask("live"), container.healthcheck()), (1, 0, 0))

    def test_a_volume_that_cannot_be_written_to_is_named(self):
        folder = self.folder()
        self.ends(["database.url", "/data/guildhall.db"], f"--volume={folder}:/data:ro")
        os.chown(folder, 0, 0)
        os.chmod(folder, 0o755)
        self.ends(["database.url", "/data/guildhall.db"], f"--volume={folder}:/data")
        self.assertEqual(list(folder.iterdir()), [])

    def test_a_file_of_an_older_version_is_migrated_with_what_is_in_it(self):
        folder = self.folder()
        migrations = older_file(folder / "guildhall.db")
        container = Container(self, f"--volume={folder}:/data").wait()
        self.assertEqual(container.log().count("ran the migration"), len(migrations) - OLDER_MIGRATIONS, container.log())
        self.assertNotIn("Created the administrator", container.log())
        token = container.token("tdurden")
        self.assertEqual(container.ask("GET", "/users/@current", token=token)[1]["email"], "tdurden@fightclub.com")
        for path, field, expected in [
            ("/groups/Project%20Mayhem/users/", "username", "tdurden"),
            ("/users/tdurden/groups?q=mayhem", "name", "Project Mayhem"),
            ("/users?q=urde", "username", "tdurden"),
        ]:
            items = container.ask("GET", path, token=token)[1]["items"]
            self.assertEqual([item[field] for item in items], [expected], path)
        self.assertEqual(container.stop(), 0)
        again = Container(self, f"--volume={folder}:/data").wait()
        self.assertNotIn("ran the migration", again.log())


# The tables of the first version, before there was searching, external issuers and locks that end.
OLDER_MIGRATIONS = 2


def older_file(file):
    """Makes a file as the first version left it, with a user in a group, and returns all migrations that there are."""
    migrations = sorted((ROOT / "migrations/sqlite").iterdir())
    user, stamp = uuid.uuid4().bytes, uuid.uuid4().bytes
    with sqlite3.connect(file) as connection:
        for migration in migrations[:OLDER_MIGRATIONS]:
            connection.executescript((migration / "up.sql").read_text())
        connection.execute(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        )
        versions = [[migration.name.split("_")[0].replace("-", "")] for migration in migrations[:OLDER_MIGRATIONS]]
        connection.executemany("INSERT INTO __diesel_schema_migrations (version) VALUES (?)", versions)
        insert(
            connection, "users", id=user, username="tdurden", username_key="tdurden", email="tdurden@fightclub.com", timezone="UTC",
            language="en-GB", custom="{}", provider_kind="contensis", provider_name="Contensis", suspended=0, locked=0,
            password_reset_required=0, created=0, modified=0, opt_out_of_notifications=0, failed_login_attempts=0,
            failed_login_attempts_since_last_success=0, successful_login_attempts=0, security_stamp=stamp, version=1,
        )  # fmt: skip
        for name in ["tdurden", "tdurden@fightclub.com"]:
            insert(connection, "user_identifiers", identifier_key=name, user_id=user)
        for name, kind in [("System Administrators", "sys"), ("Project Mayhem", "contensis")]:
            group = uuid.uuid4().bytes
            insert(
                connection, "groups", id=group, name=name, name_key=name.lower(), kind=kind, custom="{}", created=0, modified=0, version=1,
            )  # fmt: skip
            insert(connection, "group_closure", ancestor_id=group, descendant_id=group)
            insert(connection, "group_users", group_id=group, user_id=user, added=0)
            insert(connection, "group_user_counts", group_id=group, slot=0, users=1)
    connection.close()
    os.chown(file, USER, USER)
    return migrations


def insert(connection, table, **values):
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values()))
