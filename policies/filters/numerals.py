"""Digits as Chinese writes them, everyday and on cheques."""

from __future__ import annotations

NUMERALS = dict(
    zip("零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖", "00012345678912123456789", strict=True)
)
"""From the character, folded, to its digit."""
