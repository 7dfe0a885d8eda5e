"""`gateway serve`: the gateway in the foreground."""

from __future__ import annotations

import asyncio
import gc
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from gateway.cli.exits import Exit, explained, fail

if TYPE_CHECKING:
    from socket import socket

    from gateway.settings import Settings

JSON_HEADER = "-H 'content-type: application/json'"
TRY = "How many kilometers are 26.2 miles?"


def serve(
    config: Annotated[Path | None, typer.Option(help="The configuration file (YAML).")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, one a core.")] = None,
    *,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log each request.")] = False,
    insecure_no_auth: Annotated[
        bool,
        typer.Option(
            "--insecure-no-auth", help="Let others than this machine in without authentication."
        ),
    ] = False,
) -> None:
    """Serve the gateway until Ctrl-C."""
    from gateway.cli.starting import begin

    begin()
    with explained():
        from gateway.cli.serving import bind
        from gateway.settings import load_settings

        settings = load_settings(config)
        given = {"host": host, "port": port, "workers": workers}
        chosen = settings.server.model_copy(
            update={k: v for k, v in given.items() if v is not None}
        )
        open_to_all = not (settings.auth.enabled or chosen.is_loopback)
        if open_to_all and not insecure_no_auth:
            fail(
                f"{chosen.host} can be reached by others, and authentication is not enabled",
                "set auth.enabled (docs/access.md), listen on 127.0.0.1, or say that you mean it: "
                "--insecure-no-auth",
                code=Exit.USAGE,
            )
        if config is not None:
            os.environ["GATEWAY_CONFIG"] = str(config.resolve())
        with bind(chosen.host, chosen.port) as bound:
            _run(settings, chosen.workers, bound, access_log=access_log)


def _run(settings: Settings, workers: int, bound: socket, *, access_log: bool) -> None:
    from uvicorn.supervisors import Multiprocess

    from gateway.cli.serving import GatewayServer, server_config, url_of
    from gateway.compose import build_services

    url = url_of(bound)
    config = server_config(
        "gateway.cli.starting:application", workers=workers, access_log=access_log
    )
    if workers > 1:
        gc.enable()  # this process only watches over the workers
        # Told here, once, what each worker would fail of.
        asyncio.run(build_services(settings).aclose())
        _banner(url, settings, None, workers)
        from gateway.telemetry.workers import shared_folder

        with shared_folder():
            Multiprocess(config, sockets=[bound]).run()
        return

    def started() -> None:
        _banner(url, settings, cast("Any", config).loaded_app, 1)

    server = GatewayServer(config, started)
    try:
        server.run(sockets=[bound])
    except KeyboardInterrupt:
        return
    if not server.started:
        raise typer.Exit(Exit.UNREACHABLE)


def _banner(url: str, settings: Settings, application: Any, workers: int) -> None:
    from gateway.cli.banner import show
    from gateway.storage.location import without_password

    facts = [("listening", url)]
    for role, model in (
        ("intermediary", settings.models.intermediary),
        ("expert", settings.models.expert),
    ):
        if model is None:
            facts.append((role, "none: what is too hard is said in the answer"))
        else:
            name = Path(model.model).name if model.backend == "llamacpp" else model.model
            facts.append((role, f"{name} ({model.backend})"))
    if application is not None:
        facts.append(("tools", ", ".join(_tool_names(application)) or "none"))
    if workers > 1:
        facts.append(("workers", f"{workers}, each with its own tools registered over REST"))
    facts.append(("storage", without_password(settings.storage.url)))
    # Each in one piece: these are for copying.
    body = json.dumps({"model": "gateway", "messages": [{"role": "user", "content": TRY}]})
    show(
        facts,
        f'try  gateway chat --url {url} "{TRY}"',
        f"or   curl {url}/v1/chat/completions {JSON_HEADER} -d '{body}'",
    )


def _tool_names(application: Any) -> list[str]:
    return [spec.name for spec in application.state.services.registry.snapshot().specs]
