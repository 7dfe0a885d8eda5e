"""Run by vLLM's own Python (.vllm): reads `{schema, texts}` a line, writes a verdict for each text, or why not.

Not imported by anything: it needs what only that environment has.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
import json
import sys

from xgrammar import Grammar  # pyright: ignore[reportMissingImports]
from xgrammar.testing import _is_grammar_accept_string  # pyright: ignore[reportMissingImports]

for line in sys.stdin:
    asked = json.loads(line)
    try:
        # vLLM's way: any whitespace, what is undeclared is closed.
        grammar = Grammar.from_json_schema(asked["schema"], any_whitespace=True, strict_mode=True)
        answer = [_is_grammar_accept_string(grammar, text) for text in asked["texts"]]
    except Exception as error:  # noqa: BLE001 - whatever it is, the schema is not taken
        answer = str(error)
    print(json.dumps(answer))
