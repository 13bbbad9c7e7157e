"""The job as a pyinfra user would write it: operations, and one serial call for the start."""

import json
import os
from pathlib import Path

from pyinfra import host, inventory
from pyinfra.facts.server import Command
from pyinfra.operations import files, python

JOB = Path(os.environ["BENCH_JOB"])
DESCRIBED = json.loads((JOB / "hosts.json").read_text())
CONF = "repository/conf"
TEMPLATES = {
    "axis2/axis2.xml": os.environ["BENCH_AXIS2_NEWLINE"].encode().decode("unicode_escape"),
    "carbon.xml": "\n",
    "tomcat/catalina-server.xml": "\n",
    "datasources/master-datasources.xml": "\n",
}
START = """\
cd {home}
pid=$(tr -cd 0-9 2> /dev/null < wso2carbon.pid) 2> /dev/null
if [ -n "$pid" ] && kill "$pid" 2> /dev/null; then
    while [ -d "/proc/$pid" ]; do sleep 0.05; done
fi
rm -rf repository/deployment/server && mkdir -m 755 repository/deployment/server
JAVA_HOME={java_home} nohup sh bin/wso2server.sh -DworkerNode=true > /dev/null 2>&1 < /dev/null &
"""
JOINED = (
    "timeout 60 sh -c 'until grep -q \"Member joined .*: /{member} \" {log}; do sleep 0.05; done'"
)


def start_and_see_it_join():
    """Start this host, then wait for its line in the manager's log."""
    manager = inventory.get_host("manager")
    home, member = host.data.home, host.data.member
    log = f"{manager.data.home}/{DESCRIBED['log']}"
    done, output = host.run_shell_command(START.format(home=home, java_home=DESCRIBED["java_home"]))
    assert done, output
    done, output = manager.run_shell_command(JOINED.format(member=member, log=log))
    assert done, output


if host.name != "manager":
    home = host.data.home
    running = host.get_fact(
        Command,
        f"pgrep -f -- '-Dcarbon.home={home} .*Bootstrap' > /dev/null && echo yes || echo no",
    )
    jar = Path(DESCRIBED["driver"])
    changes = [
        files.put(
            name="Driver",
            src=str(jar),
            dest=f"{home}/repository/components/lib/{jar.name}",
            mode="644",
        )
    ]
    for file, newline in TEMPLATES.items():
        changes.append(
            files.template(
                name=f"Configuration: {file}",
                src=str(JOB / "jinja" / CONF / file),
                dest=f"{home}/{CONF}/{file}",
                jinja_env_kwargs={"newline_sequence": newline},
                **{
                    name: host.data.get(name)
                    for name in (
                        "local_member_host",
                        "local_member_port",
                        "offset",
                        "manager_address",
                        "db_password",
                    )
                },
            )
        )
    files.block(name="Host names", path="/etc/hosts", content=DESCRIBED["hosts_lines"], _sudo=True)
    python.call(
        name="Start one after another",
        function=start_and_see_it_join,
        _serial=True,
        _if=lambda: running == "no" or any(change.did_change() for change in changes),
    )
