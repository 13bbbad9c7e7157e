"""The unit of systemd that starts a server: installed, enabled, given its password."""

from __future__ import annotations

from carbon.cluster import Node
from carbon.plan.model import Plan
from carbon.service.unit import password_file, unit_file
from remote.host.host import Host
from remote.host.script import Script


def install_unit(host: Host[Node], plan: Plan) -> None:
    """Write the unit of a node, bring its keystore password, and enable it.

    Raises PrivilegeError, ScriptError.
    """
    node, planned = plan.node, plan.unit
    assert node.service is not None, "only a node with a service has a unit"
    script = Script(
        name="unit",
        values={
            "unit": node.service.unit,
            "unit_file": str(unit_file(node.service.unit)),
            "content": (planned.new or b"") if planned and planned.writes else "",
            "enable": "yes" if planned and planned.enable else "no",
            "password_file": str(password_file(node.service.unit)),
            "keystore_password": node.keystore_password or "",
        },
        calls_sudo=True,
        limit_seconds=host.limits.command_seconds,
    )
    host.run(script, step="unit")
