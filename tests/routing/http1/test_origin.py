"""What a URL says of where an engine is and how it is asked."""

from __future__ import annotations

import pytest

from routing.http1.origin import Origin, target_of


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("http://a.example/v1", Origin("a.example", 80, is_secure=False), "a.example"),
        ("https://a.example:443", Origin("a.example", 443, is_secure=True), "a.example"),
        ("https://a.example:80", Origin("a.example", 80, is_secure=True), "a.example:80"),
        ("http://[::1]:8000/v1", Origin("::1", 8000, is_secure=False), "[::1]:8000"),
        ("http://bücher.example", Origin("xn--bcher-kva.example", 80, is_secure=False), None),
    ],
)
def test_an_origin_is_what_a_url_says(url: str, origin: Origin, authority: str | None) -> None:
    assert Origin.of(url) == origin
    assert origin.authority == (authority or origin.host)


@pytest.mark.parametrize(
    "url", ["ftp://a", "a.example", "http://", "http://me:secret@a", "http://a:x"]
)
def test_a_url_without_an_origin_is_refused_and_its_password_not_told(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Origin.of(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a", "/"),
        ("http://a/v1/x?y=1#z", "/v1/x?y=1"),
        ("http://a/b c\r\nd: 漢", "/b%20cd:%20%E6%BC%A2"),
        ("http://a/%41", "/%41"),
    ],
)
def test_a_target_is_a_line_of_ascii(url: str, target: str) -> None:
    assert target_of(url) == target
