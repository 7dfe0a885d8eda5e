"""The numbers behind metrics where one process answers for itself, and the families that tell them.

A number is added to by the event loop's thread alone, so it takes no lock; `/metrics` reads it from another
thread, and may find it a step behind, as it does with the library's. What is told is what
prometheus_client's own metrics would tell: its names, its order.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector


class Count:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        """Add to it; raises `ValueError` for less than nothing."""
        if amount < 0:
            raise ValueError("a counter only grows")
        self.value += amount


class Level:
    """A number that rises and falls."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1) -> None:
        self.value += amount

    def dec(self, amount: float = 1) -> None:
        self.value -= amount

    def set(self, value: float) -> None:
        self.value = float(value)


class Spread:
    """How many amounts are at most which bound and above the one before, and the sum of all."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, amount: float) -> None:
        self.sum += amount
        self.counts[bisect_left(self._bounds, amount)] += 1


S = TypeVar("S")


class Family(Collector, Generic[S]):
    """The series of one metric, by the values of its labels."""

    def __init__(self, name: str, told: str, label_names: Sequence[str] = ()) -> None:
        self.name = name
        self.told = told
        self.label_names = tuple(label_names)
        self._series: dict[tuple[str, ...], S] = {}

    def labels(self, *values: str) -> S:
        """The series with these values, in the order of the labels' names; told from now on."""
        if len(values) != len(self.label_names):
            raise ValueError(f"{self.name} has the labels {self.label_names}")
        if (one := self._series.get(values)) is None:
            one = self._series[values] = self._new()
        return one

    def all_series(self) -> Iterable[tuple[tuple[str, ...], S]]:
        """Those that there are now; the event loop may add one meanwhile."""
        return self._series.copy().items()

    @abstractmethod
    def _new(self) -> S: ...


class Counters(Family[Count]):
    """A counter."""

    def collect(self) -> Iterable[Metric]:
        told = CounterMetricFamily(self.name, self.told, labels=self.label_names)
        for values, one in self.all_series():
            told.add_metric(values, one.value)
        return [told]

    def _new(self) -> Count:
        return Count()


class Gauges(Family[Level]):
    """A gauge."""

    def collect(self) -> Iterable[Metric]:
        told = GaugeMetricFamily(self.name, self.told, labels=self.label_names)
        for values, one in self.all_series():
            told.add_metric(values, one.value)
        return [told]

    def _new(self) -> Level:
        return Level()


class Histograms(Family[Spread]):
    """A histogram; `buckets` are the upper bounds, and one more takes what is above the last."""

    def __init__(
        self, name: str, told: str, label_names: Sequence[str] = (), *, buckets: Sequence[float]
    ) -> None:
        super().__init__(name, told, label_names)
        self._bounds = buckets
        self._told_bounds = (*(str(float(bound)) for bound in buckets), "+Inf")

    def collect(self) -> Iterable[Metric]:
        told = HistogramMetricFamily(self.name, self.told, labels=self.label_names)
        for values, one in self.all_series():
            counts = accumulate(one.counts)
            told.add_metric(values, list(zip(self._told_bounds, counts, strict=True)), one.sum)
        return [told]

    def _new(self) -> Spread:
        return Spread(self._bounds)
