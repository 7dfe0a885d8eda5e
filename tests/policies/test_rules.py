"""The shipped rules, and how a list of them acts as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from mistral_common.protocol.instruct.messages import ChatMessage, UserMessage

from policies.decision import ALLOW, Allow, Decision, Deny, RequireApproval
from policies.loader import DEFAULT, PolicyError, load, parse
from policies.policy import Policies, Policy, Screen, Screens, Subject
from policies.rules.access import ToolAccess
from policies.rules.approval import Approval
from policies.rules.size import RequestSize
from tools.spec import Annotations, Effect, ToolResult, ToolSpec, ValidCall

SUBJECT = Subject("run_1")


def spec(name: str = "get_weather", **annotations: bool) -> ToolSpec:
    return ToolSpec(name, "", {"type": "object"}, annotations=Annotations(**annotations))


def call(name: str = "get_weather", **annotations: bool) -> ValidCall:
    return ValidCall("abcdefghi", spec(name, **annotations), {})


def test_a_denied_tool_is_neither_offered_nor_callable() -> None:
    rule = ToolAccess(deny=["delete_*"])
    assert not rule.on_offer(SUBJECT, spec("delete_note"))
    assert isinstance(rule.on_call(SUBJECT, call("delete_note")), Deny)
    assert rule.on_offer(SUBJECT, spec("save_note"))
    assert rule.on_call(SUBJECT, call("save_note")) == ALLOW


def test_only_allowed_names_pass_and_deny_wins_over_allow() -> None:
    rule = ToolAccess(allow=["get_*"], deny=["get_secret"])
    assert [rule.on_offer(SUBJECT, spec(name)) for name in ("get_a", "get_secret", "put_a")] == [
        True,
        False,
        False,
    ]


def test_approval_is_asked_for_by_effect_and_by_name() -> None:
    rule = Approval(effects=[Effect.DESTROY], tools=["pay_*"])
    assert isinstance(rule.on_call(SUBJECT, call("wipe", destructive=True)), RequireApproval)
    assert isinstance(rule.on_call(SUBJECT, call("pay_bill")), RequireApproval)
    assert rule.on_call(SUBJECT, call("look", read_only=True)) == ALLOW


def test_a_request_beyond_its_size_is_denied_with_the_figures() -> None:
    rule = RequestSize(messages=2, characters=10)
    assert isinstance(rule.on_request(SUBJECT, [UserMessage(content="short")]), Allow)
    denied = rule.on_request(SUBJECT, [UserMessage(content="x" * 11)])
    assert isinstance(denied, Deny)
    assert "11 characters" in denied.reason
    assert isinstance(rule.on_request(SUBJECT, [UserMessage(content="a")] * 3), Deny)


def test_in_a_list_a_denial_wins_over_an_approval_whatever_their_order() -> None:
    held, denied = Approval(tools=["*"]), ToolAccess(deny=["*"])
    for rules in ([held, denied], [denied, held]):
        assert isinstance(Policies(rules).on_call(SUBJECT, call()), Deny)
    assert isinstance(Policies([held, Policy()]).on_call(SUBJECT, call()), RequireApproval)


def test_a_rule_is_asked_for_every_hook_that_it_has_wherever_it_stands() -> None:
    class DeniesAll(Policy):
        screened = Screens([])

        @property
        def counts_cost(self) -> bool:
            return True

        def on_request(self, subject: Subject, messages: Sequence[ChatMessage]) -> Allow | Deny:
            return Deny("no", "request")

        def on_messages(
            self, subject: Subject, messages: Sequence[ChatMessage]
        ) -> Sequence[ChatMessage]:
            return messages[1:]

        def on_offer(self, subject: Subject, tool: ToolSpec) -> bool:
            return False

        def screen(self, subject: Subject) -> Screen | None:
            return self.screened

        def on_register(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
            return Deny("no", "register")

        def on_approve(self, subject: Subject, tool: ToolSpec) -> Allow | Deny:
            return Deny("no", "approve")

        def on_escalate(self, subject: Subject, model: str) -> Allow | Deny:
            return Deny("no", "escalate")

    messages = [UserMessage(content="a")]
    for rules in ([DeniesAll(), Policy()], [Policy(), DeniesAll()]):
        both = Policies(rules)
        assert both.counts_cost
        assert both.on_request(SUBJECT, messages) == Deny("no", "request")
        assert both.on_messages(SUBJECT, messages) == []
        assert not both.on_offer(SUBJECT, spec())
        assert both.screen(SUBJECT) is DeniesAll.screened
        assert both.on_register(SUBJECT, spec()) == Deny("no", "register")
        assert both.on_approve(SUBJECT, spec()) == Deny("no", "approve")
        assert both.on_escalate(SUBJECT, "expert") == Deny("no", "escalate")
    none = Policies([Policy()])
    assert (none.counts_cost, none.screen(SUBJECT)) == (False, None)
    assert none.on_offer(SUBJECT, spec())


def test_a_list_within_a_list_decides_as_its_rules_do() -> None:
    class Vetoes(Policies):
        """A list of its own kind, as one that writes decisions down."""

        def on_call(self, subject: Subject, call: ValidCall) -> Decision:
            return Deny("never", "vetoes")

    asks, denies = Approval(effects=[Effect.DESTROY]), ToolAccess(deny=["wipe"])
    wipe = call("wipe", destructive=True)
    for rules in (
        [asks, Policies([denies])],
        [Policies([asks, denies])],
        [Policies([denies]), asks],
    ):
        assert isinstance(Policies(rules).on_call(SUBJECT, wipe), Deny)
    assert isinstance(
        Policies([Policies([asks]), Policies()]).on_call(SUBJECT, wipe), RequireApproval
    )
    vetoed = Policies([Vetoes([asks])]).on_call(SUBJECT, wipe)
    assert vetoed == Deny("never", "vetoes")


def test_results_and_text_pass_through_every_rule_in_order() -> None:
    class Append(Policy):
        def __init__(self, mark: str) -> None:
            self._mark = mark

        def on_response(self, subject: Subject, text: str) -> str:
            return text + self._mark

        def on_result(self, subject: Subject, call: ValidCall, result: ToolResult) -> ToolResult:
            return ToolResult(result.call_id, result.name, result.content + self._mark)

    rules = Policies([Append("1"), Append("2")])
    assert rules.on_response(SUBJECT, "") == "12"
    assert rules.on_result(SUBJECT, call(), ToolResult("a", "b", "")).content == "12"


def test_the_default_file_loads_and_lets_an_ordinary_request_pass() -> None:
    rules = load(DEFAULT)
    assert rules.on_request(SUBJECT, [UserMessage(content="hello")]) == ALLOW
    assert rules.on_offer(SUBJECT, spec("delete_note", destructive=True))


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"rule": []}, "rule"),
        ({"rules": [{"tool_acces": {}}]}, "no rule 'tool_acces'"),
        ({"rules": [{"tool_access": {"allowed": ["a"]}}]}, r"rules\[0\]\.tool_access\.allowed"),
        ({"rules": [{"approval": {"effects": ["explode"]}}]}, r"rules\[0\]\.approval\.effects"),
        ({"rules": [{"request_size": {"messages": 0}}]}, r"request_size\.messages"),
        ({"rules": "all"}, r"policies\.rules: .*list"),
        ({"rules": [["a", "b"]]}, r"policies\.rules\[0\]: .*dictionary"),
        ({"rules": [{"a": 1, "b": 2}]}, "expected one rule's name"),
    ],
)
def test_a_mistake_in_the_rules_is_refused_with_its_place(document: object, where: str) -> None:
    with pytest.raises(PolicyError, match=where):
        parse(document)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file"):
        load(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("rules: [", encoding="utf-8")
    with pytest.raises(PolicyError, match="not YAML"):
        load(broken)
