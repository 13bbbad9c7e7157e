"""Addresses as /proc/net/tcp has them."""

from __future__ import annotations

import pytest

from carbon.home.sockets import proc_net_forms


def test_both_byte_orders_of_an_address() -> None:
    assert proc_net_forms("10.0.0.4:9763") == ("0A000004:2623", "0400000A:2623")


def test_ipv6_is_turned_word_by_word() -> None:
    assert proc_net_forms("[fd00::4]:9443")[1] == "000000FD000000000000000004000000:24E3"


@pytest.mark.parametrize("text", ["worker1:9763", "10.0.0.4", "10.0.0.4:http", "", ":", "unix:/x"])
def test_what_is_no_address_has_no_form(text: str) -> None:
    assert proc_net_forms(text) == ()
