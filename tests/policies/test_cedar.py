"""What Cedar policies say, what they may speak about, and what happens when they are wrong."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from policies.cedar.access import CedarAccess
from policies.cedar.arguments import MOST_PATHS, flat
from policies.cedar.cases import AskedTool, Case, ask, read_cases, try_all
from policies.cedar.policy_set import PolicySet
from policies.cedar.reloading import ReloadedSet
from policies.decision import ALLOW, Allow, Deny, RequireApproval
from policies.errors import PolicyError
from policies.loader import DEFAULT_CEDAR
from policies.policy import Subject
from tools.spec import Effect, ToolSpec, ValidCall

PERMIT = "permit (principal, action, resource);\n"
UNREADABLE = Deny("the policies can't be asked: error during entity deserialization", "cedar")
CALLED = 'permit (principal, action == Action::"call", resource) when { CONDITION };'
AT_NIGHT = datetime(2026, 1, 3, 3, 30, tzinfo=UTC)


def written(folder: Path, text: str) -> Path:
    path = folder / "some.cedar"
    path.write_text(text)
    return path


def access(folder: Path, text: str, **options: Any) -> CedarAccess:
    return CedarAccess(ReloadedSet(written(folder, text)), **options)


def tool(name: str = "pay", effect: Effect = Effect.WRITE) -> ToolSpec:
    return AskedTool(name=name, effect=effect).spec()


def call(arguments: dict[str, Any] | None = None, of: ToolSpec | None = None) -> ValidCall:
    return ValidCall("000000000", of or tool(), arguments or {})


# --- the matrix: roles x actions x resources x tenants, against a table that a person can read

POLICIES = """
@id("use") permit (principal, action in [Action::"offer", Action::"call"], resource)
  when { principal.tenant == "a" || resource.effect == "read" };
@id("expert") permit (principal in Tenant::"a", action == Action::"escalate", resource);
@id("register") permit (principal in Role::"author", action == Action::"register", resource);
@id("approve") permit (principal in Role::"operator", action == Action::"approve", resource);
@id("destroying") @approval("it destroys")
permit (principal, action == Action::"call", resource) when { resource.effect == "destroy" };
@id("never") @reason("secret is never used")
forbid (principal, action, resource == Tool::"secret");
"""
ROLES = ("app", "author", "operator")
RESOURCES = {"look": "read", "save": "write", "wipe": "destroy", "secret": "read", "expert": ""}
ACTIONS = ("offer", "call", "register", "approve", "escalate")
# tenant a, tenant b; in each look, save, wipe, secret, expert. A allow, P approval, - deny, . is no question
TABLE = {
    ("offer", "app"): "AAA-. A---.",
    ("offer", "author"): "AAA-. A---.",
    ("offer", "operator"): "AAA-. A---.",
    ("call", "app"): "AAP-. A-P-.",
    ("call", "author"): "AAP-. A-P-.",
    ("call", "operator"): "AAP-. A-P-.",
    ("register", "app"): "----. ----.",
    ("register", "author"): "AAA-. AAA-.",
    ("register", "operator"): "AAA-. AAA-.",
    ("approve", "app"): "----. ----.",
    ("approve", "author"): "----. ----.",
    ("approve", "operator"): "AAA-. AAA-.",
    ("escalate", "app"): "....A ....-",
    ("escalate", "author"): "....A ....-",
    ("escalate", "operator"): "....A ....-",
}
SAID = {"allow": "A", "approval": "P", "deny": "-"}


def test_every_cell_of_the_matrix_is_answered_as_the_table_says(tmp_path: Path) -> None:
    policies = ReloadedSet(written(tmp_path, POLICIES))
    told: dict[tuple[str, str], str] = {}
    for action, role in product(ACTIONS, ROLES):
        rows: list[str] = []
        for tenant in ("a", "b"):
            row = ""
            for name, effect in RESOURCES.items():
                if (action == "escalate") != (name == "expert"):
                    row += "."
                    continue
                asked: dict[str, Any] = {"action": action, "role": role, "tenant": tenant}
                if effect:
                    asked["tool"] = {"name": name, "effect": effect}
                row += SAID[ask(policies, Case.model_validate(asked)).said]
            rows.append(row)
        told[action, role] = " ".join(rows)
    assert told == TABLE


def test_the_policies_that_ship_pass_their_own_table() -> None:
    tried = try_all(ReloadedSet(DEFAULT_CEDAR), read_cases(DEFAULT_CEDAR))
    assert len(tried) >= 10
    assert [each for each in tried if not each.is_right] == []


# --- what decides


def test_no_policy_that_matches_means_no(tmp_path: Path) -> None:
    rule = access(tmp_path, 'permit (principal, action, resource == Tool::"other");')
    assert rule.on_call(Subject(), call()) == Deny("no policy allows it", "cedar")
    assert not rule.on_offer(Subject(), tool())


def test_a_set_without_policies_allows_nothing(tmp_path: Path) -> None:
    assert isinstance(access(tmp_path, "").on_call(Subject(), call()), Deny)


def test_forbid_wins_and_its_reason_is_told(tmp_path: Path) -> None:
    text = PERMIT + '@id("no") @reason("not today") forbid (principal, action, resource);'
    assert access(tmp_path, text).on_call(Subject(), call()) == Deny("not today", "no")


def test_approval_is_asked_for_although_another_policy_permits(tmp_path: Path) -> None:
    text = PERMIT + '@id("big") @approval("it is big") permit (principal, action, resource);'
    rule = access(tmp_path, text)
    assert rule.on_call(Subject(), call()) == RequireApproval("it is big", "big")
    assert rule.on_offer(Subject(), tool())
    assert isinstance(rule.on_escalate(Subject(), "expert"), Deny)


def test_a_forbid_that_can_not_be_evaluated_denies(tmp_path: Path) -> None:
    """Cedar would pass over it."""
    text = PERMIT + (
        'forbid (principal, action == Action::"call", resource)'
        ' when { context.number.hasTag("n") && context.number.getTag("n") * 4 > 100 };'
    )
    rule = access(tmp_path, text)
    assert rule.on_call(Subject(), call({"n": 1})) == ALLOW
    assert isinstance(rule.on_call(Subject(), call({"n": 2**62})), Deny)


# --- what a call's context holds


@pytest.mark.parametrize(
    ("condition", "arguments", "subject"),
    [
        (
            'context.text.hasTag("to") && context.text.getTag("to") like "*@x.org"',
            {"to": "a@x.org"},
            {},
        ),
        ('context.number.hasTag("n") && context.number.getTag("n") > 100', {"n": 100.2}, {}),
        ('context.number.hasTag("n") && context.number.getTag("n") > 100', {"n": 10**40}, {}),
        ('context.number.hasTag("n") && context.number.getTag("n") < -100', {"n": -(10**40)}, {}),
        ('context.number.hasTag("n") && context.number.getTag("n") > 100', {"n": float("nan")}, {}),
        ('context.flag.hasTag("all") && context.flag.getTag("all")', {"all": True}, {}),
        (
            'context.strings.hasTag("cc") && context.strings.getTag("cc").contains("b")',
            {"cc": ["a", "b"]},
            {},
        ),
        ('context.text.hasTag("a.b[1].c")', {"a": {"b": [0, {"c": "d"}]}}, {}),
        (r'context.text.hasTag("a\\.b")', {"a.b": "c"}, {}),
        ('context.paths.contains("nothing")', {"nothing": None}, {}),
        ("context.cost_micro_usd >= 500000", {}, {"cost_usd": 0.5}),
        ("context.step == 3", {}, {"step": 3}),
        ("context.hour < 6 && context.weekday > 5 && context.minute == 30", {}, {}),
    ],
)
def test_policies_read_the_context_of_a_call(
    tmp_path: Path, condition: str, arguments: dict[str, Any], subject: dict[str, Any]
) -> None:
    text = f'{PERMIT}forbid (principal, action == Action::"call", resource) when {{ {condition} }};'
    rule = access(tmp_path, text, now=lambda: AT_NIGHT)
    assert isinstance(rule.on_call(Subject(**subject), call(arguments)), Deny)
    in_daylight = access(tmp_path, text, now=lambda: datetime(2026, 1, 5, 12, tzinfo=UTC))
    assert in_daylight.on_call(Subject(), call()) == ALLOW


def test_arguments_that_look_alike_do_not_take_each_others_place() -> None:
    found = flat({"a": {"b": "inside"}, "a.b": "outside", "c": ["x"], "c[0]": "y", "d\\.e": "z"})
    assert found.text == {
        "a.b": "inside", r"a\.b": "outside", "c[0]": "x", r"c\[0\]": "y", r"d\\\.e": "z",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["\ud800", "\0", '"; permit', "\u202e", "x" * 100_000])
def test_any_text_can_be_judged(tmp_path: Path, value: str) -> None:
    text = f'{PERMIT}forbid (principal, action == Action::"call", resource) when {{ context.text.hasTag("to") }};'
    rule = access(tmp_path, text)
    assert isinstance(rule.on_call(Subject(), call({"to": value})), Deny)
    assert rule.on_call(Subject(key=value[:50], tenant=value[:50]), call({value: 1})) in (
        ALLOW,
        UNREADABLE,
    )
    assert rule.on_call(Subject(), call({value: 1})) == ALLOW


def test_more_arguments_than_can_be_judged_are_denied(tmp_path: Path) -> None:
    text = f'{PERMIT}forbid (principal, action == Action::"call", resource) when {{ context.text.hasTag("to") }};'
    many = {"list": [0] * MOST_PATHS, "to": "x"}
    assert isinstance(access(tmp_path, text).on_call(Subject(), call(many)), Deny)


def test_taint_is_known_to_policies_that_read_it(tmp_path: Path) -> None:
    text = PERMIT + (
        '@id("tainted") forbid (principal, action == Action::"call", resource)'
        " when { context has tainted && context.tainted };"
    )
    policies = ReloadedSet(written(tmp_path, text))
    asked: dict[str, Any] = {
        "action": "call",
        "tool": {"name": "send", "effect": "write"},
        "arguments": {"to": "mallory@evil.example.com"},
    }
    assert ask(policies, Case.model_validate(asked)).said == "allow"
    assert ask(policies, Case.model_validate({**asked, "tainted": True})).policies == ("tainted",)


# --- what is refused when it is loaded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("permit (principal, action, resource)", "not Cedar"),
        ('permit (principal, action == Action::"read", resource);', "read"),
        (
            '@id("x") permit (principal, action, resource) when { resource.colour == "red" };',
            "colour",
        ),
        (
            CALLED.replace("CONDITION", 'context.text.getTag("to") == "x"'),
            "tag",
        ),
        ('permit (principal in Group::"x", action, resource);', "Group"),
        ("permit (principal == ?principal, action, resource);", "templates"),
    ],
)
def test_policies_that_do_not_fit_the_schema_are_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(PolicyError, match=told) as refused:
        PolicySet.read(written(tmp_path, text))
    assert "some.cedar" in str(refused.value)


def test_a_folder_is_read_whole_and_its_version_follows_the_text(tmp_path: Path) -> None:
    written(tmp_path, PERMIT)
    before = PolicySet.read(tmp_path)
    (tmp_path / "more.cedar").write_text('forbid (principal, action, resource == Tool::"x");')
    after = PolicySet.read(tmp_path)
    assert (len(before), len(after)) == (1, 2)
    assert before.version != after.version == PolicySet.read(tmp_path).version


@pytest.mark.parametrize("name", ["nothing.cedar", "."])
def test_policies_that_are_not_there_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError):
        PolicySet.read(tmp_path / name)


# --- changes


def test_changed_policies_are_taken_and_broken_ones_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    path = written(tmp_path, PERMIT)
    policies = ReloadedSet(path, clock=lambda: clock[0])
    rule = CedarAccess(policies)

    def now(text: str | None) -> bool:
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        clock[0] += 2
        return isinstance(rule.on_call(Subject(), call()), Allow)

    assert rule.on_call(Subject(), call()) == ALLOW
    assert now("forbid (principal, action, resource); // changed") is False
    version = rule.version
    with caplog.at_level(logging.ERROR):
        assert now("permit (principal") is False
        assert now(None) is False
    assert rule.version == version
    assert "stay in force" in caplog.text
    assert now(PERMIT + "// again") is True


def test_an_answer_is_kept_for_the_tool_that_it_was_given_for(tmp_path: Path) -> None:
    text = (
        'permit (principal, action in [Action::"offer", Action::"call"], resource)'
        ' when { resource.effect == "read" };'
    )
    rule = access(tmp_path, text)
    harmless, harmful = tool("x", Effect.READ), tool("x", Effect.DESTROY)
    assert rule.on_offer(Subject(), harmless)
    assert not rule.on_offer(Subject(), harmful)
    assert rule.on_call(Subject(), call(of=harmless)) == ALLOW
    assert isinstance(rule.on_call(Subject(), call(of=harmful)), Deny)


def test_answers_are_kept_for_each_key_role_and_tenant(tmp_path: Path) -> None:
    text = 'permit (principal in Tenant::"a", action == Action::"offer", resource);'
    rule = access(tmp_path, text)
    pay = tool()
    assert rule.on_offer(Subject(tenant="a"), pay)
    assert not rule.on_offer(Subject(tenant="b"), pay)
    assert rule.on_offer(Subject(tenant="a"), pay)
