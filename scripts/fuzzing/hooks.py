"""Keeps `fuzzer` an administrator, whose token the requests carry.

They may change anything, and so do they: one gives `fuzzer` a new password, which ends the token; one locks them by wrong
passwords; one takes them out of System Administrators. No operation is left out for that. Instead, whenever an answer looks like
it, another administrator, a keeper, puts things right again and there is a new token. Requests may hit keepers too, so there are
several, and others take the place of those who are gone; were none left, the run would fail.
"""

import json
import os
import secrets
import subprocess
import threading
import urllib.error
import urllib.request
import uuid
import zlib
from datetime import datetime, timezone

import schemathesis
from hypothesis import strategies

URL = os.environ["FUZZ_URL"]
USERS = ("tdurden", "msinger", "@current")
GROUPS = ("Paper Street Soap Company", "Liposuction Technicians", "Everyone", "CMS Editors")

lock = threading.Lock()


def token_of(user):
    command = [os.environ["FUZZ_BINARY"], "token", "--user", user]
    issued = subprocess.run(command, capture_output=True, text=True)
    return issued.stdout.strip() if issued.returncode == 0 else None


def call(token, method, path, body=None):
    """The status and the body of an answer."""
    request = urllib.request.Request(
        f"{URL}/api/security{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def may_administer(key):
    return key is not None and call(key, "GET", "/groups?pageSize=1")[0] == 200


def administrator(key):
    """Makes one more administrator, and tells their id."""
    name = "keeper-" + secrets.token_hex(8)
    user = {"username": name, "email": f"{name}@example.com", "credentials": {"password": "F1!" + secrets.token_hex(8)}}
    status, body = call(key, "POST", "/users", user)
    assert status == 201, body
    made = json.loads(body)["id"]
    assert call(key, "PUT", f"/groups/System%20Administrators/users/{made}")[0] == 204
    return made


def id_of_group(key, name):
    status, body = call(key, "GET", f"/groups/{name}")
    assert status == 200, body
    return json.loads(body)["id"]


def replenish(key):
    """Makes up for keepers who are none any more."""
    keepers[:] = [keeper for keeper in keepers if may_administer(token_of(keeper))]
    while len(keepers) < 4:
        keepers.append(administrator(key))


def restore():
    """Makes `fuzzer` an administrator again, by the first keeper who still is one, and tells their token."""
    key = next((key for key in map(token_of, keepers) if may_administer(key)), None)
    assert key, "nobody is left to make `fuzzer` an administrator again"
    status, _ = call(key, "PUT", f"/groups/System%20Administrators/users/{FUZZER}")
    assert status == 204, "`fuzzer` cannot be made an administrator again"
    for action in ("unlock", "unsuspend"):
        call(key, "POST", f"/users/{FUZZER}/actions", {"type": action})
    status, body = call(key, "POST", f"/users/{FUZZER}/credentials/password", {"new": "F1!" + secrets.token_hex(8)})
    assert status == 200, body
    return token_of(FUZZER)


# Names may change, ids stay.
FUZZER = administrator(token_of("admin"))
token = token_of(FUZZER)
keepers = []
replenish(token)
calls = renewals = 0
# Neither can be deleted: the one who asks, and system groups.
LISTED = {
    "POST /api/security/groups/{group}/users": [FUZZER],
    "POST /api/security/groups/{group}/groups": [id_of_group(token, name) for name in ("Everyone", "AD%20Users", "CMS%20Editors")],
}


# What these formats mean is more than a schema can say: without this, next to no user would ever be created.
schemathesis.openapi.format("password", strategies.from_regex(r"[a-z]{3}[A-Z]{3}[0-9]{3}[!-~]{0,9}", fullmatch=True))
schemathesis.openapi.format(
    "date-time",
    strategies.datetimes(min_value=datetime(2030, 1, 1), max_value=datetime(9999, 12, 30)).map(lambda at: at.isoformat() + "Z"),
)


def is_absent(value):
    """Whether the service takes a parameter for absent: no value, `undefined` and `null`; of several, the last one counts.

    An object is sent as parameters named like its properties, which are unknown and ignored.
    """
    if isinstance(value, dict):
        return True
    if isinstance(value, list):
        return not value or is_absent(value[-1])
    return value is None or value in ("", "undefined", "null")


# In seconds, of those that a request may ask for.
LONG_WAITS = [str(seconds) for seconds in range(2, 31)]


def is_in_the_future(value):
    try:
        return datetime.fromisoformat(value) > datetime.now(timezone.utc)
    except (TypeError, ValueError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leaves out what is absent in the ways in which clients write nothing: it fits no schema of a number, yet breaks no rule.

    Nobody waits long for an event. Two in three of the moments that may be asked about, which are all made up in the future, become
    the present and one before the log.
    """
    query = case.query or {}
    for name in [name for name, value in query.items() if is_absent(value)]:
        del query[name]
    if str(query.get("wait")) in LONG_WAITS:
        query["wait"] = 1
    if is_in_the_future(query.get("asOf")):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        query["asOf"] = (now, "2020-02-29T00:00:00Z", query["asOf"])[zlib.crc32(query["asOf"].encode()) % 3]
    # For the check of whether what was just created is there, any 404 says no; here one may mean an id of the list. Whether
    # unknown ids are refused, the other phases see.
    known = LISTED.get(case.operation.label)
    if known and case.meta and case.meta.phase.name.value == "stateful" and is_list_of_ids(case.body):
        case.body = [known[zlib.crc32(listed.encode()) % len(known)] for listed in case.body]


def is_list_of_ids(body):
    try:
        return isinstance(body, list) and all(isinstance(listed, str) and uuid.UUID(listed) for listed in body)
    except ValueError:
        return False


@schemathesis.hook
def map_path_parameters(context, parameters):
    """Some of the names are of users and groups that exist: made-up ones hardly ever are."""
    for name, known in (("user", USERS), ("group", GROUPS), ("child", GROUPS)):
        if name in (parameters or {}):
            choice = zlib.crc32(repr(parameters[name]).encode())
            if choice % 2:
                parameters[name] = known[choice // 2 % len(known)]
    return parameters


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        return token

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    """Looks whether the token still does what it should, and now and then whether the keepers do."""
    global token, calls, renewals
    with lock:
        calls += 1
        if response.status_code in (401, 403) and not may_administer(token):
            token = restore()
            renewals += 1
            print(f"scripts/fuzz: `fuzzer` is an administrator again ({renewals})", flush=True)
        elif calls % 50 or not may_administer(token):
            return
        replenish(token)
