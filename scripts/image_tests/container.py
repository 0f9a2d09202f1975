"""Containers of the image under test, started with podman as deploy/ does.

Every container has a read-only root, no capabilities, no new privileges, and the user of the image.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ["GUILDHALL_TEST_IMAGE"]
USER = 10001
PASSWORD = "Pr0ject-Mayhem"
# A safety net; what is waited for comes far sooner.
PATIENCE = 60
# The limits are lower than those of any host, because raising them is a right of its own.
RIGHTS = [
    "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
    "--network=host", "--ulimit=nofile=4096:4096", "--ulimit=nproc=1000:1000",
]  # fmt: skip


@cache
def runtime():
    """The first of the runtimes that works here, as options of podman and of its `run`.

    runc and crun are what podman, docker and Kubernetes run containers with. crun refuses hosts that mix both versions of cgroups; without
    cgroups nothing is limited, but the container is the same.
    """
    tried = []
    for where, cgroups in [([], []), (["--runtime=runc"], []), (["--runtime=crun"], ["--cgroups=disabled"])]:
        command = ["podman", *where, "run", "--rm", *cgroups, *RIGHTS, IMAGE, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode == 0:
            print(f"containers are started by: podman {' '.join([*where, 'run', *cgroups])}", flush=True)
            return where, cgroups
        tried.append(f"{' '.join(command)}\n{done.stderr}")
    raise SystemExit("no container starts here:\n" + "\n".join(tried))


def podman(*arguments, check=True):
    """Runs podman to its end."""
    done = subprocess.run(["podman", *runtime()[0], *arguments], capture_output=True, text=True, timeout=10 * PATIENCE)
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def variables(settings):
    return [f"--env=GUILDHALL_{name}={value}" for name, value in settings.items()]


def run(*arguments, options=(), **settings):
    """Runs the image to its end with these arguments, and returns what it prints."""
    return podman("run", "--rm", *runtime()[1], *RIGHTS, *options, *variables(settings), IMAGE, *arguments).stdout


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Container:
    """The image, running. It listens on the loopback of this machine."""

    def __init__(self, test, *options, **settings):
        self.port = free_port()
        self.name = f"guildhall-test-{uuid.uuid4()}"
        settings = {"SERVER__HOST": "127.0.0.1", "SERVER__PORT": str(self.port), **settings}
        podman("run", "--detach", f"--name={self.name}", *runtime()[1], *RIGHTS, *options, *variables(settings), IMAGE)
        test.addCleanup(podman, "rm", "--force", "--time=0", self.name, check=False)

    def healthcheck(self):
        """The command of the image's HEALTHCHECK, run by podman."""
        return podman("healthcheck", "run", self.name, check=False).returncode

    def wait(self):
        """Waits until it is healthy."""
        begun = time.monotonic()
        while self.healthcheck() != 0:
            state = podman("inspect", "--format={{.State.Running}}", self.name).stdout.strip()
            assert state == "true" and time.monotonic() - begun < PATIENCE, f"it does not start:\n{self.log()}"
        return self

    def log(self):
        done = podman("logs", self.name)
        return done.stdout + done.stderr

    def execute(self, *arguments, options=(), check=True):
        """Runs the program beside the service."""
        return podman("exec", *options, self.name, "/usr/bin/guildhall", *arguments, check=check)

    def token(self, user="admin"):
        return self.execute("token", "--user", user).stdout.strip()

    def ask(self, method, path, body=None, token=None):
        """The status of the answer, and what is in it."""
        token = token or self.token()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}/api/security{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=PATIENCE) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self):
        """Sends the image's STOPSIGNAL, and returns the exit status."""
        podman("stop", f"--time={PATIENCE}", self.name)
        return int(podman("inspect", "--format={{.State.ExitCode}}", self.name).stdout)

    def status_of_process(self):
        pid = podman("inspect", "--format={{.State.Pid}}", self.name).stdout.strip()
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line), Path(f"/proc/{pid}/mounts").read_text()


class Test(unittest.TestCase):
    def volume(self):
        name = f"guildhall-test-{uuid.uuid4()}"
        podman("volume", "create", name)
        self.addCleanup(podman, "volume", "rm", "--force", name, check=False)
        return name

    def folder(self):
        path = Path(tempfile.mkdtemp(prefix="guildhall-image-"))
        self.addCleanup(shutil.rmtree, path)
        os.chown(path, USER, USER)
        return path

    def ends(self, said, *options, **settings):
        """The container ends by itself, with status 1, and says all of this."""
        container = Container(self, *options, **settings)
        status = int(podman("wait", container.name).stdout)
        for text in said:
            self.assertIn(text, container.log())
        self.assertEqual(status, 1, container.log())
