"""When a tier of engines is full, and who is then sent elsewhere: held for every course of its load."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.priority import PRIORITIES, Priority, at_most, rank
from routing.switch import Choice, Load, Standing, Thresholds, choose, next_standing

LIMITS = Thresholds(dwell_s=10)

shares = st.none() | st.floats(0, 2)
loads = st.builds(Load, kv_cache=shares, queue_s=st.none() | st.floats(0, 10), turns=shares)
courses = st.lists(st.tuples(st.floats(0.01, 30), loads), max_size=60)


def standings(course: list[tuple[float, Load]]) -> list[tuple[float, Load, Standing]]:
    now, standing, seen = 0.0, Standing(), list[tuple[float, Load, Standing]]()
    for later, load in course:
        now += later
        standing = next_standing(standing, load, now, LIMITS)
        seen.append((now, load, standing))
    return seen


def course(*shares_: float) -> list[bool]:
    """Whether a tier is full, with a reading of its KV cache every 11 seconds."""
    seen = standings([(11, Load(kv_cache=share)) for share in shares_])
    return [standing.full for _, _, standing in seen]


def test_a_tier_is_full_at_its_threshold_and_has_room_below_the_lower_one() -> None:
    assert course(0.79, 0.8, 0.7, 0.6, 0.59, 0.7, 0.9) == [
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (Load(kv_cache=0.85), "KV cache 85%"),
        (Load(queue_s=1.5), "queue 1.50 s"),
        (Load(kv_cache=0.1, queue_s=0, turns=1.25), "turns 125%"),
    ],
)
def test_any_measure_suffices_and_is_told(load: Load, told: str) -> None:
    assert next_standing(Standing(), load, 0, LIMITS) == Standing(full=True, since=0, shown_by=told)


def test_all_measures_have_to_fall_before_there_is_room_again() -> None:
    full = Standing(full=True, since=0)
    assert next_standing(full, Load(kv_cache=0.1, queue_s=0.5), 11, LIMITS).full
    assert not next_standing(full, Load(kv_cache=0.1, queue_s=0.1), 11, LIMITS).full


def test_what_nobody_tells_is_no_load() -> None:
    assert not next_standing(Standing(), Load(), 0, LIMITS).full
    assert not next_standing(Standing(full=True, since=0), Load(), 11, LIMITS).full


@given(courses)
def test_two_changes_are_never_closer_than_the_dwell(course: list[tuple[float, Load]]) -> None:
    changes = list[float]()
    before = False
    for now, _, standing in standings(course):
        if standing.full != before:
            changes.append(now)
        before = standing.full
    assert all(b - a >= LIMITS.dwell_s for a, b in pairwise(changes))


@given(courses)
def test_a_change_is_always_borne_out_by_the_load_of_its_moment(
    course: list[tuple[float, Load]],
) -> None:
    before = False
    for _, load, standing in standings(course):
        told = [share for share in (load.kv_cache, load.turns) if share is not None]
        waits = [] if load.queue_s is None else [load.queue_s]
        if standing.full and not before:
            assert any(x >= LIMITS.full for x in told) or any(x >= LIMITS.queue_s for x in waits)
        if before and not standing.full:
            assert all(x < LIMITS.room for x in told)
            assert all(x < LIMITS.queue_room_s for x in waits)
        before = standing.full


@given(courses, st.floats(0.8, 2))
def test_a_load_that_stays_high_is_noticed_within_the_dwell(
    course: list[tuple[float, Load]], share: float
) -> None:
    *_, (now, _, standing) = standings([*course, (1, Load(kv_cache=share))])
    assert next_standing(standing, Load(kv_cache=share), now + LIMITS.dwell_s, LIMITS).full


@given(
    st.sampled_from(PRIORITIES), st.booleans(), st.sampled_from([None, True, False]), st.booleans()
)
def test_only_low_priority_is_moved_and_only_with_reason(
    priority: Priority, full: bool, loop: bool | None, overflow_full: bool
) -> None:
    choice = choose(priority, full=full, began_in_overflow=loop, overflow_full=overflow_full)
    if priority != "low":
        assert choice == Choice(overflow=False, why="priority")
    elif loop is not None:
        assert choice == Choice(loop, "loop")
    else:
        assert choice.overflow == (full and not overflow_full)


def test_a_wish_is_granted_up_to_what_is_allowed() -> None:
    assert [at_most(wished, "normal") for wished in PRIORITIES] == ["low", "normal", "normal"]
    assert sorted(PRIORITIES, key=rank) == ["high", "normal", "low"]
