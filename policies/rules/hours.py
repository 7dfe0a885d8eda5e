"""When nobody is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from mistral_common.protocol.instruct.messages import ChatMessage

from policies.decision import ALLOW, Allow, Deny
from policies.policy import Policy, Subject

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _now() -> datetime:
    return datetime.now(UTC)


class QuietHours(Policy):
    """From `start` until before `end`, over midnight where `end` is earlier, on `days` on which it begins.

    Times are those of clocks in `timezone`. Only requests of `roles` (globs) are denied.
    """

    name = "quiet_hours"

    def __init__(
        self,
        start: time,
        end: time,
        timezone: str = "UTC",
        *,
        days: Sequence[str] = DAYS,
        roles: Sequence[str] = ("*",),
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._start = start
        self._end = end
        self._zone = ZoneInfo(timezone)
        self._days = frozenset(DAYS.index(day) for day in days)
        self._roles = tuple(roles)
        self._now = now

    def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
        del messages
        if not any(fnmatchcase(subject.role, glob) for glob in self._roles):
            return ALLOW
        now = self._now().astimezone(self._zone)
        until = self._until(now)
        if until is None:
            return ALLOW
        reason = f"nobody is served until {until:%H:%M} ({self._zone.key})"
        return Deny(reason, self.name, (until - now).total_seconds())

    def _until(self, now: datetime) -> datetime | None:
        """When the quiet hours end that `now` is in."""
        for before in (0, 1):
            day = now.date() - timedelta(days=before)
            if day.weekday() not in self._days:
                continue
            begin = datetime.combine(day, self._start, self._zone)
            over = self._end <= self._start
            end = datetime.combine(day + timedelta(days=over), self._end, self._zone)
            if begin <= now < end:
                return end
        return None
