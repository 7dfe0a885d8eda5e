"""What is measured: the gateway, the peers that answer the same requests, and the upstream itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
UPSTREAM_PORT = 18000


@dataclass(frozen=True)
class Suite:
    """A kind of load. `rate` 0 is as much as it takes, else requests a second."""

    name: str
    told: str
    connections: int = 32
    rate: float = 0.0
    peer: str = "litellm-proxy"
    """Whom ratios are given to."""
    least_s: float = 0.0
    """A round lasts at least so long: in a shorter one the slowest would finish nothing."""


SUITES = (
    Suite("turn", "one turn with the app's tools, calls handed back"),
    Suite("stream", "64 pieces of text, streamed", connections=16),
    Suite("run", "a whole run: turn, two tools, turn", peer="pydantic-ai"),
    Suite("latency", "one turn at 25 requests a second", connections=8, rate=25.0),
    Suite(
        "slow-run",
        "a whole run, turns of 100 ms, tools of 50 ms: 250 ms at least",
        connections=1,
        peer="pydantic-ai-slow",
    ),
    Suite(
        "burst",
        "128 such runs at once: 512 a second at most",
        connections=128,
        peer="pydantic-ai-slow",
        least_s=8.0,
    ),
)


@dataclass(frozen=True)
class Target:
    """A server under test. `bodies` maps a suite to its request and a word the answer must hold.

    `packages` are what its environment in `.peers/` holds; without any it runs in the gateway's.
    """

    name: str
    port: int
    command: tuple[str, ...]
    bodies: Mapping[str, tuple[str, str]]
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: tuple[str, ...] = ()
    node_package: str = ""


RUNS = ("run", "token")
"""A whole run and a word of its answer, which the upstream gives in pieces as the gateway asks for a stream."""
PEER_RUNS = ("run", "degrees")
"""For those who ask for the answer in one piece."""


def _gateway(
    name: str,
    port: int,
    config: str,
    suites: Mapping[str, tuple[str, str]],
    environment: Mapping[str, str] | None = None,
) -> Target:
    program = str(Path(sys.executable).with_name("gateway"))
    command = (program, "serve", "--config", str(HERE / config), "--port", str(port))
    return Target(
        name,
        port,
        command,
        suites,
        environment={
            "GATEWAY__STORAGE__URL": f"sqlite:///{HERE}/.build/{port}.db",
            **(environment or {}),
        },
    )


def _agent(name: str, port: int, *packages: str, slow: bool = False) -> Target:
    label = f"{name}-slow" if slow else name
    python = PEERS / name / "bin" / "python"
    command = (
        *(str(python), "-m", "uvicorn", "bench.peers.agents:app", "--host", "127.0.0.1"),
        *("--port", str(port), "--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
    )
    return Target(
        label,
        port,
        command,
        {"slow-run": PEER_RUNS, "burst": PEER_RUNS} if slow else {"run": PEER_RUNS},
        (*packages, "fastapi==0.165.0", "uvicorn==0.54.0", "uvloop", "httptools"),
        {"AGENT": name} | ({"MODEL": "m-d100", "TOOL_MS": "50"} if slow else {}),
    )


TURNS = {
    "turn": ("turn", "get_weather"),
    "latency": ("turn", "get_weather"),
    "stream": ("stream", "[DONE]"),
}
PEER_TURNS = {suite: (f"peer_{body}", word) for suite, (body, word) in TURNS.items()}
GATEWAY = _gateway("gateway", 18080, "gateway.yaml", {**TURNS, "run": RUNS})
_ONE_PIECE = {"GATEWAY__MODELS__INTERMEDIARY__MODEL": "m-c1"}
OURS = (
    GATEWAY,
    _gateway("gateway, answer in one piece", 18082, "gateway.yaml", {"run": RUNS}, _ONE_PIECE),
    _gateway("gateway-slow", 18081, "gateway_slow.yaml", {"slow-run": RUNS, "burst": RUNS}),
)
ALL_RULES = HERE / ".build" / "rules.yaml"
_MEMORY = {"GATEWAY__STORAGE__URL": "memory:"}
_BARE = {**_MEMORY, "GATEWAY__TELEMETRY__METRICS": "false"}
_RULES = {"GATEWAY__POLICIES__FILE": str(ALL_RULES)}
_TRACES = {
    # The upstream says 200 to whatever is posted: a collector that costs next to nothing.
    "GATEWAY__TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{UPSTREAM_PORT}/v1/traces"
}


def _parts() -> tuple[Target, ...]:
    """The gateway with parts switched off and on, against fast models and tools and against slow ones."""
    switched: tuple[tuple[str, Mapping[str, str]], ...] = (
        ("bare: no storage, no metrics", _BARE),
        ("metrics, no storage", _MEMORY),
        ("as shipped: metrics, SQLite, default rules", {}),
        ("with every rule and filter", _RULES),
        ("with every run traced", _TRACES),
        ("with all of it", {**_RULES, **_TRACES}),
    )
    fast, slow = {"run": RUNS}, {"burst": RUNS}
    found: list[Target] = []
    for at, (name, environment) in enumerate(switched):
        found += [
            _gateway(name, 18400 + at, "gateway.yaml", fast, environment),
            _gateway(f"{name}, slow", 18420 + at, "gateway_slow.yaml", slow, environment),
        ]
    return tuple(found)


PARTS = _parts()
UPSTREAM = Target(
    "upstream alone",
    UPSTREAM_PORT,
    (),
    {"turn": PEER_TURNS["turn"], "latency": PEER_TURNS["latency"]},
)
OTHERS = (
    UPSTREAM,
    Target(
        "litellm-proxy",
        18200,
        (
            *(str(PEERS / "litellm-proxy/bin/litellm"), "--config", str(HERE / "litellm.yaml")),
            *("--host", "127.0.0.1", "--port", "18200", "--num_workers", "1"),
        ),
        PEER_TURNS,
        ("litellm[proxy]==1.106.2",),
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"},
    ),
    Target(
        "portkey",
        18202,
        (
            *(
                "node",
                str(PEERS / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"),
            ),
            *("--port=18202", "--headless"),
        ),
        PEER_TURNS,
        environment={"NODE_ENV": "production"},
        headers=(
            "x-portkey-provider: openai",
            f"x-portkey-custom-host: http://127.0.0.1:{UPSTREAM_PORT}/v1",
            "authorization: Bearer x",
        ),
        node_package="@portkey-ai/gateway@1.15.2",
    ),
    Target(
        "tensorzero",
        18204,
        (
            *(str(PEERS / "tensorzero/bin/python"), "-m", "uvicorn", "bench.peers.embedded:app"),
            *("--host", "127.0.0.1", "--port", "18204", "--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning"),
        ),
        {suite: PEER_TURNS[suite] for suite in ("turn", "latency")},
        (
            *("tensorzero==2026.6.0", "fastapi==0.165.0", "uvicorn==0.54.0"),
            *("uvloop", "httptools", "orjson"),
        ),
    ),
    _agent("pydantic-ai", 18307, "pydantic-ai-slim[openai]==2.31.1"),
    _agent("openai-agents", 18308, "openai-agents==0.20.0"),
    _agent("langgraph", 18309, "langgraph==1.2.22", "langchain", "langchain-openai==1.7.3"),
    _agent("pydantic-ai", 18317, "pydantic-ai-slim[openai]==2.31.1", slow=True),
)
