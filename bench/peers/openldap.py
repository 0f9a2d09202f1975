"""OpenLDAP: slapd with LMDB, and nested groups by the overlay dynlist, which works out `memberOf` for each search."""

import pathlib
import shutil
import subprocess
import tempfile

from figures.service import memory

from .ldap import SUFFIX, Ldap, free_port, wait_for, write_ldif

PASSWORD = "bench-only"


def modules():
    for folder in ("/usr/lib/ldap", "/usr/libexec/openldap", "/usr/lib/openldap"):
        if pathlib.Path(folder, "dynlist.la").exists() or pathlib.Path(folder, "dynlist.so").exists():
            return folder
    raise RuntimeError("the overlay dynlist is not here")


def measure(directory, seconds):
    if not shutil.which("slapd"):
        raise RuntimeError("slapd is not here (`scripts/install-tools bench`)")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "data").mkdir()
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson", "dyngroup"))
        (root / "slapd.conf").write_text(f"""{schemas}
pidfile {root}/slapd.pid
modulepath {modules()}
moduleload back_mdb
moduleload dynlist
sizelimit unlimited
sockbuf_max_incoming_auth 67108864
database mdb
suffix {SUFFIX}
rootdn cn=admin,{SUFFIX}
rootpw {PASSWORD}
directory {root}/data
maxsize 4294967296
dbnosync
sortvals member
multival member 100,10
index objectClass,uid,cn,member eq
overlay dynlist
dynlist-attrset groupOfURLs memberURL member+memberOf@groupOfNames*
""")
        write_ldif(directory, root / "all.ldif", filler=f"cn=nobody,{SUFFIX}")
        subprocess.run(["slapadd", "-q", "-f", root / "slapd.conf", "-l", root / "all.ldif"], check=True, capture_output=True, timeout=300)
        port = free_port()
        with open(root / "log", "wb") as log:
            server = subprocess.Popen(["slapd", "-d", "0", "-f", root / "slapd.conf", "-h", f"ldap://127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            wait_for(port, server)
            ldap = Ldap(port, f"cn=admin,{SUFFIX}", PASSWORD, folder)
            checks = {kind: ldap.check_rate(pairs, seconds) for kind, pairs in directory.questions.items()}
            added = ldap.bulk_add("bulk", directory.users)
            return {"checks": checks, "bulk": added, "memory": memory(server.pid, "VmRSS")}
        finally:
            server.terminate()
            server.wait(timeout=60)
