"""Secrets in whatever comes back: in every spelling that an honest server may echo, in texts, files, data and logs."""

from __future__ import annotations

import html
import json
import logging
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.blotting import Blotter
from tools.mcp.quiet import log_no_words
from tools.mcp.source import Source

ODD = 'pass/word "é" & more+='


@pytest.mark.parametrize(
    "spelled",
    [
        ODD,
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        json.dumps(ODD)[1:-1].replace("/", "\\/"),
        quote(ODD, safe=""),
        quote(ODD),
        quote_plus(ODD),
        html.escape(ODD),
    ],
)
def test_a_secret_is_blotted_out_in_every_spelling(spelled: str) -> None:
    blot = Blotter([ODD])
    assert blot.text(f"you sent {spelled}!") == "you sent ***!"
    assert blot.raw(b"\xff\x00" + spelled.encode() + b"\xfe") == b"\xff\x00***\xfe"
    assert blot.data({spelled: [1, None, {"a": f"x{spelled}"}]}) == {
        "***": [1, None, {"a": "x***"}]
    }


def test_a_secret_that_is_a_part_of_another_spoils_nothing() -> None:
    assert Blotter(["abcdefgh", "abcdefgh-ijkl"]).text("abcdefgh-ijkl abcdefgh") == "*** ***"


@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_the_secret_is_it_is_not_there_afterwards(
    secret: str, before: str, after: str
) -> None:
    told = Blotter([secret]).text(before + secret + after)
    assert secret not in told or set(secret) <= set(f"*{before}{after}")


def test_what_stands_behind_a_scheme_in_a_header_is_a_secret_by_itself() -> None:
    basic = b64encode(b"user:password-1").decode()
    source = Source("x", headers={"Authorization": "Bearer token-12345", "Proxy": f"Basic {basic}"})
    assert {"Bearer token-12345", "token-12345", basic, "user:password-1", "password-1"} <= set(
        source.secrets
    )
    assert "Bearer" not in source.secrets


def test_the_sdk_logs_that_it_could_not_read_something_and_not_what(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    log_no_words()
    log_no_words()
    for name in ("mcp.client.stdio", "mcp.client.streamable_http"):
        logger = logging.getLogger(name)
        logger.debug("SSE message: %s", ODD)
        logger.error("Failed to parse", exc_info=ValueError(ODD))
        assert len(logger.filters) == 1
    assert caplog.messages == ["Failed to parse"] * 2
    assert ODD not in caplog.text
