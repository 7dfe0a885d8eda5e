"""Which model is asked next.

What it is: the pair of models, their prices, and the strategy that says when the expert decides.
What it is not: a loop (it keeps nothing between calls), or a judge of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from routing.backend import Completion, ModelBackend, Usage, tells_logprobs
from routing.escalation import Evidence, Reason, StrategyFunction, doubts_reads
from routing.escalation_text import default

ModelRole = Literal["intermediary", "expert"]
PriceOf = Callable[[Usage], float]
"""Usage in, US dollars out."""


def free(usage: Usage) -> float:
    """The price of a model that costs nothing a token."""
    del usage
    return 0.0


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens. Callable like every price: usage in, dollars out."""

    input_per_million: float = 0.0
    output_per_million: float = 0.0

    def __call__(self, usage: Usage) -> float:
        return (
            usage.prompt_tokens * self.input_per_million
            + usage.completion_tokens * self.output_per_million
        ) / 1_000_000


def dearest(*prices: PriceOf) -> PriceOf:
    """The most that any of them asks for the same usage."""
    return lambda usage: max(price(usage) for price in prices)


@dataclass(frozen=True, slots=True)
class Member:
    """A model in its role. `price` is what its tokens cost at most, `by_tier` what each of its tiers' cost."""

    backend: ModelBackend
    price: PriceOf = free
    by_tier: Mapping[str, PriceOf] = field(default_factory=dict[str, PriceOf])

    def cost(self, completion: Completion) -> float:
        """What a turn cost, at the price of the tier that answered, in US dollars."""
        served = completion.served
        price = self.price if served is None else self.by_tier.get(served.tier, self.price)
        return price(completion.usage)


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Route:
    """The answer of the router: whom to ask, in which role, and why."""

    role: ModelRole
    member: Member
    reason: str

    @property
    def backend(self) -> ModelBackend:
        return self.member.backend


class Router:
    """Two roles, one strategy. `expert` is None where none is configured.

    `by_tenant` are strategies in place of `strategy`, by globs of tenants: the first that matches counts.
    `fallbacks` are asked in the expert's place, in order, when it fails. `measures` has the intermediary
    tell log-probabilities with every turn, for strategies that read them.
    """

    def __init__(
        self,
        intermediary: Member,
        expert: Member | None = None,
        strategy: StrategyFunction | None = None,
        *,
        by_tenant: Mapping[str, StrategyFunction] | None = None,
        fallbacks: Sequence[Member] = (),
        measures: bool = False,
    ) -> None:
        self._members: dict[str, Member] = {"intermediary": intermediary}
        if expert is not None:
            self._members["expert"] = expert
        self.fallbacks = tuple(fallbacks) if expert else ()
        self._experts = (expert, *self.fallbacks) if expert else ()
        self._strategy = strategy or default()
        self._by_tenant = dict(by_tenant or {})
        self.measures = measures and tells_logprobs(intermediary.backend)

    @property
    def members(self) -> dict[str, Member]:
        """Role to model, as configured."""
        return self._members

    @property
    def has_expert(self) -> bool:
        return "expert" in self._members

    @property
    def experts(self) -> int:
        """How many models can decide in the expert's role: itself and its fallbacks."""
        return len(self._experts)

    def route(self, role: ModelRole, reason: str, attempt: int = 0) -> Route:
        """The model in `role`, for the expert's its `attempt`-th; LookupError when there is none."""
        if role == "expert" and attempt:
            return Route(role, self._experts[attempt], reason)
        return Route(role, self._members[role], reason)

    def doubt(self, evidence: Evidence, tenant: str = "default") -> Reason | None:
        """Why the next decision should not be the intermediary's; None when it may decide."""
        return self._strategy_of(tenant)(evidence)

    def doubts_reads(self, tenant: str = "default") -> bool:
        """Whether a call that only reads may be doubted when its turn is over."""
        return doubts_reads(self._strategy_of(tenant))

    def _strategy_of(self, tenant: str) -> StrategyFunction:
        for glob, strategy in self._by_tenant.items():
            if fnmatchcase(tenant, glob):
                return strategy
        return self._strategy
