"""The documents and the code kept in step.

    documents.py write                     writes docs/configuration.md from the settings, docs/reference from the
                                           code (`scripts/reference`), docs/manifest.schema.json from the models
                                           of manifests, and the table in docs/schema-targets.md from what the
                                           compilers say
    documents.py check                     fails when they are out of date, a link leads nowhere,
                                           docs/README.md does not lead to a page, or a
                                           configuration in a document is refused
    documents.py run URL [LEAST]           runs the README's examples against the gateway at URL: the
                                           `bash` blocks that call http://127.0.0.1:8080, the `python`
                                           blocks that connect to it

An example is followed by `<!-- expect: TEXT -->` where its output has to hold TEXT. Every command has to
succeed; at least LEAST outputs (all, when it is not given) have to be as expected, since what a small model
answers is not in the gateway's hands.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "configuration.md"
PAGES = ROOT / "docs" / "reference"
INDEX = ROOT / "docs" / "README.md"
TARGETS = ROOT / "docs" / "schema-targets.md"
MANIFEST = ROOT / "docs" / "manifest.schema.json"
DOCUMENTED = "http://127.0.0.1:8080"
EXAMPLE_TIMEOUT_S = 180

_BLOCK = re.compile(
    r"^```(?P<kind>[a-z]+)\n(?P<text>.*?)^```\n(?:\s*<!-- expect: (?P<expect>.*?) -->)?",
    re.MULTILINE | re.DOTALL,
)
_TABLE = re.compile(r"(<!-- table[^\n]*-->\n).*?(<!-- /table -->)", re.DOTALL)
_LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Example:
    """A fenced block, and what its output has to hold."""

    kind: str
    text: str
    expect: str | None


def examples(document: Path) -> Iterator[Example]:
    """The fenced blocks of a document, in their order."""
    for match in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        yield Example(match["kind"], match["text"], match["expect"])


def documents() -> list[Path]:
    """Everything written for people."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*/*.md")]
    return sorted(found)


def reference() -> str:
    """The configuration reference: one table a section, in the order of the settings."""
    from gateway.settings import json_schema

    schema = json_schema()
    lines = [
        "# Configuration",
        "",
        "<!-- Written by `python scripts/documents.py write` from gateway/settings/. -->",
        "",
        (
            "One YAML file: `--config FILE`, else the environment variable `GATEWAY_CONFIG`, else"
            " `gateway.yaml` in the working directory, else the defaults below. Unknown keys are refused."
            " `${NAME}` and `${NAME:-default}` are filled in from the environment, `$${` is a literal `${`."
            " Every key can be overridden by a variable: `GATEWAY__SERVER__PORT=9000` for `server.port`;"
            " lists and mappings are written as YAML. Relative paths are relative to the file."
        ),
        "",
        "`gateway config show` prints what is in force, `gateway config schema` the JSON Schema.",
    ]
    lines += _section("", schema, schema["$defs"], {})
    return "\n".join(lines) + "\n"


def _section(
    path: str, section: dict[str, Any], definitions: dict[str, Any], told: dict[int, str]
) -> list[str]:
    """`told` maps a definition to the path that it was told under, once for all."""
    if before := told.get(id(section)):
        return ["", f"## `{path}`", "", f"The same keys as `{before}`."]
    told[id(section)] = path
    rows: list[str] = []
    below: list[str] = []
    for key, described in section["properties"].items():
        full = f"{path}.{key}" if path else key
        inner = _definition(described)
        if inner:
            below += _section(full, definitions[inner], definitions, told)
            if "anyOf" in described:
                rows.append(_row(full, "section or null", described))
        elif listed := _definition(described.get("items", {})):
            rows.append(_row(full, f"list of `{full}[]`", described))
            below += _section(f"{full}[]", definitions[listed], definitions, told)
        else:
            rows.append(_row(full, _type(described), described))
    head: list[str] = []
    if path:
        about = str(section.get("description", "")).replace("\n", " ")
        head = ["", f"## `{path}`", "", about]
    if rows:
        head += ["", "| key | type | default | |", "| --- | --- | --- | --- |", *rows]
    return head + below


def _definition(described: dict[str, Any]) -> str | None:
    for one in (described, *described.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).rpartition("/")[2]
    return None


def _type(described: dict[str, Any]) -> str:
    if "enum" in described:
        return ", ".join(f"`{one}`" for one in described["enum"])
    if "anyOf" in described:
        return " or ".join(_type(one) for one in described["anyOf"])
    if described.get("type") == "array":
        return "list"
    return str(described.get("format") or described.get("type", "any"))


def _row(path: str, kind: str, described: dict[str, Any]) -> str:
    import json

    default = f"`{json.dumps(described['default'])}`" if "default" in described else "required"
    told = str(described.get("description", "")).replace("\n", " ").replace("|", "\\|")
    return f"| `{path}` | {kind} | {default} | {told} |"


def targets() -> str:
    """docs/schema-targets.md with its table as it has to be."""
    sys.path.insert(0, str(ROOT))
    from bench.schema_targets.document import table

    rows = "\n".join(table())
    written = TARGETS.read_text(encoding="utf-8")
    return _TABLE.sub(lambda found: f"{found[1]}{rows}\n{found[2]}", written)


def manifest() -> str:
    """The JSON Schema of manifests, for editors."""
    import json

    from gateway.manifests.document import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def pages() -> dict[Path, str]:
    """The pages that are made from the code, as they have to be."""
    sys.path.insert(0, str(ROOT))
    from scripts.reference import PAGES as MADE

    return {
        REFERENCE: reference(),
        MANIFEST: manifest(),
        **{PAGES / name: make() for name, make in MADE.items()},
    }


def check() -> list[str]:
    """What is wrong with the documents, a line each."""
    problems: list[str] = []
    made = pages()
    for path, text in made.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            name = path.relative_to(ROOT)
            problems.append(f"{name} is out of date: python scripts/documents.py write")
    strays = set(PAGES.glob("*.md")) - set(made)
    problems += [
        f"{path.relative_to(ROOT)} is not made from the code: delete it" for path in strays
    ]
    if TARGETS.read_text(encoding="utf-8") != targets():
        problems.append("docs/schema-targets.md is out of date: python scripts/documents.py write")
    problems += _not_in_the_index()
    for document in documents():
        name = document.relative_to(ROOT)
        for match in _LINK.finditer(document.read_text(encoding="utf-8")):
            target = match["target"]
            if "://" not in target and not (document.parent / target).exists():
                problems.append(f"{name}: the link to {target} leads nowhere")
        problems += [f"{name}: {problem}" for problem in _refused_configurations(document)]
    return problems


def _not_in_the_index() -> Iterator[str]:
    """Pages that docs/README.md does not lead to."""
    linked = {match["target"] for match in _LINK.finditer(INDEX.read_text(encoding="utf-8"))}
    for page in sorted(INDEX.parent.glob("**/*.md")):
        name = str(page.relative_to(INDEX.parent))
        if page != INDEX and name not in linked:
            yield f"docs/README.md does not lead to {name}: add it where it belongs"


def _refused_configurations(document: Path) -> Iterator[str]:
    from gateway.settings import SettingsError, load_settings

    environ = {"MISTRAL_API_KEY": "key"}
    for example in examples(document):
        if example.kind != "yaml" or not example.text.startswith("# gateway.yaml"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "gateway.yaml"
            path.write_text(example.text, encoding="utf-8")
            try:
                load_settings(path, environ=environ)
            except SettingsError as error:
                yield str(error)


def run(url: str, document: Path, least: int | None) -> bool:
    """Runs a document's examples. Whether all commands succeeded and `least` outputs are right."""
    broken = right = ran = 0
    for example in examples(document):
        if DOCUMENTED not in example.text or example.kind not in {"bash", "python"}:
            continue
        if example.kind == "bash" and "curl" not in example.text:
            continue
        ran += 1
        command = (
            ["bash", "-euo", "pipefail", "-c"] if example.kind == "bash" else [sys.executable, "-c"]
        )
        text = example.text.replace(DOCUMENTED, url)
        done = subprocess.run(
            [*command, text], capture_output=True, text=True, timeout=EXAMPLE_TIMEOUT_S, check=False
        )
        well = done.returncode == 0 and (example.expect is None or example.expect in done.stdout)
        print(f"--- {'ok' if well else 'FAILED'}\n{text.rstrip()}\n{done.stdout.rstrip()}")
        right += well
        broken += done.returncode != 0
        if not well:
            print(f"exit code {done.returncode}, expected in the output: {example.expect!r}")
            print(done.stderr.rstrip())
    wanted = ran if least is None else least
    print(f"{right} of {ran} examples of {document.name} do what it says, {wanted} have to")
    return ran > 0 and not broken and right >= wanted


def main(arguments: list[str]) -> int:
    """The exit code of a command line."""
    match arguments:
        case ["write"]:
            PAGES.mkdir(exist_ok=True)
            for path, text in pages().items():
                path.write_text(text, encoding="utf-8")
            TARGETS.write_text(targets(), encoding="utf-8")
            return 0
        case ["check"]:
            problems = check()
            print("\n".join(problems), end="\n" if problems else "")
            return bool(problems)
        case ["run", url, *least]:
            return not run(url, ROOT / "README.md", int(least[0]) if least else None)
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
