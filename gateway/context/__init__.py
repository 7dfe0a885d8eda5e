"""What of a long conversation a model is shown.

- `options` say what is wished for, `receipt` what was done;
- `choosing` (pure) says which messages stay, `fitting` counts until they fit the window;
- `summary` asks a model what the rest said, `summaries` remembers it.

The loop's part is `gateway.agent.shortening`. docs/context.md is for users.
"""
