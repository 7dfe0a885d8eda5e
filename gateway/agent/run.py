"""What a run is asked to do, and what it came to. Values only; the behaviour is in `loop.py`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mistral_common.protocol.instruct.messages import ChatMessage

from gateway.agent.code_blocks import CodeBlock
from gateway.context.options import ContextOptions
from gateway.context.receipt import Shortened
from routing.backend import Sampling, ToolChoice, Usage
from routing.confidence import CallEvidence
from routing.priority import Priority
from tools.dry_run import REAL, DryRun
from tools.spec import ToolSpec, ValidCall

Role = Literal["gateway", "intermediary", "expert", "none"]
"""Who is asked. `none`: no model, a tool is called directly (`gateway.api.calling`)."""
EscalationMode = Literal["auto", "never", "always"]


def new_run_id() -> str:
    """`run_` and 24 hexadecimal digits: unguessable, and cheap, for every request takes one."""
    return "run_" + secrets.token_hex(12)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Limits:
    """One deadline and one budget for the whole run, whatever it does.

    `deadline_s` in seconds from the start, `max_cost_usd` in US dollars (None: no limit).
    `max_tool_calls` bounds the calls that are run here; the app's own are not counted. `max_repetition` is in
    characters (`routing.repetition`), 0: no limit. For `approval_s` seconds a person may decide about a call that
    waits for them. `dry` says which calls are not executed.
    """

    max_steps: int = 12
    deadline_s: float = 120.0
    max_cost_usd: float | None = None
    max_calls_per_turn: int = 16
    max_tool_calls: int | None = None
    max_repetition: int = 4_000
    approval_s: float = 86_400.0
    dry: DryRun = REAL


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class RunRequest:
    """One request, parsed and canonical.

    `client_tools` belong to the app: their calls are validated and handed back, never run here.
    `tool_globs` choose from the registry by name; None means the default (`offered_globs`). `role` is
    the `model` that was asked for: `gateway` routes, the others pin. `top_logprobs` is how many
    alternatives to each token are told with `logprobs`, at most 20. With `extract_code` the outcome
    holds the answer's fenced code. `context` says what happens when it does not fit a model's window.
    `key` and `caller_role` say who asks (`gateway.access.principal`), `priority` what was granted of the wish.
    A `durable` run is one that `gateway.storage.durable` holds: what it comes to is written down, and another
    process may go on with it.
    """

    messages: tuple[ChatMessage, ...]
    client_tools: tuple[ToolSpec, ...] = ()
    tool_globs: tuple[str, ...] | None = None
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    sampling: Sampling = field(default_factory=Sampling)
    output_schema: Mapping[str, Any] | None = None
    role: Role = "gateway"
    limits: Limits = field(default_factory=Limits)
    escalation: EscalationMode = "auto"
    logprobs: bool = False
    top_logprobs: int = 0
    extract_code: bool = False
    context: ContextOptions = field(default_factory=ContextOptions)
    run_id: str = field(default_factory=new_run_id)
    tenant: str = "default"
    key: str = ""
    caller_role: str = "app"
    priority: Priority = "normal"
    durable: bool = False

    @property
    def offered_globs(self) -> tuple[str, ...]:
        """Which registered tools are offered, policy allowing: where none are named, all to `gateway`."""
        if self.tool_globs is not None:
            return self.tool_globs
        return ("*",) if self.role == "gateway" and not self.client_tools else ()


def dried(request: RunRequest, dry: DryRun) -> RunRequest:
    """The request, none of whose calls is made that `dry` covers: what an operator wishes by now."""
    limits = request.limits
    return replace(request, limits=replace(limits, dry=limits.dry.widened(dry)))


def with_messages(request: RunRequest, messages: Sequence[ChatMessage]) -> RunRequest:
    """The request over other messages: those that rules let be read."""
    return replace(request, messages=tuple(messages))


Taken = Literal["expert", "next", "intermediary", "person", "none"]


class LentCall(NamedTuple):
    """A call as it stands in a receipt; `arguments` as text, for a model may have spelled them badly."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """A receipt: one decision that was lent to the expert, why, and what it cost.

    `reason` is a code of `routing.escalation`. `failed` says why this model could not decide.
    `usage` and `cost_usd` are the expert's; `doubted_usage` and `doubted_cost_usd` those of the
    intermediary's turn that was doubted, whose `evidence` and valid calls (`proposed`) are there where
    the doubt came before a call was run. `decided` are the expert's calls.
    `taken` says whose decision stood: the expert's, a further model's (`next`), the intermediary's own
    after all, a person's; `none` when the run went on without one.
    `saved_usd` estimates what the run had saved by then against asking the expert for every turn; it is
    negative where the doubted turns cost more than that.
    """

    step: int
    reason: str
    detail: str
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    failed: str | None = None
    taken: Taken = "expert"
    evidence: tuple[CallEvidence, ...] = ()
    proposed: tuple[LentCall, ...] = ()
    decided: tuple[LentCall, ...] = ()
    doubted_usage: Usage = field(default_factory=Usage)
    doubted_cost_usd: float = 0.0
    saved_usd: float = 0.0


StopReason = Literal["answer", "client_calls", "length", "incomplete", "denied", "interrupted"]


@dataclass(frozen=True, slots=True)
class Incomplete:
    """What is missing from an answer: `reason` is a code, `detail` a sentence for people.

    Codes: max_steps, max_tool_calls, deadline, max_cost, budget, max_output_tokens, invalid_output,
    no_expert, expert_failed, backend_failed, stream_cut, repetition, approval_required, denied, unresolved_call,
    tool_version_gone, and
    of a direct call invalid_call.
    """

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class HeldCall:
    """A valid call that waits for a person. `expires_at` is in seconds since the epoch."""

    call_id: str
    step: int
    name: str
    arguments: dict[str, Any]
    effect: str
    reason: str
    rule: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Suspended:
    """A run that waits for a person: all that another process needs to go on with it.

    `messages` end with the turn that made the `held` calls and the results of its other calls. `tools` are
    the registered ones that were offered, by name, with the hash of the version that they had; None: an
    older gateway did not write them down. `kept` are the long results by handle (at most ten million
    characters), `result_tokens` what results have taken of the run's budget. `searches`: it could ask for more
    tools than it was shown.
    """

    request: RunRequest
    messages: tuple[ChatMessage, ...]
    held: tuple[HeldCall, ...]
    step: int
    calls_run: int
    usage: Usage
    cost_usd: float
    saved_usd: float
    text: tuple[str, ...]
    loans: int
    rejections: int
    escalations: tuple[Escalation, ...]
    unresolved: tuple[Incomplete, ...]
    shortened: tuple[Shortened, ...]
    unknown_usd: float = 0.0
    tiers: tuple[str, ...] = ()
    tools: dict[str, str] | None = None
    kept: dict[str, str] = field(default_factory=dict[str, str])
    result_tokens: int = 0
    searches: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """A person's word on a held call. `arguments` are those of an edit, `reason` is read by the model."""

    decision: Literal["approve", "edit", "reject"]
    arguments: dict[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A suspended run with a decision for each of its held calls, by the call's id."""

    suspended: Suspended
    decisions: Mapping[str, Decided]


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Outcome:
    """How a run ended. `client_calls` are non-empty exactly when `stop` is `client_calls`.

    `hidden` is what the app does not see of a run that ends in its own calls while tools of the
    registry ran beside them: the messages up to the results known here, to be put back when the app
    returns with its results. Empty when the app sees everything. `saved_usd` is an estimate (`Escalation`),
    0 without an expert. `code` is None unless it was asked for. `shortened` are the receipts of turns that
    were shown less than the whole conversation. `suspended` is there exactly when `stop` is `interrupted`.
    `tiers` are those that answered its turns, in their order; empty where there are none. `dry` says which of
    its calls were not made.
    """

    stop: StopReason
    text: str
    client_calls: tuple[ValidCall, ...] = ()
    incomplete: Incomplete | None = None
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    saved_usd: float = 0.0
    escalations: tuple[Escalation, ...] = ()
    hidden: tuple[ChatMessage, ...] = ()
    code: tuple[CodeBlock, ...] | None = None
    shortened: tuple[Shortened, ...] = ()
    suspended: Suspended | None = None
    tiers: tuple[str, ...] = ()
    dry: DryRun = REAL
