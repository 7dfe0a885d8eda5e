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


SUITES = (
    Suite("turn", "one turn with the app's tools, calls handed back"),
    Suite("stream", "64 pieces of text, streamed", connections=16),
    Suite("run", "a whole run: turn, two tools, turn", peer="pydantic-ai"),
    Suite("latency", "one turn at 25 requests a second", connections=8, rate=25.0),
    Suite(
        "slow-run", "a whole run, turns of 100 ms, tools of 50 ms: 250 ms at least", connections=1
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


def _gateway(name: str, port: int, config: str, suites: Mapping[str, tuple[str, str]]) -> Target:
    program = str(Path(sys.executable).with_name("gateway"))
    command = (program, "serve", "--config", str(HERE / config), "--port", str(port))
    return Target(
        name,
        port,
        command,
        suites,
        environment={"GATEWAY__STORAGE__URL": f"sqlite:///{HERE}/.build/{name}.db"},
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
        {"slow-run" if slow else "run": ("run", "degrees")},
        (*packages, "fastapi==0.165.0", "uvicorn==0.54.0", "uvloop", "httptools"),
        {"AGENT": name} | ({"MODEL": "m-d100", "TOOL_MS": "50"} if slow else {}),
    )


TURNS = {
    "turn": ("turn", "get_weather"),
    "latency": ("turn", "get_weather"),
    "stream": ("stream", "[DONE]"),
}
PEER_TURNS = {suite: (f"peer_{body}", word) for suite, (body, word) in TURNS.items()}
GATEWAY = _gateway("gateway", 18080, "gateway.yaml", {**TURNS, "run": ("run", "degrees")})
OURS = (
    GATEWAY,
    _gateway("gateway-slow", 18081, "gateway_slow.yaml", {"slow-run": ("run", "degrees")}),
)
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
    _agent("pydantic-ai", 18307, "pydantic-ai-slim[openai]==2.31.1"),
    _agent("openai-agents", 18308, "openai-agents==0.20.0"),
    _agent("langgraph", 18309, "langgraph==1.2.22", "langchain", "langchain-openai==1.7.3"),
    _agent("pydantic-ai", 18317, "pydantic-ai-slim[openai]==2.31.1", slow=True),
)
