"""What is in the image, and what it says about itself."""

import json
import re
import subprocess
import unittest
from pathlib import Path

from container import IMAGE, ROOT, USER, podman, run

MOST_BYTES = 60_000_000


class Contents(unittest.TestCase):
    """What is in the image."""

    @classmethod
    def setUpClass(cls):
        cls.root = Path(podman("image", "mount", IMAGE).stdout.strip())
        cls.addClassCleanup(podman, "image", "unmount", IMAGE)
        cls.image = json.loads(podman("image", "inspect", IMAGE).stdout)[0]
        cls.files = [path for path in cls.root.rglob("*") if path.is_file() and not path.is_symlink()]

    def relative(self, paths):
        return sorted("/" + str(path.relative_to(self.root)) for path in paths)

    def test_it_is_small(self):
        size = self.image["Size"]
        print(f"{IMAGE}: {size / 1e6:.1f} MB, of which the program {(self.root / 'usr/bin/guildhall').stat().st_size / 1e6:.1f}")
        self.assertLessEqual(size, MOST_BYTES)

    def test_there_is_no_other_program(self):
        programs = [path for path in self.files if path.stat().st_mode & 0o111 and ".so" not in path.name]
        self.assertEqual(self.relative(programs), ["/usr/bin/guildhall"])
        scripts = [path for path in self.files if path.read_bytes()[:2] == b"#!"]
        self.assertEqual(self.relative(scripts), [])
        names = {path.name for path in self.root.rglob("*") if not path.is_dir()}
        self.assertEqual(names & {"sh", "bash", "dash", "busybox", "apt", "dpkg", "apk", "perl", "python3", "openssl"}, set())

    def test_its_user_owns_nothing_but_the_data(self):
        owned = [path for path in self.root.rglob("*") if path.lstat().st_uid != 0 or path.lstat().st_gid != 0]
        self.assertEqual(self.relative(owned), ["/data"])
        self.assertEqual(owned[0].stat().st_mode & 0o7777, 0o700)
        for path in self.root.rglob("*"):
            mode = 0 if path.is_symlink() else path.stat().st_mode
            self.assertFalse(mode & 0o6002, f"{path}: setuid, setgid or writable by everybody")

    def test_it_says_what_it_is(self):
        config = self.image["Config"]
        healthcheck = config.get("Healthcheck") or self.image["Healthcheck"]
        self.assertEqual((config["User"], config["WorkingDir"], list(config["Volumes"])), (f"{USER}:{USER}", "/data", ["/data"]))
        self.assertEqual((config["Entrypoint"], config["Cmd"]), (["/usr/bin/guildhall"], ["serve"]))
        self.assertEqual((config["StopSignal"], list(config["ExposedPorts"])), ("SIGTERM", ["8080/tcp"]))
        self.assertEqual(healthcheck["Test"], ["CMD", "/usr/bin/guildhall", "healthcheck", "live"])
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in self.image["Labels"].items()}
        version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
        self.assertEqual((labels["title"], labels["licenses"], labels["version"]), ("Guildhall", "MIT OR Apache-2.0", version))
        self.assertTrue(labels["description"] and labels["revision"] and labels["created"].endswith("Z"))
        printed = run("--version")
        # A build for development does not know its commit.
        commits = f"(unknown|{re.escape(labels['revision'])})"
        self.assertRegex(printed, f"^guildhall {re.escape(version)} \\(commit {commits}; databases: SQLite, PostgreSQL\\)\n$")

    def test_it_lists_what_it_is_made_of(self):
        document = json.loads((self.root / "usr/share/doc/guildhall/guildhall.cdx.json").read_text())
        self.assertEqual((document["bomFormat"], document["metadata"]["component"]["name"]), ("CycloneDX", "guildhall"))
        listed = {(component["name"], component["version"]) for component in document["components"]}
        tree = ["cargo", "tree", "--locked", "--package=guildhall", "--edges=normal", "--prefix=none", "--format={p}", "--offline"]
        lines = subprocess.run(tree, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        linked = {(line.split()[0], line.split()[1].removeprefix("v")) for line in lines if line}
        # Those for other platforms are listed too.
        self.assertEqual(linked - listed - {("guildhall", document["metadata"]["component"]["version"])}, set())
        self.assertTrue(all(component.get("licenses") for component in document["components"]))
        packages = {path.name for path in (self.root / "var/lib/dpkg/status.d").iterdir()}
        self.assertEqual(packages, {"ca-certificates", "gcc-12-base", "libc6", "libgcc-s1"})
        for name in ["ca-certificates", "gcc-12-base", "libc6"]:
            self.assertTrue((self.root / "usr/share/doc" / name / "copyright").exists(), name)

    def test_it_trusts_the_public_authorities(self):
        bundle = (self.root / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(bundle.count("\n-----END CERTIFICATE-----\n"), 100)
        self.assertEqual(bundle.count("-----BEGIN"), bundle.count("\n-----END CERTIFICATE-----\n"))
