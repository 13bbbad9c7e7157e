"""The schema, the reference page, and the table that reads hosts.yaml say the same."""

from __future__ import annotations

import json

from carbon.inventory import reference
from carbon.inventory.write import SCHEMA_LINE
from tests.unit.carbon.inventory.test_shipped import SHIPPED

REMEDY = "run `make docs-generated`"


def test_the_schema_is_up_to_date() -> None:
    assert reference.SCHEMA_FILE.read_text() == reference.json_schema(), REMEDY


def test_the_reference_page_is_up_to_date() -> None:
    assert reference.PAGE_FILE.read_text() == reference.page(), REMEDY


def test_the_first_line_of_the_shipped_inventory_names_the_schema() -> None:
    first = SHIPPED.read_text().partition("\n")[0]
    assert first == SCHEMA_LINE.format(url="docs/hosts.schema.json")


def test_the_schema_knows_the_type_of_a_port() -> None:
    manager = json.loads(reference.json_schema())["properties"]["manager"]["properties"]
    assert manager["localMemberPort"]["maximum"] == 65535
    assert manager["ssh"]["properties"]["host"]["description"]
