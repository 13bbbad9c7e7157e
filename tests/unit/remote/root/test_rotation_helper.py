"""root's helper: a login that may call it turns workers, and gets nothing else into nginx."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import remote
from carbon.balancer import nginx
from tests.unit.carbon.nodes import make_balancer, make_cluster, make_node

HELPER = Path(remote.__file__).parent / "root/rotation_helper.sh"
WORKERS = (
    make_node("worker1", local_member_host="10.0.0.4"),
    make_node("worker2", local_member_host="10.0.0.40"),
)
CLUSTER = make_cluster(*WORKERS, load_balancer=make_balancer())
NAME = nginx.file_names(CLUSTER)[0]
FILE = nginx.render(CLUSTER)[NAME]

Take = Callable[[bytes], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def vhost(tmp_path: Path) -> Path:
    """root's file."""
    path = tmp_path / NAME
    path.write_bytes(FILE)
    return path


def call(*arguments: str, data: bytes = FILE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["sh", HELPER, *arguments], input=data, capture_output=True, check=False)


def take(vhost: Path, data: bytes) -> bytes | None:
    """Return what the helper wrote for nginx; None: nothing."""
    new = Path(f"{vhost}.provision-new")
    new.unlink(missing_ok=True)
    ran = call(str(new), data=data)
    assert (ran.returncode == 0) == new.exists()
    assert {path.name for path in vhost.parent.iterdir()} <= {vhost.name, new.name}
    return new.read_bytes() if new.exists() else None


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_every_turn_of_a_rolling_change_is_taken(vhost: Path, worker: object) -> None:
    node = next(each for each in WORKERS if each is worker)
    out = nginx.take_out(FILE, node)
    assert out != FILE
    assert take(vhost, out) == out
    vhost.write_bytes(out)
    back = nginx.put_in(out, node, scheme="http")
    assert take(vhost, back) == back == FILE
    both = nginx.take_out(nginx.take_out(FILE, WORKERS[0]), WORKERS[1])
    assert take(vhost, both) == both


def test_workers_may_be_struck_down_to_the_last(vhost: Path) -> None:
    data = FILE
    for worker in WORKERS:
        data = nginx.remove(data, worker)
        assert take(vhost, data) == data
        vhost.write_bytes(data)


def test_what_root_added_stays_and_may_stay(vhost: Path) -> None:
    own = FILE.replace(b":9763;", b":9763 weight=5;").replace(
        b"    location", b"    gzip on;\n    location"
    )
    vhost.write_bytes(own)
    assert take(vhost, nginx.take_out(own, WORKERS[0])) is not None
    assert take(vhost, FILE) is None


EVIL = b"access_log /etc/cron.d/evil evil;"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FILE + EVIL, id="a line more"),
        pytest.param(EVIL + b"\n" + FILE, id="a line before"),
        pytest.param(b"", id="nothing"),
        pytest.param(FILE[: len(FILE) // 2], id="half"),
        pytest.param(b"".join(FILE.splitlines(keepends=True)[:-1]), id="a line less"),
        pytest.param(FILE.replace(b"10.0.0.4:", b"10.6.6.6:"), id="another address"),
        pytest.param(FILE.replace(b"10.0.0.4:", b"10.0.0.40:"), id="another's address"),
        pytest.param(FILE.replace(b"; # worker1", b"; # worker2"), id="another's name"),
        pytest.param(FILE.replace(b"; # worker1", b" backup; # worker1"), id="another flag"),
        pytest.param(
            FILE.replace(b"; # worker1", b"; } " + EVIL + b" # worker1"), id="two statements"
        ),
        pytest.param(FILE.replace(b"; # worker1", b"; # worker1\r" + EVIL), id="a carriage return"),
        pytest.param(FILE.replace(b"; # worker1", b"; # worker1\0" + EVIL), id="a NUL"),
        pytest.param(FILE.replace(b"proxy_pass", b"proxy_pass\0" + EVIL), id="a NUL elsewhere"),
        pytest.param(
            FILE.replace(b"# worker1", b"# removed: worker1 " + EVIL), id="more than struck"
        ),
        pytest.param(FILE.replace(b"    proxy_pass", b"    #    proxy_pass"), id="a comment"),
        pytest.param(
            FILE.replace(b"server {", b"server {\n    server 127.0.0.1:9 down;"),
            id="nobody, elsewhere",
        ),
        pytest.param(FILE + b"\n" * 2_000_000, id="endless"),
    ],
)
def test_whatever_else_is_in_a_file_nothing_of_it_reaches_nginx(vhost: Path, data: bytes) -> None:
    """Refused, or written without what was added: what is written is what was judged."""
    written = take(vhost, data)
    assert written is None or written == FILE


def test_a_worker_that_was_struck_comes_back_by_root_alone(vhost: Path) -> None:
    """Its address is no longer in root's file."""
    vhost.write_bytes(nginx.remove(FILE, WORKERS[0]))
    assert take(vhost, FILE) is None


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("{file}",),
        ("{file}.provision-new", "x"),
        ("{folder}/../x/{name}.provision-new",),
        ("{folder}/other.conf.provision-new",),
        ("{folder}/passwd.provision-new",),
        ("relative.conf.provision-new",),
    ],
)
def test_only_the_sibling_of_a_file_of_root_is_written(
    vhost: Path, arguments: tuple[str, ...]
) -> None:
    (vhost.parent / "passwd").write_bytes(FILE)
    before = sorted(vhost.parent.iterdir())
    filled = (word.format(file=vhost, folder=vhost.parent, name=vhost.name) for word in arguments)
    ran = call(*filled)
    assert ran.returncode == 3
    assert ran.stderr.startswith(b"carbon-provision-rotation: ")
    assert sorted(vhost.parent.iterdir()) == before


def test_a_file_that_is_a_link_is_not_roots(vhost: Path) -> None:
    vhost.rename(vhost.with_name("other"))
    vhost.symlink_to(vhost.with_name("other"))
    assert call(f"{vhost}.provision-new").returncode == 3
