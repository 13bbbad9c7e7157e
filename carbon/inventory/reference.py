"""The JSON Schema of hosts.yaml and its reference page, both from the table that reads the file.

`python -m carbon.inventory.reference` writes them; a test sees that they are up to date.
"""

from __future__ import annotations

import json
from pathlib import Path

from carbon.inventory.keys import HOSTS_YAML, SHARED_KEYS
from carbon.inventory.kinds import Key

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA_FILE = DOCS / "hosts.schema.json"
PAGE_FILE = DOCS / "hosts-yaml.md"
SHARED = tuple(key.name for key in SHARED_KEYS)

INTRODUCTION = """# Every key of hosts.yaml

Made from the code by `make docs-generated`. A key with `required` must be there after the shared
settings are laid below. Every value may be fetched with `!env NAME`, `!file PATH` or
`!command 'COMMAND'`; a `secret` must be. A null counts as absent, and takes a shared value away.
"""


def json_schema() -> str:
    """Return the JSON Schema of hosts.yaml.

    What is required is not in it: a key may come from the shared settings.
    """
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "hosts.yaml of carbon-provision",
        **HOSTS_YAML.schema(),
        "type": "object",
        "required": [name for name, key in HOSTS_YAML.keys.items() if key.required],
    }
    return json.dumps(whole, indent=1) + "\n"


def page() -> str:
    """Return the reference page of hosts.yaml."""
    return "\n".join([INTRODUCTION, *map(_section, HOSTS_YAML.keys.values())])


def _section(section: Key) -> str:
    """Return the table of a section; shared keys are explained under `cluster` alone."""
    shared = () if section.name == "cluster" else SHARED
    below = [
        (path.removeprefix(".*").removeprefix("."), key, meaning)
        for path, key, meaning in section.kind.below()
    ]
    rows = (
        f"| `{path}` | {key.kind.word}{', required' * key.required} | {meaning} |"
        for path, key, meaning in below
        if path.split(".")[0].split("[")[0] not in shared
    )
    inherited = [f"`{path}`" for path, _, _ in below if path in shared]
    extra = f"\n\nAnd of the shared keys of `cluster`: {', '.join(inherited)}." if inherited else ""
    if len(inherited) == len(SHARED):
        extra = "\n\nAnd any shared key of `cluster`."
    heading = f"{section.name}.NAME" if section.name == "workers" else section.name
    table = "\n".join(["| key | value | meaning |", "|---|---|---|", *rows])
    return f"## {heading}\n\n{section.meaning}{extra}\n\n{table}\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json_schema())
    PAGE_FILE.write_text(page())
