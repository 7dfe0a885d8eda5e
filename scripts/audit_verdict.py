"""What pip-audit's answer and zizmor's come to, for `scripts/audit`: `audit_verdict.py ANSWER.json CODE offline|online`.

Ends with 0 where every package was asked about and nothing is known of any, nor of a workflow, 1 where something is
known, and 3 where the advisories could not be had for some or all, or a tool did not run: that nothing was heard is no
good news. What was not checked is told, and how to have it checked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTHING_KNOWN, KNOWN, NOT_ASKED = 0, 1, 3
_FINDINGS = range(11, 15)
"""What zizmor ends with when it found something, by the worst of it."""
_ELSEWHERE = (
    "not checked: run scripts/audit where https://pypi.org/pypi/NAME/VERSION/json can be reached (a mirror of"
    " packages has no advisories), or AUDIT_SERVICE=osv scripts/audit where https://api.osv.dev can"
)
_OFFLINE = (
    "not checked: whether actions have known weaknesses, are impostors' or have moved; zizmor asks GitHub about that:"
    " GH_TOKEN=… scripts/audit"
)


def verdict(answer: str) -> tuple[int, list[str]]:
    """The exit code for pip-audit's answer in JSON (empty: none came), and what to tell."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    if not packages:
        return NOT_ASKED, ["pip-audit gave no answer: nothing was checked", _ELSEWHERE]
    told = [
        f"{each['name']} {each['version']}: {weakness['id']},"
        f" fixed in {', '.join(weakness['fix_versions']) or 'no version yet'}"
        for each in packages
        for weakness in each.get("vulns", ())
    ]
    unasked = [each["name"] for each in packages if "skip_reason" in each]
    if unasked:
        which = "none" if len(unasked) == len(packages) else f"{len(packages) - len(unasked)}"
        some = f"{', '.join(unasked[:5])}{', …' if len(unasked) > 5 else ''}"
        told.append(f"advisories were had for {which} of {len(packages)} packages, not for {some}")
        told.append(_ELSEWHERE)
    if any(each.get("vulns") for each in packages):
        return KNOWN, told
    return (NOT_ASKED, told) if unasked else (NOTHING_KNOWN, told)


def workflows(ended: int, *, online: bool) -> tuple[int, list[str]]:
    """The same for zizmor, by what it ended with."""
    told = [] if online else [_OFFLINE]
    if ended == 0:
        return NOTHING_KNOWN, told
    if ended in _FINDINGS:
        return KNOWN, ["zizmor found what stands above", *told]
    return NOT_ASKED, [f"zizmor did not run (it ended with {ended}): no workflow was checked"]


def main() -> None:
    """Tell, and end with the code: what is known weighs more than what is not."""
    file, ended, reach = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    both = (
        verdict(file.read_text(encoding="utf-8") if file.exists() else ""),
        workflows(ended, online=reach == "online"),
    )
    for line in (line for _, told in both for line in told):
        print(line)
    codes = {code for code, _ in both}
    sys.exit(next(code for code in (KNOWN, NOT_ASKED, NOTHING_KNOWN) if code in codes))


if __name__ == "__main__":
    main()
