"""389 Directory Server, with the plugin memberOf, which keeps `memberOf` of each user and group when groups change."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from figures.service import memory

from .ldap import SUFFIX, Ldap, free_port, wait_for, write_ldif

PASSWORD = "bench-only-password"
# The file with the server's id is written when it listens.
STAND_IN = """#!/bin/sh
case "$1 $2" in
is-active*) [ -s {pid_file} ] && kill -0 "$(cat {pid_file})" || exit 3 ;;
start*dirsrv@* | restart*dirsrv@*)
    ns-slapd -D {config} -i {pid_file}
    for _ in $(seq 600); do
        [ ! -s {pid_file} ] || break
        sleep 0.1
    done ;;
stop*dirsrv@*)
    pid=$(cat {pid_file})
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f {pid_file} ;;
esac
"""


def run(*command, seconds=300):
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if ran.returncode:
        raise RuntimeError(f"{command[0]}: {(ran.stderr or ran.stdout)[-300:]}")


def measure(directory, seconds):
    if not shutil.which("dscreate"):
        raise RuntimeError("389-ds-base is not here (`scripts/install-tools bench`)")
    if os.getuid() != 0:
        raise RuntimeError("dscreate wants to be run by root")
    name, port = f"bench{uuid.uuid4().hex[:6]}", free_port()
    folder = pathlib.Path("/var/lib/dirsrv", f"slapd-{name}")
    pid_file = pathlib.Path(f"/run/dirsrv/slapd-{name}.pid")
    config = pathlib.Path(f"/etc/dirsrv/slapd-{name}")
    stand_in = pathlib.Path(tempfile.mkdtemp(prefix=name))
    plan = stand_in / "plan.inf"
    # Without systemd, the server is not started by dscreate but below.
    plan.write_text(f"""[general]
config_version = 2
full_machine_name = localhost
strict_host_checking = False
systemd = False
start = False
[slapd]
instance_name = {name}
port = {port}
secure_port = {free_port()}
self_sign_cert = False
root_password = {PASSWORD}
[backend-userroot]
create_suffix_entry = True
suffix = {SUFFIX}
""")
    server = None

    def start():
        process = subprocess.Popen(["ns-slapd", "-D", config, "-i", pid_file, "-d", "0"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        wait_for(port, process)
        return process

    def stop_other():
        """Ends the server that dscreate has started."""
        if pid_file.exists():
            pid = int(pid_file.read_text())
            try:
                os.kill(pid, signal.SIGTERM)
                while True:
                    os.kill(pid, 0)
                    time.sleep(0.1)
            except ProcessLookupError:
                pid_file.unlink(missing_ok=True)

    def stop():
        if server:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    try:
        # dscreate starts and stops the server by systemctl even so: here it finds one that does that, and nothing else.
        (stand_in / "systemctl").write_text(STAND_IN.format(config=config, pid_file=pid_file))
        (stand_in / "systemctl").chmod(0o755)
        run("env", f"PATH={stand_in}:{os.environ['PATH']}", "dscreate", "from-file", str(plan))
        stop_other()
        server = start()
        ldap = Ldap(port, "cn=Directory Manager", PASSWORD, folder)
        plugin = "cn=MemberOf Plugin,cn=plugins,cn=config"
        ldap.modify("modify", f"""dn: {plugin}
changetype: modify
replace: nsslapd-pluginEnabled
nsslapd-pluginEnabled: on

dn: cn=config
changetype: modify
replace: nsslapd-maxbersize
nsslapd-maxbersize: 67108864
""")
        stop()
        # The import does not run plugins, and their task that makes up for it takes more than five minutes with 20,000 users.
        ldif = folder / "ldif" / "all.ldif"
        write_ldif(directory, ldif, above=directory.groups_above())
        shutil.chown(ldif, "dirsrv", "dirsrv")
        run("ns-slapd", "ldif2db", "-D", str(config), "-n", "userRoot", "-i", str(ldif))
        server = start()
        checks = {kind: ldap.check_rate(pairs, seconds) for kind, pairs in directory.questions.items()}
        added = ldap.bulk_add("bulk", directory.users)
        return {"checks": checks, "bulk": added, "memory": memory(server.pid, "VmRSS")}
    finally:
        stop()
        stop_other()
        for path in (stand_in, config, folder, pathlib.Path(f"/var/log/dirsrv/slapd-{name}"), pathlib.Path(f"/var/lock/dirsrv/slapd-{name}"), pathlib.Path(f"/etc/dirsrv/ssca-{name}")):
            shutil.rmtree(path, ignore_errors=True)
