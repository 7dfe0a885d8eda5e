"""How often, how much, when, and which model: rates, quiet hours, allowed models, sizes."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import UserMessage

from policies.allowance import Draw, LocalAllowance, Rate
from policies.decision import ALLOW, Allow, Deny
from policies.loader import PolicyError, parse
from policies.policy import Policies, Subject
from policies.rules.hours import DAYS, QuietHours
from policies.rules.models import AllowedModels
from policies.rules.rate import RateLimit
from policies.rules.size import CallSize
from tools.spec import ToolSpec, ValidCall

ASKED = [UserMessage(content="hello")]
ANNA, BEN = Subject(tenant="one", key="anna"), Subject(tenant="one", key="ben")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock, **settings_: Any) -> Policies:
    return Policies([RateLimit(**settings_)], LocalAllowance(clock))


async def made(rules: Policies, name: str) -> Allow | Deny:
    return (await rules.admit_calls(ANNA, [call(name)])).get(call().id, ALLOW)


async def take(allowance: LocalAllowance, bucket: str, rate: Rate, amount: float) -> float:
    [wait_s] = await allowance.take([Draw(bucket, rate, amount)])
    return wait_s


def call(name: str = "send") -> ValidCall:
    return ValidCall("abcdefghi", ToolSpec(name, "", {}), {"a": "b" * 10})


async def test_requests_beyond_the_rate_are_denied_until_there_is_room_again() -> None:
    clock = Clock()
    rule = limited(clock, requests=2, every_s=60)
    assert [await rule.admit(ANNA) for _ in range(2)] == [ALLOW, ALLOW]
    denied = await rule.admit(ANNA)
    assert isinstance(denied, Deny)
    assert denied.retry_after_s == pytest.approx(30)
    clock.now = 30
    assert await rule.admit(ANNA) == ALLOW
    assert isinstance(await rule.admit(ANNA), Deny)


async def test_each_key_or_tenant_has_its_own_bucket() -> None:
    rule = limited(Clock(), requests=1)
    assert await rule.admit(ANNA) == await rule.admit(BEN) == ALLOW
    rule = limited(Clock(), requests=1, per="tenant")
    assert await rule.admit(ANNA) == ALLOW
    assert isinstance(await rule.admit(BEN), Deny)
    assert await rule.admit(Subject(tenant="two")) == ALLOW
    rule = limited(Clock(), requests=1, per="all")
    assert await rule.admit(ANNA) == ALLOW
    assert isinstance(await rule.admit(Subject(tenant="two")), Deny)


async def test_calls_are_counted_together_or_for_each_tool() -> None:
    together = limited(Clock(), calls=1, tools=["send", "post"])
    assert await made(together, "send") == ALLOW
    assert isinstance(await made(together, "post"), Deny)
    assert await made(together, "read") == ALLOW
    apart = limited(Clock(), calls=1, each_tool=True)
    assert await made(apart, "send") == await made(apart, "post") == ALLOW
    assert isinstance(await made(apart, "send"), Deny)


async def test_tokens_that_were_taken_too_many_are_owed() -> None:
    clock = Clock()
    rule = limited(clock, tokens=100, every_s=10)
    assert await rule.admit(ANNA) == ALLOW
    rule.on_spend(ANNA, 150, 0.0)
    denied = await rule.admit(ANNA)
    assert isinstance(denied, Deny)
    clock.now = 5
    assert isinstance(await rule.admit(ANNA), Deny)
    clock.now = 5.2
    assert await rule.admit(ANNA) == ALLOW


async def test_a_denied_request_takes_nothing_from_another_bucket() -> None:
    clock = Clock()
    rule = limited(clock, requests=1, tokens=10, every_s=10)
    rule.on_spend(ANNA, 20, 0.0)
    assert isinstance(await rule.admit(ANNA), Deny)
    clock.now = 10.5
    assert await rule.admit(ANNA) == ALLOW


async def test_money_is_limited_too() -> None:
    rule = limited(Clock(), cost_usd=0.01)
    rule.on_spend(ANNA, 10, 0.02)
    assert isinstance(await rule.admit(ANNA), Deny)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 3)), max_size=60),
    st.integers(3, 10),
    st.floats(1, 20),
)
@settings(max_examples=60, deadline=None)
async def test_never_more_than_a_bucket_and_what_flows_into_it_is_taken(
    asks: list[tuple[float, int]], most: int, every_s: float
) -> None:
    clock = Clock()
    allowance, rate, taken = LocalAllowance(clock), Rate(most, every_s), 0.0
    for wait, amount in asks:
        clock.now += wait
        after = await take(allowance, "k", rate, amount)
        if after == 0:
            taken += amount
        else:
            clock.now += after + 1e-6
            assert await take(allowance, "k", rate, amount) == 0, "waiting as told helps"
            taken += amount
        assert taken <= most + clock.now * most / every_s + 1e-6


async def test_of_too_many_buckets_the_longest_unused_is_forgotten() -> None:
    allowance, rate = LocalAllowance(Clock(), most=2), Rate(1, 60)
    for key in "abc":
        assert await take(allowance, key, rate, 1) == 0
    assert await take(allowance, "c", rate, 1) > 0
    assert await take(allowance, "a", rate, 1) == 0


def at(text: str) -> QuietHours:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return QuietHours(time(22), time(7), "Europe/Berlin", days=["fri"], now=lambda: moment)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-11-20T21:30", True),  # Friday, 22:30 in Berlin
        ("2026-11-21T05:59", True),
        ("2026-11-21T06:00", False),
        ("2026-11-20T20:59", False),
        ("2026-11-21T21:30", False),  # Saturday
    ],
)
def test_quiet_hours_go_over_midnight_and_belong_to_the_day_they_begin_on(
    moment: str, quiet: bool
) -> None:
    assert isinstance(at(moment).on_request(ANNA, ASKED), Deny) == quiet


def test_quiet_hours_tell_how_long_they_last_and_spare_other_roles() -> None:
    denied = at("2026-11-21T05:00").on_request(ANNA, ASKED)
    assert isinstance(denied, Deny)
    assert denied.retry_after_s == 3600
    spared = QuietHours(time(0), time(0), days=DAYS, roles=["app"])
    assert isinstance(spared.on_request(Subject(role="app"), ASKED), Deny)
    assert spared.on_request(Subject(role="operator"), ASKED) == ALLOW


def test_only_allowed_models_may_be_named() -> None:
    rule = AllowedModels(["gateway"], roles=["app"])
    assert rule.on_request(Subject(model="gateway"), ASKED) == ALLOW
    assert isinstance(rule.on_request(Subject(model="expert"), ASKED), Deny)
    assert rule.on_request(Subject(model="expert", role="operator"), ASKED) == ALLOW


def test_arguments_have_a_size() -> None:
    assert CallSize(20).on_call(ANNA, call()) == ALLOW
    assert isinstance(CallSize(10).on_call(ANNA, call()), Deny)


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        ({"rate_limit": {}}, "say what is limited"),
        ({"rate_limit": {"requests": 0}}, r"rate_limit\.requests"),
        ({"rate_limit": {"requests": 1, "per": "person"}}, r"rate_limit\.per"),
        ({"quiet_hours": {"start": 1320, "end": "07:00"}}, "in quotes"),
        ({"quiet_hours": {"start": "22:00", "end": "07:00", "timezone": "Mars"}}, "no time zone"),
        ({"allowed_models": {"models": ["gpt"]}}, r"allowed_models\.models"),
        ({"call_size": {"characters": -1}}, r"call_size\.characters"),
    ],
)
def test_a_mistake_is_refused_with_its_place(rule: dict[str, Any], where: str) -> None:
    with pytest.raises(PolicyError, match=where):
        parse({"rules": [rule]})


async def test_all_of_them_are_read_from_yaml() -> None:
    rules = parse(
        {
            "rules": [
                {"rate_limit": {"requests": 1}},
                {"quiet_hours": {"start": "22:00", "end": "22:00", "days": []}},
                {"allowed_models": {"models": ["gateway"]}},
                {"call_size": {}},
            ]
        }
    )
    assert rules.on_request(Subject(model="gateway"), ASKED) == ALLOW
    assert await rules.admit(Subject(model="gateway")) == ALLOW
    assert isinstance(await rules.admit(Subject(model="gateway")), Deny)
    assert rules.on_call(ANNA, call()) == ALLOW
