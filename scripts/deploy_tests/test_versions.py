"""Whether all files name the same version, and the same compiler."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def found(pattern, *files):
    """What the pattern finds in all of the files, each once."""
    return {match for file in files for match in re.findall(pattern, (ROOT / file).read_text(), re.M)}


class Versions(unittest.TestCase):
    def test_every_file_names_the_version_of_the_workspace(self):
        version = found(r'^version = "(.*)"', "Cargo.toml")
        self.assertEqual(len(version), 1)
        self.assertEqual(found(r"^ARG VERSION=(.*)", "deploy/Dockerfile"), version)
        self.assertEqual(found(r"newTag: (.*)", "deploy/kubernetes/overlays/production/kustomization.yaml"), version)

    def test_every_file_names_the_same_compiler(self):
        rust = found(r'^rust-version = "(.*)"', "Cargo.toml")
        images = found(r"rust:([0-9.]+)", "deploy/Dockerfile", "scripts/image", ".gitlab-ci.yml", *self.workflows())
        self.assertEqual(images, rust)

    def test_every_file_names_the_same_tools(self):
        tools = found(r"^CARGO_CYCLONEDX=(.*)", "scripts/install-tools")
        self.assertEqual(found(r"^ARG CARGO_CYCLONEDX=(.*)", "deploy/Dockerfile"), tools)
        deny = found(r"^CARGO_DENY=(.*)", "scripts/install-tools")
        self.assertEqual(found(r"--version (\S+) cargo-deny", *self.workflows()), deny)

    def workflows(self):
        return [str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.yml")]
