"""Lines of JSON: what they hold, and what they never hold."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from gateway.telemetry.logs import (
    RUN,
    JsonFormatter,
    TextFormatter,
    secrets_in,
    without_secrets,
)


def told(message: str, *args: Any, **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord("gateway.api", logging.WARNING, "f.py", 1, message, args, None)
    for name, value in extra.items():
        setattr(record, name, value)
    return json.loads(JsonFormatter().format(record))


def test_a_line_is_one_object_with_the_run_that_it_belongs_to() -> None:
    token = RUN.set("run_1")
    try:
        line = told("two\nlines of %s", "text")
    finally:
        RUN.reset(token)
    assert line["run_id"] == "run_1"
    assert line["message"] == "two\nlines of text"
    assert (line["level"], line["logger"]) == ("warning", "gateway.api")
    assert line["time"].endswith("+00:00")
    assert "run_id" not in told("outside of a run")


def test_a_traceback_is_in_the_line_of_its_error() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("api_key=sk-abcdefghijklmnop")
    error = caught.value
    line = told("it failed", exc_info=(type(error), error, error.__traceback__))
    assert "ValueError" in line["error"]
    assert "abcdefghijklmnop" not in json.dumps(line)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "api_key='hunter2hunter2'",
        '{"password": "hunter2hunter2"}',
        "postgresql://gateway:hunter2hunter2@db/gateway",
        "the key sk-hunter2hunter2",
    ],
)
def test_what_looks_like_a_credential_is_blotted_out(text: str) -> None:
    blotted = without_secrets(text)
    assert "hunter2" not in blotted
    assert "[…]" in blotted


def test_plain_sentences_stay_as_they_are() -> None:
    text = "run run_1: 512 tokens of https://example.org/a:b in 3 s"
    assert without_secrets(text) == text


@pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
def test_what_the_environment_calls_a_secret_is_in_no_line_however_it_looks(
    formatter: type[TextFormatter | JsonFormatter],
) -> None:
    environment = {
        "SHOP_API_KEY": "blue/heron four",
        "PGPASSWORD": "correct horse",
        "TLS_KEY_FILE": "/etc/tls/gateway.pem",
        "TOKENIZERS_PARALLELISM": "false-or-true",
        "RETRY_TOKENS": "20",
    }
    error = RuntimeError("GET /?key=blue%2Fheron+four: no route to correct horse")
    trace = (RuntimeError, error, None)
    message = "it read /etc/tls/gateway.pem, false-or-true, 20, not 'blue/heron four'"
    record = logging.LogRecord("tools", logging.ERROR, "f.py", 1, message, (), trace)
    line = formatter(secrets_in(environment)).format(record)
    assert "RuntimeError" in line
    assert "it read /etc/tls/gateway.pem, false-or-true, 20, not '***'" in line
    assert not any(word in line for word in ("heron", "horse"))
