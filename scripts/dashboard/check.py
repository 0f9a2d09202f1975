"""Asks a Prometheus that scraped a loaded service every query of the dashboard and of the alerts. See scripts/dashboard-check."""

import argparse
import base64
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import picture

PASSWORD = "Pr0ject-Mayhem"
# For how long the service is loaded, in seconds: long enough for rates over RATE.
LOAD = 20
RATE = "10s"
PATIENCE = 30


def call(url, method="GET", body=None, token=None, form=None):
    """The status and the JSON body of an answer."""
    headers = {}
    data = None
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait(what, is_there):
    end = time.monotonic() + PATIENCE
    while not is_there():
        if time.monotonic() > end:
            sys.exit(f"dashboard-check: {what} does not come")
        time.sleep(0.1)


def answers(url):
    try:
        return call(url)[0] == 200
    except OSError:
        return False


def start_service(program, folder):
    port, management = free_port(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "GUILDHALL_DATABASE__URL": f"sqlite://{folder}/guildhall.db",
        "GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD": PASSWORD,
        "GUILDHALL_SERVER__PORT": str(port),
        "GUILDHALL_SERVER__MANAGEMENT_PORT": str(management),
        "GUILDHALL_AUTH__LOCKOUT_THRESHOLD": "3",
        "GUILDHALL_AUTH__LOCKOUT_DURATION": "1",
        # Nobody takes the traces, so that there are some that were lost.
        "GUILDHALL_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
    }
    with open(f"{folder}/service.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([program], env=environment, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    wait("the service", lambda: answers(f"{url}/health/ready"))
    return process, url, management


def start_prometheus(program, folder, management):
    with open("deploy/prometheus/prometheus.yml", encoding="utf-8") as file:
        settings = file.read()
    for before, after in [
        ("guildhall:9090", f"127.0.0.1:{management}"),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ("alerts.yml", os.path.abspath("deploy/prometheus/alerts.yml")),
    ]:
        assert before in settings, before
        settings = settings.replace(before, after)
    with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as file:
        file.write(settings)
    port = free_port()
    with open(f"{folder}/prometheus.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/series",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    wait("Prometheus", lambda: answers(f"{url}/-/ready"))
    return process, url


def load(url, end):
    """Does some of everything that the dashboard shows, again and again."""
    api, token_url = f"{url}/api/security", f"{url}/authenticate/connect/token"
    sign_in = {"grant_type": "password", "username": "admin", "password": PASSWORD}
    status, answer = call(token_url, "POST", form=sign_in)
    assert status == 200, answer
    token, refresh = answer["access_token"], answer["refresh_token"]
    users = []
    for number in range(20):
        user = {"username": f"user{number}", "email": f"user{number}@example.com", "credentials": {"password": "F1ghtC1ub1234!"}}
        status, answer = call(f"{api}/users", "POST", user, token)
        assert status == 201, answer
        users.append(answer["id"])
    group = call(f"{api}/groups", "POST", {"name": "Load"}, token)[1]["id"]
    child = call(f"{api}/groups", "POST", {"name": "Below"}, token)[1]["id"]
    number = 0
    while time.monotonic() < end:
        number += 1
        call(f"{api}/groups/{group}/users", "POST", users, token)
        call(f"{api}/groups/{group}/groups/{child}", "PUT", None, token)
        for user in users:
            call(f"{api}/groups/{group}/users/{user}", "HEAD", None, token)
        call(f"{api}/users?q=user&order=-created", "GET", None, token)
        call(f"{api}/users/user1", "GET", None, token)
        call(f"{api}/users/nobody", "GET", None, token)
        call(f"{api}/groups/{group}/users/{users[number % 20]}", "DELETE", None, token)
        call(f"{api}/groups/{group}/groups/{child}", "DELETE", None, token)
        call(f"{url}/health/ready")
        call(f"{api}/users", "GET", None, base64.b64encode(str(number).encode()).decode())
        if number % 5 == 0:
            call(token_url, "POST", form=sign_in)
            call(token_url, "POST", form={"grant_type": "refresh_token", "refresh_token": refresh})
            call(token_url, "POST", form={**sign_in, "username": "user2", "password": "wrong"})


def finite(value):
    return not math.isnan(float(value))


def queries(panel):
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", RATE).replace("$instance", ".*")
        assert "$" not in query, query
        yield target, query


def check_dashboard(prometheus, dashboard, begun):
    """The results of every panel; ends the program if a query has none."""
    results, missing = [], []
    for panel in dashboard["panels"]:
        lines = []
        for target, query in queries(panel):
            parameters = {"query": query, "start": begun + 5, "end": time.time(), "step": 1}
            status, answer = call(f"{prometheus}/api/v1/query_range?{urllib.parse.urlencode(parameters)}")
            series = answer["data"]["result"] if status == 200 else []
            series = [one for one in series if any(finite(value) for _, value in one["values"])]
            if not series:
                missing.append(f"{panel['title']}: {query}: {answer if status != 200 else 'nothing'}")
            for one in series:
                name = re.sub(r"{{(\w+)}}", lambda found, one=one: one["metric"].get(found[1], ""), target["legendFormat"])
                lines.append((name, [(float(at), float(value)) for at, value in one["values"] if finite(value)]))
        results.append((panel, lines))
    if missing:
        sys.exit("dashboard-check: no answer to\n" + "\n".join(missing))
    return results


def check_alerts(prometheus):
    rules = [rule for group in call(f"{prometheus}/api/v1/rules")[1]["data"]["groups"] for rule in group["rules"]]
    broken = [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] != "ok"]
    if broken or not rules:
        sys.exit("dashboard-check: alerts that cannot be evaluated: " + "\n".join(broken))
    return len(rules)


def main():
    parser = argparse.ArgumentParser()
    for name in ["service", "prometheus", "folder", "dashboard", "alerts"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    with open(arguments.dashboard, encoding="utf-8") as file:
        dashboard = json.load(file)
    processes = []
    try:
        service, url, management = start_service(os.path.abspath(arguments.service), arguments.folder)
        processes.append(service)
        prometheus, asked = start_prometheus(arguments.prometheus, arguments.folder, management)
        processes.append(prometheus)
        begun = time.time()
        loading = threading.Thread(target=load, args=(url, time.monotonic() + LOAD))
        loading.start()
        loading.join()
        results = check_dashboard(asked, dashboard, begun)
        alerts = check_alerts(asked)
        count = sum(len(panel["targets"]) for panel, _ in results)
        print(f"dashboard-check: {count} queries of {len(results)} panels have answers, {alerts} alerts are evaluated")
        if arguments.picture:
            picture.draw(results, arguments.folder, arguments.picture)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


main()
