"""What pip-audit's answer comes to, for `scripts/audit`: `audit_verdict.py ANSWER.json`.

Ends with 0 where every package was asked about and nothing is known of any, 1 where something is known, and
3 where the advisories could not be had for some or all: that nothing was heard is no good news.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTHING_KNOWN, KNOWN, NOT_ASKED = 0, 1, 3


def verdict(answer: str) -> tuple[int, list[str]]:
    """The exit code for an answer in JSON (empty: none came), and what to tell."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    if not packages:
        return NOT_ASKED, ["pip-audit gave no answer: nothing was checked"]
    told = [
        f"{each['name']} {each['version']}: {weakness['id']},"
        f" fixed in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for each in packages
        for weakness in each.get("vulns", ())
    ]
    unasked = [each["name"] for each in packages if "skip_reason" in each]
    if unasked:
        which = "none" if len(unasked) == len(packages) else f"{len(packages) - len(unasked)}"
        told.append(
            f"advisories were had for {which} of {len(packages)} packages, not for"
            f" {', '.join(unasked[:5])}{', …' if len(unasked) > 5 else ''}:"
            " https://pypi.org/pypi/NAME/VERSION/json has to be reachable, and not a mirror without it"
        )
    if any(each.get("vulns") for each in packages):
        return KNOWN, told
    return (NOT_ASKED, told) if unasked else (NOTHING_KNOWN, told)


def main() -> None:
    """Tell, and end with the code."""
    file = Path(sys.argv[1])
    code, told = verdict(file.read_text(encoding="utf-8") if file.exists() else "")
    for line in told:
        print(line)
    sys.exit(code)


if __name__ == "__main__":
    main()
