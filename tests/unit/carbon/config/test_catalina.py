"""proxyPort goes to the HTTP and to the HTTPS Connector, whichever comes first."""

from __future__ import annotations

import pytest

from carbon.cluster import ProxyPorts
from carbon.config import files as config_files
from carbon.errors import ConfigFileError
from carbon.home import layout
from tests.unit.carbon.config.samples import CATALINA, LATER_CATALINA, changes, crlf
from tests.unit.carbon.nodes import make_node

NODE = make_node(proxy_ports=ProxyPorts())


def patch(data: bytes, **ports: int) -> bytes:
    node = make_node(proxy_ports=ProxyPorts(**ports))
    new = config_files.patch(node, layout.CATALINA, data).data
    assert config_files.patch(node, layout.CATALINA, new).data is new
    return new


@pytest.mark.parametrize("ends", [bytes, crlf])
def test_only_new_lines_appear_right_behind_port(ends: type[bytes]) -> None:
    new = patch(ends(CATALINA)).replace(b"\r", b"")
    assert changes(CATALINA, new) == [
        '+                 proxyPort="443"',
        '+                 proxyPort="80"',
    ]
    assert b'port="9443"\n                proxyPort="443"\n' in new
    assert b'port="9763"\n                proxyPort="80"\n' in new


def test_connectors_with_children_are_edited_too() -> None:
    new = patch(LATER_CATALINA)
    assert b'port="9763"\n                   proxyPort="80"\n' in new
    assert b'port="9443"\n                   proxyPort="443"\n' in new
    assert len(changes(LATER_CATALINA, new)) == 2


def test_other_ports_replace_the_present_ones() -> None:
    new = patch(patch(CATALINA), http=8080, https=8443)
    assert changes(patch(CATALINA), new) == [
        '-                 proxyPort="443"',
        '+                 proxyPort="8443"',
        '-                 proxyPort="80"',
        '+                 proxyPort="8080"',
    ]


def test_one_attribute_to_a_line_is_no_condition() -> None:
    data = (
        b"<Server><Service><Connector port='9763'/><Connector scheme='HTTPS'/></Service></Server>"
    )
    assert patch(data) == data.replace(b"'9763'", b"'9763' proxyPort=\"80\"").replace(
        b"'HTTPS'", b"'HTTPS' proxyPort=\"443\""
    )


def test_the_product_ports_tell_which_of_several_connectors_is_meant() -> None:
    data = CATALINA.replace(
        b'<Connector protocol="AJP/1.3" port="8009"/>', b'<Connector port="81"/>'
    )
    assert changes(data, patch(data)) == changes(CATALINA, patch(CATALINA))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'port="9763"', b'port="9443" scheme="https"'),
        (b'AJP/1.3" port="8009"', b'HTTP/1.1" port="9763"'),
        (b"Service", b"Services"),
    ],
)
def test_connectors_that_are_not_clear_are_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(ConfigFileError, match=r"no single live HTTPS? Connector") as caught:
        patch(CATALINA.replace(old, new))
    assert "proxyPort" in caught.value.action


def test_without_proxy_ports_the_file_is_not_managed() -> None:
    assert layout.CATALINA in config_files.managed_files(NODE)
    assert layout.CATALINA not in config_files.managed_files(make_node())
