"""What vLLM tells of its load, and for how long it is believed."""

from __future__ import annotations

import asyncio

import pytest

from routing.engine_load import Reading, queue_s, read_metrics
from routing.errors import BackendProtocolError, BackendUnavailable
from routing.gauge import EngineLoad, Gauge, LoadWatch

METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="m {x}"} 0.25
vllm:request_queue_time_seconds_bucket{engine="0",le="0.3",model_name="m"} 4.0
vllm:request_queue_time_seconds_count{engine="0",model_name="m"} 5.0
vllm:request_queue_time_seconds_sum{engine="0",model_name="m"} 1.5
python_gc_objects_collected_total{generation="0"} 9.0
"""


def test_vllms_metrics_are_read() -> None:
    assert read_metrics(METRICS, 7) == Reading(
        7, running=3, waiting=2, kv_cache=0.25, queued_s=1.5, begun=5
    )


def test_several_cores_are_added_up_and_their_caches_averaged() -> None:
    other = METRICS.replace('engine="0"', 'engine="1"').replace("0.25", "0.75")
    read = read_metrics(METRICS + other, 0)
    assert (read.turns, read.kv_cache, read.queued_s, read.begun) == (10, 0.5, 3.0, 10)


def test_the_older_name_of_the_cache_is_known() -> None:
    older = METRICS.replace("kv_cache_usage_perc", "gpu_cache_usage_perc")
    assert read_metrics(older, 0).kv_cache == 0.25


@pytest.mark.parametrize("text", ["", "up 1\n", "<html>404</html>", "vllm:kv_cache_usage_perc x"])
def test_what_is_no_vllm_is_refused(text: str) -> None:
    with pytest.raises(BackendProtocolError):
        read_metrics(text, 0)


@pytest.mark.parametrize(
    "line",
    ["vllm:num_requests_running", "vllm:num_requests_running{a=}", "vllm:x NaN", "vllm:x{} +Inf"],
)
def test_a_line_that_is_none_spoils_nothing(line: str) -> None:
    assert read_metrics(f"{METRICS}{line}\n", 0) == read_metrics(METRICS, 0)


def told(at: float, begun: int, queued: float, waiting: int = 0) -> Reading:
    return Reading(at, 1, waiting, queued_s=queued, begun=begun)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, told(1, 5, 2.0), None),
        (told(0, 5, 2.0), told(1, 9, 4.0), 0.5),
        (told(0, 5, 2.0), told(1, 5, 2.0), 0.0),
        (told(0, 5, 2.0, waiting=1), told(3, 5, 2.0, waiting=1), 3.0),
        (told(0, 5, 2.0), told(1, 0, 0.0), None),
    ],
    ids=["first", "mean of those that ended", "nothing to do", "stuck", "started anew"],
)
def test_the_wait_in_the_queue_is_that_of_lately(
    before: Reading | None, now: Reading, expected: float | None
) -> None:
    assert queue_s(before, now) == expected


class Engine:
    """Metrics that a test writes; None is an engine that does not answer."""

    def __init__(self, text: str | None = METRICS) -> None:
        self.text = text
        self.now = 0.0
        self.asked = 0

    async def fetch(self, within_s: float) -> str:
        del within_s
        self.asked += 1
        if self.text is None:
            raise BackendUnavailable("refused")
        return self.text

    def gauge(self, own: int = 0) -> Gauge:
        return Gauge("gpu", self.fetch, stale_s=5, own=lambda: own, clock=lambda: self.now)


async def test_a_load_is_believed_until_it_is_stale() -> None:
    engine = Engine()
    gauge = engine.gauge(own=2)
    assert gauge.load() is None
    await gauge.look(1)
    assert gauge.load() == EngineLoad(0.25, None, elsewhere=3)
    engine.text, engine.now = None, 5.0
    await gauge.look(1)
    assert gauge.load() is not None
    engine.now = 5.1
    assert gauge.load() is None


async def test_a_reading_is_as_old_as_its_request() -> None:
    engine = Engine()

    async def slow(within_s: float) -> str:
        engine.now += 4
        return await engine.fetch(within_s)

    gauge = Gauge("gpu", slow, stale_s=5, clock=lambda: engine.now)
    await gauge.look(10)
    engine.now = 5.1
    assert gauge.load() is None


async def test_an_engine_that_hangs_is_waited_for_no_longer_than_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def hangs(within_s: float) -> str:
        del within_s
        await asyncio.Event().wait()
        raise AssertionError

    gauge = Gauge("gpu", hangs)
    await gauge.look(0.01)
    await gauge.look(0.01)
    assert gauge.load() is None
    assert [each.getMessage() for each in caplog.records] == [
        "gpu does not tell its load: no answer"
    ]


async def test_gauges_are_read_as_long_as_the_application_runs() -> None:
    engine, seen, often = Engine(), asyncio.Event(), asyncio.Event()

    async def fetch(within_s: float) -> str:
        text = await engine.fetch(within_s)
        if engine.asked == 3:
            often.set()
        return text

    async with LoadWatch([Gauge("gpu", fetch)], 0.001, seen.set):
        await seen.wait()
        await often.wait()
        assert len(reading()) == 2
    assert not reading()


async def test_the_watch_can_be_ended_before_the_application() -> None:
    engine = Engine()
    async with LoadWatch([engine.gauge()], 0.001) as watch:
        await watch.aclose()
        assert not reading()


def reading() -> list[str]:
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("load of")]
