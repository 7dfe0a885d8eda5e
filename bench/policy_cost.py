"""What policies cost on an ordinary request: nine tools offered, two calls judged, the rules that ship.

    python bench/policy_cost.py

Prints microseconds, the median and the 99th of a hundred, over several sets of Cedar policies.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mistral_common.protocol.instruct.messages import UserMessage

from policies.cedar.access import CedarAccess
from policies.cedar.cases import AskedTool
from policies.cedar.reloading import ReloadedSet
from policies.loader import DEFAULT_CEDAR, load
from policies.policy import Policies, Policy, Subject
from tools.spec import Effect, ValidCall

TOOLS = [AskedTool(name=f"tool_{at}", effect=Effect.READ).spec() for at in range(9)]
SUBJECT = Subject("run_1", "acme", "0123456789ab", "app", messages=(UserMessage(content="Go."),))
CALLS = [ValidCall(f"00000000{at}", TOOLS[at], {"to": "a@b.c", "n": at}) for at in range(2)]
LOOKS = """
permit (principal, action, resource);
forbid (principal, action == Action::"call", resource)
when { context.number.hasTag("n") && context.number.getTag("n") > 100 };
"""
TIMES = 2_000


def request(policies: Policy) -> None:
    """What a run asks of policies."""
    policies.on_request(SUBJECT, SUBJECT.messages)
    for tool in TOOLS:
        policies.on_offer(SUBJECT, tool)
    for call in CALLS:
        policies.on_call(SUBJECT, call)


def told(name: str, act: Callable[[], object]) -> None:
    """Print what it takes."""
    taken: list[float] = []
    for _ in range(TIMES):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1e6)
    median, slow = statistics.median(taken), statistics.quantiles(taken, n=100)[-1]
    print(f"{name:<58} {median:8.1f} {slow:8.1f}")


def main() -> None:
    """Measure each set."""
    print(f"{'µs a request':<58} {'median':>8} {'99 %':>8}")
    shipped = CedarAccess(ReloadedSet(DEFAULT_CEDAR))
    told("rules in YAML alone", lambda: request(load_rules))
    told("and the Cedar policies that ship", lambda: request(Policies([shipped, load_rules])))
    with tempfile.TemporaryDirectory() as folder:
        looking, many = Path(folder) / "looks.cedar", Path(folder) / "many.cedar"
        looking.write_text(LOOKS)
        more = "".join(
            f'forbid (principal in Tenant::"t{at}", action, resource);' for at in range(100)
        )
        many.write_text(LOOKS + more)
        for name, path in (("that look at arguments", looking), ("and a hundred more", many)):
            policies = Policies([CedarAccess(ReloadedSet(path)), load_rules])
            told(f"with policies {name}", lambda rules=policies: request(rules))


load_rules = load()

if __name__ == "__main__":
    main()
