"""`/console` as HTTP: the files and the headers that hold the browser to them."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

FILES = [file for file in files("gateway.console").iterdir() if file.name.endswith((".js", ".css"))]


async def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(serve: Any) -> None:
    gateway = await serve()
    page = await gateway.http.get("/console")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script>|<style|\son\w+=|style=", page.text)


async def test_every_file_that_is_named_is_there(serve: Any) -> None:
    gateway = await serve()
    page = (await gateway.http.get("/console")).text
    named = re.findall(r'(?:src|href)="(console/[^"]+)"', page)
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        named += [f"console/{name}" for name in re.findall(r'from "\./([^"]+)"', text)]
    assert len(named) > 20
    for path in sorted(set(named)):
        assert (await gateway.http.get(f"/{path}")).status_code == 200, path


def test_no_module_reads_html_or_names_another_host() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://(?!www\.w3\.org/2000/svg)",
            text,
        )
        assert not found, file.name


async def test_a_file_that_has_not_changed_is_not_sent_again(serve: Any) -> None:
    gateway = await serve()
    first = await gateway.http.get("/console/app.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    tag = {"if-none-match": first.headers["etag"]}
    assert (await gateway.http.get("/console/app.js", headers=tag)).status_code == 304


async def test_only_the_files_of_the_page_are_served(serve: Any) -> None:
    gateway = await serve()
    for path in ("__init__.py", "%2e%2e%2fapp.py", "nothing.js", "..%2f..%2fREADME.md"):
        assert (await gateway.http.get(f"/console/{path}")).status_code == 404
    slashed = await gateway.http.get("/console/")
    assert (slashed.status_code, slashed.headers["location"]) == (308, "../console")
