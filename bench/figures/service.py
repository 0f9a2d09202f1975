"""The service that is measured: started, asked, watched and stopped."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse

API = "/api/security"
PASSWORD = "F1ghtC1ub1234!"


def path(*parts):
    """The path of the API with these parts, escaped."""
    return API + "".join("/" + urllib.parse.quote(part, safe="") for part in parts)


class Service:
    """A running `guildhall serve`. `ready` is after how many milliseconds it was ready."""

    def __init__(self, program, database, key_file):
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("GUILDHALL_")} | {
            "GUILDHALL_DATABASE__URL": database,
            "GUILDHALL_SERVER__PORT": "0",
            "GUILDHALL_LOG__FORMAT": "text",
            "GUILDHALL_LOG__LEVEL": "warn,guildhall=info",
            "GUILDHALL_AUTH__SIGNING_KEY_FILE": key_file,
            "GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD": PASSWORD,
        }
        self.token = ""
        started = time.perf_counter()
        self.process = subprocess.Popen([program, "serve"], env=self.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        try:
            self._wait(started)
            issued = subprocess.run([program, "token", "--user", "admin"], env=self.environment, check=True, capture_output=True,
                                    text=True)
            self.token = issued.stdout.strip()
        except BaseException:
            self.stop()
            raise

    def _wait(self, started):
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"listening on (http://[0-9.:]+)", line):
                self.url = found[1]
                break
        else:
            raise RuntimeError("the service does not start: " + "".join(lines[-5:]))
        # Nobody reads the log, and a pipe that is full would stop the service.
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()
        client = Client(self)
        while client.send("GET", "/health/ready", expected=(200, 503))[0] != 200:
            pass
        self.ready = (time.perf_counter() - started) * 1000

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def memory(self, name):
        """A line of the process's status in MiB: VmRSS, RssAnon, VmHWM."""
        return memory(self.process.pid, name)

    def forget_peak(self):
        """Has VmHWM begin again at what is resident now."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def memory(pid, name):
    """A line of a process's status in MiB."""
    return int(re.search(rf"{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Client:
    """A connection that is kept."""

    def __init__(self, service):
        address = urllib.parse.urlsplit(service.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=300)
        self.headers = {"Authorization": f"Bearer {service.token}"} if service.token else {}
        self.used = time.monotonic()

    def send(self, method, target, body=None, expected=(200, 201, 204), kind="application/json"):
        """The status and the content. A body that is no text is sent as JSON."""
        # The service closes connections that nobody uses; a closed one is opened again by itself.
        if time.monotonic() - self.used > 2:
            self.connection.close()
        headers = self.headers
        if body is not None:
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
            headers = headers | {"Content-Type": kind}
        self.connection.request(method, target, body=body, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.used = time.monotonic()
        if answer.status not in expected:
            raise RuntimeError(f"{method} {target[:200]}: {answer.status} {content[:300]}")
        return answer.status, content

    def json(self, method, target, body=None):
        return json.loads(self.send(method, target, body)[1])

    def time(self, method, target, body=None):
        """How many milliseconds it takes."""
        started = time.perf_counter()
        self.send(method, target, body)
        return (time.perf_counter() - started) * 1000

    def new_group(self, name):
        """Makes a group and returns its id."""
        return self.json("POST", path("groups"), {"name": name})["id"]
