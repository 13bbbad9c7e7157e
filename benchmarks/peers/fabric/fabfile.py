"""The job as a Fabric user would write it: host by host, a put or a run for each step."""

import hashlib
import json
import os
from io import BytesIO
from pathlib import Path

from fabric import Connection
from invoke import task

JOB = Path(os.environ["BENCH_JOB"])
DESCRIBED = json.loads((JOB / "hosts.json").read_text())
WORKERS = {host["port"]: host for host in DESCRIBED["workers"]}
CONF = "repository/conf"
FILES = (
    "axis2/axis2.xml",
    "carbon.xml",
    "tomcat/catalina-server.xml",
    "datasources/master-datasources.xml",
)
manager = Connection(
    "127.0.0.1",
    user="deploy",
    port=DESCRIBED["manager"]["port"],
    connect_kwargs={"key_filename": DESCRIBED["identity"]},
)


@task
def deploy(c):
    """Provision one worker and see it join."""
    worker = WORKERS[c.port]
    home = worker["home"]
    changed = [
        put_if_different(
            c, (JOB / "tokens" / CONF / name).read_bytes(), f"{home}/{CONF}/{name}", worker
        )
        for name in FILES
    ]
    jar = Path(DESCRIBED["driver"])
    changed.append(
        put_if_different(c, jar.read_bytes(), f"{home}/repository/components/lib/{jar.name}")
    )
    map_names(c)
    if any(changed) or not is_running(c, home):
        stop(c, home)
        c.run(f"rm -rf {home}/repository/deployment/server")
        c.run(f"mkdir -m 755 {home}/repository/deployment/server")
        c.run(
            f"JAVA_HOME={DESCRIBED['java_home']} nohup sh {home}/bin/wso2server.sh"
            " -DworkerNode=true > /dev/null 2>&1 < /dev/null &"
        )
        see_it_join(worker)


def put_if_different(c, data, path, values=None):
    """Put a file unless it is there already; fill in the values first."""
    for name in ("local_member_host", "local_member_port", "offset") if values else ():
        data = data.replace(f"@{name}@".encode(), values[name].encode())
    there = c.run(f"sha256sum {path}", hide=True, warn=True).stdout.split()
    if there and there[0] == hashlib.sha256(data).hexdigest():
        return False
    c.put(BytesIO(data), path)
    c.run(f"chmod 644 {path}")
    return True


def map_names(c):
    """Append the host names to /etc/hosts where they are missing."""
    there = c.run("cat /etc/hosts", hide=True).stdout.splitlines()
    missing = [line for line in DESCRIBED["hosts_lines"] if line not in there]
    if missing:
        lines = "\\n".join(missing)
        c.run(f"printf '{lines}\\n' | sudo tee -a /etc/hosts", hide=True)


def is_running(c, home):
    """Tell whether the server of that home runs."""
    return c.run(f"pgrep -f -- '-Dcarbon.home={home} .*Bootstrap'", hide=True, warn=True).ok


def stop(c, home):
    """Stop the server if it runs."""
    if is_running(c, home):
        c.run(f"pkill -f -- '-Dcarbon.home={home} .*Bootstrap'")
        c.run(
            f"while pgrep -f -- '-Dcarbon.home={home} .*Bootstrap'; do sleep 0.05; done", hide=True
        )


def see_it_join(worker):
    """Wait for the worker's line in the manager's log."""
    log = f"{DESCRIBED['manager']['home']}/{DESCRIBED['log']}"
    manager.run(
        f'timeout 60 sh -c \'until grep -q "Member joined .*: /{worker["member"]} " {log};'
        " do sleep 0.05; done'"
    )
