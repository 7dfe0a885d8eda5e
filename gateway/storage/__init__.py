"""Where runs are kept: the seam (`RunStore`), its in-memory twin, and the log of one run."""

from gateway.storage.memory import MemoryRunStore
from gateway.storage.runs import RunLog, RunStatus, RunStore

__all__ = ["MemoryRunStore", "RunLog", "RunStatus", "RunStore"]
