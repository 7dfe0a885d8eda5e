"""What a server process asks of Python, because of what its work is like.

What it is: two settings of the interpreter, each for a reason that was measured (docs/performance.md).
What it is not: a place for settings of the gateway.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager

_THRESHOLDS = (50_000, 10, 10)


def settle_collector() -> None:
    """Leave what exists now out of the collector's sight, and have it look rarely at what comes.

    What stands at the start lives as long as the process. A request leaves no cycles behind, its values end with
    their last reference; as often as Python looks by itself (each 700 new ones), a fifth of the processor went there.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()


@contextmanager
def generators_unlisted() -> Generator[None]:
    """The event loop keeps no list of the asynchronous generators that begin in this block.

    It would only be for closing them when the loop ends; a turn has a dozen, and all are closed by who opened
    them (`aclosing`). One that is lost is still closed: `finalizer` stays as it is.
    """
    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=None)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(firstiter=before.firstiter)
