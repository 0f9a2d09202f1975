"""Runs the platform's published Python client, as it is published, through everything that it has on users and groups.

    python smoke.py ROOT_URL SETTINGS

SETTINGS is JSON: username and password of an administrator. Nothing is changed.
"""

import datetime
import json
import sys

import pydantic
from contensis_management import api_client, request_handler
from contensis_management.models import group, paged_list, user

ALIAS = "paper-street"


class Here(request_handler.RequestHandler):
    """Sends what is meant for the platform's own host to another one: the client can be told an alias, but no host."""

    def __init__(self, root_url):
        self.root_url = root_url

    def get(self, url, headers=None):
        return super().get(self.here(url), headers)

    def post(self, url, headers=None, data=None):
        return super().post(self.here(url), headers, data)

    def head(self, url, headers=None):
        return super().head(self.here(url), headers)

    def here(self, url):
        there = f"https://cms-{ALIAS}.cloud.contensis.com"
        assert url.startswith(there), url
        return self.root_url + url.removeprefix(there)


class Watched:
    """Some operations of the client, and which of them were used."""

    def __init__(self, operations):
        self.operations = operations
        self.offered = {name for name, value in vars(type(operations)).items() if callable(value) and name[0] != "_"}
        self.used = set()

    def __getattr__(self, name):
        self.used.add(name)
        return getattr(self.operations, name)


def refused(error, work):
    """What is raised; it has to be an error of this type."""
    try:
        value = work()
    except error as raised:
        return raised
    raise AssertionError(f"it was not refused: {value!r}")


def equal(actual, expected):
    assert actual == expected, f"{actual!r}, not {expected!r}"


class Smoke:
    """The checks, in the order in which they are run."""

    def __init__(self, root_url, settings):
        self.root_url = root_url
        self.username = settings["username"]
        self.password = settings["password"]

    def sign_in(self, username, password):
        return api_client.ApiClient.from_credentials(ALIAS, username, password, Here(self.root_url))

    def check_a_wrong_password_is_a_permission_error(self):
        error = refused(PermissionError, lambda: self.sign_in(self.username, "Wr0ng-one"))
        equal(error.args, ({"error": "IncorrectUsernameorPassword"},))
        refused(PermissionError, lambda: self.sign_in("nobody", self.password))

    def check_the_right_one_is_a_token(self):
        self.client = self.sign_in(self.username, self.password)
        self.users, self.groups = Watched(self.client.users), Watched(self.client.groups)
        assert self.client.token

    def check_users_get_current(self):
        current = self.users.get("@current")
        equal(current.username, self.username)
        equal(current.credentials.provider, user.Provider(type="contensis", name="contensis"))
        equal(current.status, user.Status(suspended=False, locked=False, password_reset_required=False))
        assert current.successful_login_attempts > 0
        age = datetime.datetime.now(datetime.timezone.utc) - current.last_login
        assert datetime.timedelta(minutes=-1) < age < datetime.timedelta(minutes=10), current.last_login
        for identifier in (current.id, current.username):
            equal(self.users.get(identifier), current)

    def check_users_list(self):
        listed = self.users.list()
        assert self.users.get("@current") in listed, listed
        refused(pydantic.ValidationError, lambda: self.users.get("nobody"))

    def check_groups_list(self):
        page = self.groups.list()
        assert isinstance(page, paged_list.PagedList), page
        equal((page.page_index, page.page_size), (0, 25))
        equal(page.page_count, -(-page.total_count // page.page_size))
        equal(len(page.items), min(page.total_count, page.page_size))
        assert all(isinstance(item, group.Group) for item in page.items), page
        everyone = next(item for item in page.items if item.name == "Everyone")
        equal((everyone.type, everyone.custom, everyone.auto_membership_email_domains), ("sys", {}, None))
        assert everyone.user_count > 0

    def check_groups_get_lists_the_members(self):
        assert self.users.get("@current") in self.groups.get("Everyone")
        assert self.username in [member.username for member in self.groups.get("System Administrators")]
        refused(KeyError, lambda: self.groups.get("No such group"))

    def check_users_is_in_groups(self):
        for names in ("Everyone", "CMS Editors", "System Administrators", "No such group,Everyone"):
            equal(self.users.is_in_groups("@current", names), True)
        for names in ("AD Users", "No such group", "No such group,AD Users"):
            equal(self.users.is_in_groups("@current", names), False)
        equal(self.users.is_in_groups("nobody", "Everyone"), False)
        equal(self.users.check_user_groups("@current", "Everyone").status_code, 204)
        equal(self.users.check_user_groups("@current", "AD Users").status_code, 404)

    def check_a_token_from_elsewhere(self):
        client = api_client.ApiClient.from_token(ALIAS, self.client.token)
        client.base_url = self.root_url
        equal(client.users.get("@current"), self.users.get("@current"))
        stranger = api_client.ApiClient.from_token(ALIAS, "nonsense", Here(self.root_url))
        equal(stranger.users.check_user_groups("@current", "Everyone").status_code, 401)
        answer = stranger.get("/api/security/users/@current")
        equal(answer.json_data, {"message": "Authorization has been denied for this request."})

    def check_no_operation_of_the_package_was_left_out(self):
        for watched in (self.users, self.groups):
            equal(watched.offered - watched.used, set())


def main(root_url, settings):
    smoke = Smoke(root_url.rstrip("/"), json.loads(settings))
    checks = [name for name in vars(Smoke) if name.startswith("check_")]
    failed = 0
    for name in checks:
        told = name.removeprefix("check_").replace("_", " ")
        try:
            getattr(smoke, name)()
            print(f"ok {told}")
        except Exception as error:
            failed += 1
            print(f"not ok {told}: {type(error).__name__}: {error}")
    print(f"failed {failed} of {len(checks)} checks" if failed else f"ok {len(checks)} checks")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
