"""What root runs once on a load balancer whose login may turn workers and do nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from carbon.balancer.nginx import render
from carbon.cluster import Cluster, LoadBalancer
from remote.host.sudo import HELPER, fragment

_HELPER_TEXT = Path(__file__).parents[1] / "root/rotation_helper.sh"
_END = "END_OF_FILE_OF_CARBON_PROVISION"
_SUDOERS = "/etc/sudoers.d/provision"
_STATE = """\
# Workers that are out of rotation, or were struck, are `down` in the new file.
keep_state() {
    rm -f "$1.provision-new" "$1.provision-kept" # of an older vhost: not to come back
    [ -f "$1.provision-old" ] || return 0
    awk 'phase == 1 { if (/[ \\t]down[ \\t;].*#/ || $2 == "removed:") out[$NF] = 1; next }
        $1 == "server" && ($NF in out) { sub(/( max_fails=0)?;/, " down;") }
        { print }' phase=1 "$1.provision-old" phase=2 "$1" > "$1.provision-state"
    cat "$1.provision-state" > "$1"
    rm -f "$1.provision-old" "$1.provision-state"
}"""


def root_script(cluster: Cluster, balancer: LoadBalancer, *, login: str | None) -> str:
    """Return a script for root: it installs the helper, the vhosts and the sudo rights.

    It may run again, and has to after hosts.yaml has changed what is in the vhosts.
    Raises InventoryError where hosts.yaml lacks what a vhost needs.
    """
    rights = fragment(cluster, balancer, login=login)
    assert rights is not None
    files = {balancer.conf_dir / name: data for name, data in render(cluster).items()}
    return "\n".join(_lines(balancer.name, files, rights.text))


def _lines(name: str, files: Mapping[PurePosixPath, bytes], rights: str) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# For root, on {name}: what lets `fab` turn workers there, and write nothing else."
    yield "set -eu"
    yield "umask 022"
    yield '[ "$(id -u)" = 0 ] || { echo "root has to run this" >&2; exit 1; }'
    yield f"helper={shlex.quote(HELPER)}"
    yield from _file('"$helper.new"', _HELPER_TEXT.read_text())
    yield 'chmod 755 "$helper.new"'
    yield 'mv -f "$helper.new" "$helper"'
    yield _STATE
    for path, data in files.items():
        file = shlex.quote(str(path))
        yield f"[ ! -f {file} ] || cp -p {file} {shlex.quote(f'{path}.provision-old')}"
        yield from _file(file, data.decode())
        yield f"keep_state {file}"
    yield from _file(f"{_SUDOERS}.new", rights)
    yield f"chmod 440 {_SUDOERS}.new"
    yield f"visudo -cqf {_SUDOERS}.new"
    yield f"mv -f {_SUDOERS}.new {_SUDOERS}"
    yield "nginx -t"
    yield "nginx -s reload"


def _file(name: str, text: str) -> Iterator[str]:
    """Yield the lines that write a file; nothing in its text has a meaning for the shell."""
    assert _END not in text.splitlines()
    yield f"cat > {name} << '{_END}'"
    yield text.removesuffix("\n")
    yield _END
