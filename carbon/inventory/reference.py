"""The JSON Schema of hosts.yaml and its reference page, both from the table that reads the file.

`python -m carbon.inventory.reference` writes them; a test sees that they are up to date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from carbon.inventory import artifacts, commands, packs, reading, schema, texts, values
from carbon.inventory.reading import Key, Listed, Named, NamedRecords, Record, Scalar

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA_FILE = DOCS / "hosts.schema.json"
PAGE_FILE = DOCS / "hosts-yaml.md"

SECTIONS: Mapping[str, tuple[Record[Any], Mapping[str, str]]] = {
    "cluster": (schema.CLUSTER_AND_SHARED, {**texts.CLUSTER, **texts.SHARED}),
    "manager": (schema.MANAGER, {**texts.SHARED, **texts.NODE}),
    "elb": (schema.ELB, {**texts.SHARED, **texts.NODE}),
    "database": (schema.DATABASE, texts.DATABASE),
    "load_balancer": (schema.LOAD_BALANCER, {**texts.SHARED, **texts.LOAD_BALANCER}),
    "workers": (schema.WORKER, {**texts.SHARED, **texts.NODE}),
}
ONCE_MORE = ("manager", "elb", "load_balancer", "workers")
"""Sections that may have shared keys, which the page shows under `cluster` alone."""

INTRODUCTION = """# Every key of hosts.yaml

Made from the code by `make docs-generated`. A key with `required` must be there after the shared
settings are laid below. Every value may be fetched with `!env NAME`, `!file PATH` or
`!command 'COMMAND'`; a `secret` must be. A null counts as absent, and takes a shared value away.
"""


def json_schema() -> str:
    """Return the JSON Schema of hosts.yaml.

    What is required is not in it: a key may come from the shared settings.
    """
    sections = {
        name: {
            **(
                {"type": ["object", "null"], "additionalProperties": _record(record, text)}
                if name == "workers"
                else _record(record, text)
            ),
            "description": texts.SECTIONS[name],
        }
        for name, (record, text) in SECTIONS.items()
    }
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "hosts.yaml of carbon-provision",
        "type": "object",
        "properties": sections,
        "required": [name for name, key in schema.HOSTS_YAML.keys.items() if key.required],
        "additionalProperties": False,
    }
    return json.dumps(whole, indent=1) + "\n"


def page() -> str:
    """Return the reference page of hosts.yaml."""
    parts = [INTRODUCTION]
    for name, (record, text) in SECTIONS.items():
        heading = f"{name}.NAME" if name == "workers" else name
        shown = {
            path: key
            for path, key in paths(record)
            if not (name in ONCE_MORE and path.split(".")[0].split("[")[0] in schema.SHARED_KEYS)
        }
        rows = (f"| `{path}` | {_kind(key)} | {text[path]} |" for path, key in shown.items())
        extra = "\n\nAnd any shared key of `cluster`." if name in ("manager", "workers") else ""
        if name in ("elb", "load_balancer"):
            shared = ", ".join(f"`{key}`" for key in record.keys if key in schema.SHARED_KEYS)
            extra = f"\n\nAnd of the shared keys of `cluster`: {shared}."
        table = "\n".join(["| key | value | meaning |", "|---|---|---|", *rows])
        parts.append(f"## {heading}\n\n{texts.SECTIONS[name]}{extra}\n\n{table}\n")
    return "\n".join(parts)


def paths(record: Record[Any], above: str = "") -> Iterator[tuple[str, Key]]:
    """Return every key of a record with its path, those of the records in it included."""
    for name, key in record.keys.items():
        yield f"{above}{name}", key
        match _parts(key):
            case NamedRecords(record=inner):
                yield from paths(inner, f"{above}{name}.*.")
            case Listed(read=Record() as inner):
                yield from paths(inner, f"{above}{name}[].")
            case Record() as inner:
                yield from paths(inner, f"{above}{name}.")


def _parts(key: Key) -> Any:
    """Return the reader of a key; some are functions around their record."""
    read = key.read
    if isinstance(read, Listed) and read.read is schema.file_edit:
        return Listed(schema.FILE_EDIT)
    if isinstance(read, Listed) and read.read is artifacts.artifact:
        return Listed(artifacts.ARTIFACT)
    return read


def _record(record: Record[Any], text: Mapping[str, str], above: str = "") -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {
            name: {
                **_reader(_parts(key), text, f"{above}{name}"),
                "description": text[above + name],
            }
            for name, key in record.keys.items()
        },
        "additionalProperties": False,
    }


def _reader(read: Any, text: Mapping[str, str], path: str) -> dict[str, Any]:
    match read:
        case NamedRecords(record=inner):
            below = _record(inner, text, f"{path}.*.")
            return {"type": ["object", "null"], "additionalProperties": below}
        case Record():
            return _record(read, text, f"{path}.")
        case Listed(read=Record() as inner):
            return {"type": ["array", "null"], "items": _record(inner, text, f"{path}[].")}
        case Listed(read=inner):
            item = _reader(inner, text, path)
            return {"anyOf": [item, {"type": "array", "items": item}]}
        case Named() | schema.properties:
            scalar = {"type": ["string", "number", "boolean", "null"]}
            return {"type": ["object", "null"], "additionalProperties": scalar}
        case packs.pack:
            checked = _record(packs.PACK, {"file": "The file.", "sha256": "Its checksum."})
            return {"anyOf": [{"type": ["string", "null"]}, checked]}
        case commands.local_command:
            below = {
                "run": {"type": "string", "description": "The command, for `sh -c`."},
                "within": {
                    "type": ["number", "string"],
                    "description": "How long it may take, in seconds (default 60).",
                },
            }
            mapping = {
                "type": "object",
                "properties": below,
                "required": ["run"],
                "additionalProperties": False,
            }
            return {"anyOf": [{"type": ["string", "null"]}, mapping]}
        case Scalar(parse=values.OneOf(words=words)):
            return {"enum": [*words, None]}
        case Scalar(parse=values.flag):
            return {"type": ["boolean", "string", "null"]}
        case Scalar(parse=values.offset):
            return {"type": ["integer", "string", "null"], "minimum": 0}
        case Scalar(parse=values.WholeNumber(low=low, high=high)):
            return {"type": ["integer", "string", "null"], "minimum": low, "maximum": high}
        case reading.secret:
            return {"type": ["string", "null"]}
    return {"type": ["string", "number", "boolean", "null"]}


def _kind(key: Key) -> str:
    match key.read:
        case Record() | NamedRecords() | Named() | schema.properties:
            kind = "mapping"
        case Listed():
            kind = "list"
        case Scalar(parse=values.OneOf(words=words)):
            kind = " or ".join(f"`{word}`" for word in words)
        case Scalar(parse=values.flag):
            kind = "true or false"
        case Scalar(parse=values.WholeNumber(low=low, high=high)):
            kind = f"{low} to {high}"
        case Scalar(parse=values.offset):
            kind = "from 0"
        case Scalar(parse=values.seconds):
            kind = "seconds"
        case reading.secret:
            kind = "secret"
        case packs.pack:
            kind = "path, or `file` and `sha256`"
        case commands.local_command:
            kind = "command"
        case _:
            kind = "text"
    return f"{kind}, required" if key.required else kind


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json_schema())
    PAGE_FILE.write_text(page())
