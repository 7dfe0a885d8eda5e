"""What an engine tells of its own load: vLLM's metrics in Prometheus' text format, read.

Pure. Of an engine with several cores (data parallelism) counts are added up and the KV cache is the mean.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from routing.errors import BackendProtocolError

_KV_CACHE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
"""Its name now, and before vLLM 0.10. Shares, in spite of their names."""
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_QUEUED = "vllm:request_queue_time_seconds"


@dataclass(frozen=True, slots=True)
class Reading:
    """An engine's metrics at one time. `at` is a reading of the caller's clock, in seconds.

    `kv_cache` is a share. `queued_s` is the time that all turns so far, `begun` in number, spent in the
    queue; a turn counts when it ends. None is what the engine does not tell.
    """

    at: float
    running: int
    waiting: int
    kv_cache: float | None = None
    queued_s: float | None = None
    begun: int = 0

    @property
    def turns(self) -> int:
        """Turns that it has, whoever sent them."""
        return self.running + self.waiting


def read_metrics(text: str, at: float) -> Reading:
    """The metrics in `text`. Raises `BackendProtocolError` where there are none of vLLM's."""
    found = defaultdict[str, list[float]](list)
    for name, value in _samples(text):
        found[name].append(value)
    if _RUNNING not in found and _WAITING not in found:
        raise BackendProtocolError("no metrics of vLLM")
    cache = next((found[name] for name in _KV_CACHE if name in found), None)
    queued = found.get(f"{_QUEUED}_sum")
    return Reading(
        at,
        running=int(sum(found[_RUNNING])),
        waiting=int(sum(found[_WAITING])),
        kv_cache=sum(cache) / len(cache) if cache else None,
        queued_s=sum(queued) if queued else None,
        begun=int(sum(found[f"{_QUEUED}_count"])),
    )


def queue_s(before: Reading | None, now: Reading) -> float | None:
    """How long turns waited in the engine's queue lately, in seconds; None where it can't be told.

    The mean of those that ended between two readings. Where none did while some waited all the time, they
    have waited for as long as lies between the readings.
    """
    if now.queued_s is None or before is None or before.queued_s is None:
        return None
    ended = now.begun - before.begun
    if ended < 0:  # it was started anew
        return None
    mean = max(now.queued_s - before.queued_s, 0.0) / ended if ended else 0.0
    stuck = now.at - before.at if not ended and before.waiting and now.waiting else 0.0
    return max(mean, stuck)


def _samples(text: str) -> Iterator[tuple[str, float]]:
    """Names without labels, and values. Lines that are none are left out."""
    for line in text.splitlines():
        if not line.startswith("vllm:"):
            continue
        name = line.partition("{")[0].partition(" ")[0]
        value = line.rpartition("}")[2].split() if "{" in line else line.split()[1:]
        try:
            number = float(value[0])
        except (IndexError, ValueError):
            continue
        if math.isfinite(number):
            yield name, number
