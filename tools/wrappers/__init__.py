"""Executors that wrap executors, one concern each.

    Dry          tells what would be done, of calls that are not to be made       dry_run
    Cache        gives a read's result again for a while, if the tool says so      cache
    Truncate     what is too long for a model becomes a head and a notice          truncate
    Retry        tries again what is safe to try again, within the deadline        attempts
    Broken       leaves an upstream alone that keeps failing                       breaker
    Paced        begins calls no faster than the upstream allows                   upstream
    Limited      bounds how many calls of an upstream run at once                  upstream
    Timeout      bounds one attempt                                                attempts

What it is: behaviour added around the one-method seam; `standard_wrappers` folds all of them, from the
outside in as listed. Waiting for a turn or a slot is not part of an attempt's time.
What it is not: anything about one kind of tool, or policy.
"""

from __future__ import annotations

from tools.executor import Executor
from tools.spec import ToolSpec
from tools.wrappers.attempts import Retry, Timeout
from tools.wrappers.breaker import Broken
from tools.wrappers.cache import Cache
from tools.wrappers.dry_run import Dry
from tools.wrappers.truncate import Truncate
from tools.wrappers.upstream import Limited, Paced, Upstream

__all__ = [
    "Broken",
    "Cache",
    "Dry",
    "Limited",
    "Paced",
    "Retry",
    "Timeout",
    "Truncate",
    "Upstream",
    "standard_wrappers",
]


def standard_wrappers(
    executor: Executor, spec: ToolSpec, upstream: Upstream | None = None
) -> Executor:
    """What every registered tool gets. Without an `upstream` that it shares, a tool is its own."""
    upstream = upstream or Upstream(spec.name)
    attempt = Paced(Limited(Timeout(executor), upstream), upstream)
    bounded = Truncate(Retry(Broken(attempt, upstream.breaker)))
    return Dry(Cache(bounded, spec.cache_s) if spec.cache_s > 0 else bounded, executor)
