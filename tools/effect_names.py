"""How an operator says in one word what a tool that comes from elsewhere does."""

from typing import Literal

EffectName = Literal["read", "idempotent_write", "write", "destroy"]
