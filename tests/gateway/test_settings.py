"""The configuration file: what is read, what is refused, and what people are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, json_schema, load_settings

DESIGN = """
models:
  intermediary: {backend: vllm, base_url: http://127.0.0.1:8000/v1, model: mistralai/Ministral-8B-Instruct-2410}
  expert:       {backend: litellm, model: mistral/mistral-large-latest, base_url: null, api_key: "${MISTRAL_API_KEY}"}
tools:
  python: [tools.builtin]
  manifests: [./tools/*.yaml]
auth: {enabled: false}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(folder, text), environ=environ)
    return str(caught.value)


def test_without_a_file_the_embedded_model_and_the_builtin_tools_are_served_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={})
    assert settings.models.intermediary.backend == "llamacpp"
    assert Path(settings.models.intermediary.model).parent.parts[-2:] == ("models", "nano")
    assert settings.models.expert is None
    assert settings.tools.python == ("tools.builtin",)
    assert settings.server.is_loopback
    assert not settings.auth.enabled


def test_the_design_s_example_is_read(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, DESIGN), environ={"MISTRAL_API_KEY": "k-123"})
    assert str(settings.models.intermediary.base_url) == "http://127.0.0.1:8000/v1"
    expert = settings.models.expert
    assert expert is not None
    assert expert.api_key is not None
    assert expert.api_key.get_secret_value() == "k-123"
    assert settings.tools.manifests == (str(tmp_path / "tools/*.yaml"),)


@pytest.mark.parametrize("key", ["k-123\n", "k\r\nHost: x", "k\0", "密钥"])
def test_a_key_that_no_header_can_hold_is_refused_by_its_place_and_not_shown(
    tmp_path: Path, key: str
) -> None:
    told = problems(tmp_path, DESIGN, MISTRAL_API_KEY=key)
    assert "line 4: models.expert.api_key: a key is printable ASCII in one line" in told
    assert "k-123" not in told


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, DESIGN), environ={"MISTRAL_API_KEY": "k-123"})
    assert "k-123" not in repr(settings)
    assert "k-123" not in settings.model_dump_json()
    told = problems(tmp_path, DESIGN + "limits: {max_steps: 0}", MISTRAL_API_KEY="k-123")
    assert "k-123" not in told


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().server.port = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    told = problems(tmp_path, "limits:\n  max_steps: 3\n  deadline: 4\n")
    assert told == (
        f"{tmp_path / 'gateway.yaml'}, line 3: limits.deadline: unknown key; "
        "did you mean `deadline_s`?"
    )


def test_an_unknown_key_that_resembles_nothing_is_told_what_is_known(tmp_path: Path) -> None:
    told = problems(tmp_path, "auth: {zzz: 1}")
    assert told.endswith("auth.zzz: unknown key; known here: enabled, jwt, key_age_s, operator_key")


def test_a_key_below_an_optional_section_gets_its_hint_too(tmp_path: Path) -> None:
    told = problems(tmp_path, "models: {expert: {backend: litellm, modle: x}}")
    assert "models.expert.modle: unknown key; did you mean `model`?" in told
    assert "models.expert.model: is required" in told


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    told = problems(tmp_path, "limits: {max_steps: none}\nserver: {port: 99999}")
    assert "limits.max_steps" in told
    assert "server.port" in told


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    assert "line 3: limits.max_steps: is given twice" in problems(
        tmp_path, "limits:\n  max_steps: 3\n  max_steps: 4\n"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("- a\n- b\n", "a mapping of keys is expected"),
        ("limits: 3", "limits: input should be"),
        ("a: !!python/object:os.system x", "line 1: a: could not determine a constructor"),
        ("a: 2026-99-99", "put the value in quotes"),
    ],
)
def test_what_is_no_configuration_is_refused_without_a_traceback(
    tmp_path: Path, text: str, told: str
) -> None:
    assert told in problems(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings(tmp_path / "nowhere.yaml", environ={})


def test_an_unset_variable_names_the_key_and_itself(tmp_path: Path) -> None:
    told = problems(tmp_path, DESIGN)
    assert (
        "line 4: models.expert.api_key: the environment variable MISTRAL_API_KEY is not set" in told
    )


def test_a_default_stands_in_for_a_variable_that_is_unset_or_empty(tmp_path: Path) -> None:
    path = write(tmp_path, "server: {port: '${PORT:-9000}', host: '${HOST:-127.0.0.1}'}")
    assert load_settings(path, environ={"PORT": ""}).server.port == 9000
    assert load_settings(path, environ={"PORT": "9001"}).server.port == 9001


def test_a_doubled_dollar_is_a_literal_one(tmp_path: Path) -> None:
    path = write(tmp_path, "tools: {manifests: ['/x/$${y}.yaml']}")
    assert load_settings(path, environ={}).tools.manifests == ("/x/${y}.yaml",)


def test_an_empty_key_counts_as_none(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, DESIGN), environ={"MISTRAL_API_KEY": ""})
    assert settings.models.expert is not None
    assert settings.models.expert.api_key is None


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = load_settings(
        write(tmp_path, DESIGN),
        environ={
            "MISTRAL_API_KEY": "k",
            "GATEWAY__SERVER__PORT": "9999",
            "GATEWAY__TOOLS__PYTHON": '["mine.tools"]',
            "GATEWAY__MODELS__EXPERT": "null",
            "GATEWAY__MODELS__INTERMEDIARY__API_KEY": "12345",
            "GATEWAY__MODELS__INTERMEDIARY__PRICE": "{input_per_million: 0.15, output_per_million: 1}",
        },
    )
    assert settings.server.port == 9999
    assert settings.tools.python == ("mine.tools",)
    assert settings.models.expert is None
    assert settings.models.intermediary.api_key is not None
    assert settings.models.intermediary.price is not None
    assert settings.models.intermediary.price.input_per_million == 0.15


def test_one_key_of_the_embedded_model_can_be_overridden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={"GATEWAY__MODELS__INTERMEDIARY__GRAMMAR": "false"})
    assert settings.models.intermediary.backend == "llamacpp"
    assert settings.models.intermediary.grammar is False


def test_a_wrong_override_is_told_by_its_variable(tmp_path: Path) -> None:
    told = problems(tmp_path, "", GATEWAY__SERVER__PROT="1", GATEWAY__LIMITS__MAX_STEPS="many")
    assert "environment variable GATEWAY__SERVER__PROT: server.prot: unknown key" in told
    assert "environment variable GATEWAY__LIMITS__MAX_STEPS: limits.max_steps:" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tools: {mcp: [{name: a}]}", "needs `command` or `url`"),
        ("tools: {mcp: [{name: a, url: 'https://x/mcp', command: [b]}]}", "and not both"),
        ("tools: {mcp: [{name: a, url: 'https://x/mcp', env: {B: c}}]}", "use `headers`"),
        ("tools: {mcp: [{name: a, command: [b], headers: {C: d}}]}", "use `env`"),
        ("tools: {mcp: [{name: a, command: [b]}, {name: a, command: [c]}]}", "the same `name`"),
        ("tools: {openapi: [{name: a}]}", "spec: is required"),
        ("tools: {openapi: [{name: a, spec: a.yaml, bas_url: 'http://a/'}]}", "`base_url`"),
        ("storage: {url: 'mysql://u:secret@h/d'}", "is neither sqlite:///FILE nor postgresql://"),
        ("auth: {operator_key: short}", "at least 32 characters"),
        ("models: {intermediary: {backend: vllm, model: m}}", "needs `base_url`"),
        (
            "models: {intermediary: {backend: llamacpp, model: m.gguf, base_url: 'http://x'}}",
            "takes no `base_url`",
        ),
    ],
)
def test_what_would_be_ignored_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in problems(tmp_path, text)


def test_relative_paths_belong_to_the_file_that_names_them(tmp_path: Path) -> None:
    settings = load_settings(
        write(
            tmp_path,
            "models: {intermediary: {backend: llamacpp, model: m.gguf}}\ntools: {notes_path: n.db}",
        ),
        environ={},
    )
    assert settings.models.intermediary.model == str(tmp_path / "m.gguf")
    assert settings.tools.notes_path == tmp_path / "n.db"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("gateway.example", False),
    ],
)
def test_a_host_is_loopback_only_when_no_one_else_can_reach_it(host: str, loopback: bool) -> None:
    settings = Settings.model_validate({"server": {"host": host}})
    assert settings.server.is_loopback is loopback


def test_the_schema_describes_every_key_and_names_no_path_of_this_machine() -> None:
    schema = json_schema()
    assert str(Path(__file__).resolve().parents[2]) not in str(schema)
    for name, section in schema["$defs"].items():
        for key, described in section["properties"].items():
            assert {"description", "default", "$ref", "anyOf", "type", "enum"} & described.keys(), (
                f"{name}.{key}"
            )


def test_escalation_is_written_in_expressions(tmp_path: Path) -> None:
    text = "escalation: {strategies: [own_wish, \"low_margin(1.5, effect='write') & budget_left(0.2)\"]}"
    settings = load_settings(write(tmp_path, text), environ={})
    assert settings.escalation.strategies is not None
    assert len(settings.escalation.strategies) == 2


@pytest.mark.parametrize(
    ("escalation", "why"),
    [
        ("{strategies: [low_margn]}", "low_margin"),
        ("{strategies: ['low_margin(']}", "can't be read"),
        ("{strategies: [low_probability]}", "escalation.calibration"),
        ("{thresholds: {pay: 0.9}}", "escalation.calibration"),
        ("{tenants: {bank: [low_margn]}}", "low_margin"),
        ("{tenants: {bank: [low_probability]}}", "escalation.calibration"),
        ("{strategies: []}", "leave `models.expert` out"),
    ],
)
def test_a_strategy_that_is_none_is_refused_where_it_stands(
    tmp_path: Path, escalation: str, why: str
) -> None:
    assert why in problems(tmp_path, f"escalation: {escalation}")


def test_fallbacks_need_an_expert_and_a_calibration_lies_beside_the_file(tmp_path: Path) -> None:
    fallback = "models: {fallbacks: [{backend: litellm, model: a/b}]}"
    assert "models.expert" in problems(tmp_path, fallback)
    settings = load_settings(write(tmp_path, "escalation: {calibration: c.json}"), environ={})
    assert settings.escalation.calibration == tmp_path / "c.json"
