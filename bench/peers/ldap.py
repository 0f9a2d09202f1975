"""What the two LDAP servers have in common: their entries, and the programs of ldap-utils that ask them."""

import math
import pathlib
import socket
import subprocess
import time

SUFFIX = "dc=example,dc=com"
CONNECTIONS = 8


def user_dn(user):
    return f"uid={user},ou=people,{SUFFIX}"


def group_dn(group):
    return f"cn={group},ou=groups,{SUFFIX}"


def write_ldif(directory, file, filler=None, above=None):
    """Writes all entries. `filler` is a member of those groups that have none, where a group must have one; `above` is who is in which groups, where
    entries tell that themselves."""

    def member_of(one):
        groups = above.get(one, ()) if above else ()
        return "".join(["objectClass: nsMemberOf\n"] * bool(groups) + [f"memberOf: {group_dn(group)}\n" for group in sorted(groups)])

    with open(file, "w", encoding="utf-8") as out:
        out.write(f"dn: {SUFFIX}\nobjectClass: domain\ndc: example\n\n")
        for unit in ("people", "groups"):
            out.write(f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n\n")
        for user in directory.users:
            out.write(f"dn: {user_dn(user)}\nobjectClass: inetOrgPerson\nuid: {user}\ncn: {user}\nsn: {user}\n{member_of(user)}\n")
        for group in directory.groups:
            members = [user_dn(user) for user in directory.members[group]] + [group_dn(child) for child in directory.children[group]]
            lines = "".join(f"member: {member}\n" for member in members or [filler] if member)
            out.write(f"dn: {group_dn(group)}\nobjectClass: groupOfNames\ncn: {group}\n{lines}{member_of(group)}\n")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, process, seconds=60):
    """Waits until something listens on the port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ends with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("it does not listen")


class Ldap:
    """A server that listens, and its administrator."""

    def __init__(self, port, binddn, password, folder):
        self.options = ["-x", "-H", f"ldap://127.0.0.1:{port}", "-D", binddn, "-w", password]
        self.folder = pathlib.Path(folder)

    def check_rate(self, pairs, seconds):
        """How many checks a second are answered, over eight connections that ask one after the other."""
        file = self.folder / "questions"
        # ldapsearch takes only what is in brackets for a filter; each line goes into them.
        file.write_text("".join(f"&(uid={user})(memberOf={group_dn(group)})\n" for group, user in pairs * 100))
        outs = [open(self.folder / f"answers-{number}", "w+b") for number in range(CONNECTIONS)]
        # Line by line, as the programs are ended in the middle.
        asking = [subprocess.Popen(["timeout", str(seconds), "stdbuf", "-oL", "ldapsearch", *self.options, "-LLL", "-b", f"ou=people,{SUFFIX}", "-f", file, "(%s)", "1.1"],
                                   stdout=out, stderr=subprocess.DEVNULL) for out in outs]
        started = time.perf_counter()
        for one in asking:
            one.wait(timeout=seconds + 60)
        took = time.perf_counter() - started
        held = 0
        for out in outs:
            out.seek(0)
            held += out.read().count(b"dn: uid=")
            out.close()
        if not held:
            raise RuntimeError(f"no check was answered within {seconds} s")
        return held / took

    def bulk_add(self, group, users):
        """How many milliseconds it takes to add users to a new group, in one request; after a minute nobody waits any longer."""
        self.modify("add", f"dn: {group_dn(group)}\nobjectClass: groupOfNames\ncn: {group}\nmember: {user_dn(users[0])}\n")
        lines = "".join(f"member: {user_dn(user)}\n" for user in users[1:])
        started = time.perf_counter()
        try:
            self.modify("modify", f"dn: {group_dn(group)}\nchangetype: modify\nadd: member\n{lines}", 60)
        except subprocess.TimeoutExpired:
            return math.inf
        return (time.perf_counter() - started) * 1000

    def modify(self, how, ldif, seconds=120):
        ran = subprocess.run([f"ldap{how}", *self.options], input=ldif, capture_output=True, text=True, check=False, timeout=seconds)
        if ran.returncode:
            raise RuntimeError(f"ldap{how}: {ran.stderr[:300]}")
