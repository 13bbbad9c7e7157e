"""Check the locked requirements against known vulnerabilities: `make audit`.

pip-audit asks PyPI's advisories. It says "no known vulnerabilities" and ends with 0 for what it
could not look up, too: a source that cannot be reached, or a mirror that is not PyPI, must not look
like a clean bill. Exit status: 1 for a vulnerability; 0 for none; and 0, with a sentence, if
nothing could be checked, so that a build without network goes on. With STRICT=1 that is 3.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FILES = ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock")
UNCHECKED = 3


class Checked(NamedTuple):
    """What an advisory source said of one file."""

    vulnerable: tuple[str, ...]
    unchecked: tuple[str, ...]
    """Packages that were not looked up; all of them if no source answered."""
    checked: int


def judge(output: str) -> Checked:
    """Read what pip-audit prints as JSON; anything else means that it checked nothing."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Checked(vulnerable=(), unchecked=("everything",), checked=0)
    return Checked(
        vulnerable=tuple(line for package in packages for line in _vulnerabilities(package)),
        unchecked=tuple(each["name"] for each in packages if "skip_reason" in each),
        checked=sum("skip_reason" not in each for each in packages),
    )


def _vulnerabilities(package: dict[str, object]) -> Iterator[str]:
    found = package.get("vulns", ())
    for each in found if isinstance(found, list) else ():
        fixed = ", ".join(each.get("fix_versions", ())) or "no version yet"
        yield f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}"


def report(file: str, checked: Checked) -> list[str]:
    """Return what to say of one file."""
    lines = [f"{file}: {line}" for line in checked.vulnerable]
    if checked.unchecked and not checked.checked:
        lines.append(f"{file}: NOTHING was checked: no advisory source answered for it")
    elif checked.unchecked:
        lines.append(f"{file}: not checked: {', '.join(checked.unchecked)}")
    if not lines:
        lines.append(f"{file}: {checked.checked} packages, no known vulnerability")
    return lines


def status(results: Sequence[Checked], *, strict: bool) -> int:
    """Return the exit status."""
    if any(checked.vulnerable for checked in results):
        return 1
    return UNCHECKED if strict and any(checked.unchecked for checked in results) else 0


def main(pip_audit: str) -> int:
    """Check each file, and print what was found."""
    results = []
    for file in FILES:
        words = [pip_audit, "--format", "json", "--progress-spinner", "off", "--disable-pip"]
        ran = subprocess.run(
            [*words, "--require-hashes", "-r", str(ROOT / file)],
            capture_output=True,
            text=True,
            check=False,
        )
        results.append(judge(ran.stdout))
        print("\n".join(report(file, results[-1])))
    return status(results, strict=os.environ.get("STRICT", "") not in ("", "0"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
