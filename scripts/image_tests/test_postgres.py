"""The image beside a PostgreSQL, whose administrator's URL is in GUILDHALL_TEST_POSTGRES."""

import os
import subprocess
import uuid

from container import PASSWORD, Container, Test, run


class OnPostgres(Test):
    """Containers beside a PostgreSQL, with a key that is mounted."""

    def setUp(self):
        server, name = os.environ["GUILDHALL_TEST_POSTGRES"], f"image_{uuid.uuid4().hex}"
        subprocess.run(["psql", "--quiet", "--command", f"CREATE DATABASE {name}", server], check=True)
        self.url = f"{server.rpartition('/')[0]}/{name}"

    def test_the_key_is_made_beforehand_and_two_containers_share_it(self):
        key = self.folder() / "signing-key.pem"
        key.write_text(run("keys", "generate", "-"))
        key.chmod(0o444)
        options = [f"--volume={key}:/run/secrets/signing_key:ro"]
        settings = {
            "DATABASE__URL": self.url,
            "AUTH__SIGNING_KEY_FILE": "/run/secrets/signing_key",
            "BOOTSTRAP__ADMIN_PASSWORD": PASSWORD,
        }
        # Nothing is written, so there is no volume.
        self.assertIn("ran the migration", run("migrate", options=options, **settings))
        first, second = [Container(self, *options, **settings) for _ in range(2)]
        token = first.wait().token()
        self.assertEqual(first.ask("POST", "/groups", {"name": "Project Mayhem"}, token)[0], 201)
        self.assertEqual(second.wait().ask("GET", "/groups/Project%20Mayhem", token=token)[0], 200)
        self.assertNotIn("created the signing key", first.log() + second.log())
        self.assertNotIn(PASSWORD, first.log() + second.log())
        self.assertEqual((first.stop(), second.stop()), (0, 0))

    def test_a_missing_key_is_made_where_it_can_be_and_told_and_nowhere_else(self):
        folder = self.folder()
        settings = {"DATABASE__URL": self.url, "AUTH__SIGNING_KEY_FILE": "/keys/key.pem"}
        said = ["auth.signing_key_file", "guildhall keys generate", "/keys/key.pem"]
        self.ends(said, **settings)
        self.ends([*said, "Read-only file system"], f"--volume={folder}:/keys:ro", **settings)
        self.ends([*said[:1], "/nowhere/key.pem"], **{**settings, "AUTH__SIGNING_KEY_FILE": "/nowhere/key.pem"})
        self.assertEqual(list(folder.iterdir()), [])
        container = Container(self, f"--volume={folder}:/keys", **settings).wait()
        self.assertEqual(container.log().count("created the signing key"), 1, container.log())
        self.assertEqual([(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()], [("key.pem", 0o600)])
