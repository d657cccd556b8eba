"""E-mail addresses. Source: RFC 5321 section 4.1.2 for the parts, RFC 2606 for the domain of the replacement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from curation.pii.base import Entity

# Every quantifier is bounded and the parts share no character with what follows them, so a hostile line costs no more than
# its length. ASCII only: in Korean text a particle follows the address directly.
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_%+-])(?<![A-Za-z0-9_%+-]\.)[A-Za-z0-9_%+-]{1,64}(?:\.[A-Za-z0-9_%+-]{1,64}){0,8}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
# What may come between a number and the @ when the number is the beginning of an address. Entities of digits leave such
# numbers alone: the address is found instead, and their replacement could become a part of it.
REST_OF_ADDRESS = r"[A-Za-z0-9_%+.-]{0,80}@"


class Email(Entity):
    """E-mail addresses; replaced by an address of a reserved domain."""

    kind: ClassVar[str] = "email"
    version: ClassVar[int] = 2
    by_default: ClassVar[bool] = True
    examples: ClassVar = {
        "Write to Kim.Lee+x@mail.example.co.kr.": "Write to email@example.com.",
        "\uba54\uc77c\uc740 kim@naver.com\uc73c\ub85c": "\uba54\uc77c\uc740 email@example.com\uc73c\ub85c",
        "Thanks..kim@naver.com": "Thanks..email@example.com",
        "@decorator a@b x@y.z": "@decorator a@b x@y.z",
    }
    labelled_lines: ClassVar[tuple[str, ...]] = (
        "메일은 ⟦kim.lee@naver.com⟧으로",
        "보내 주세요..⟦park_1@hanmail.net⟧",
        "<⟦first.last+tag@mail.example.co.kr⟧>",
        "⟦a@b.co⟧,⟦c@d.org⟧",
        "⟦010-1234-5678@example.com⟧",
        "@decorator, a@b, user@localhost",
        "git@github:loam/loam.git",
        "kim at naver dot com",
        "⟦kim@한글.kr⟧",  # missed: a domain in Korean letters
        "@@ -1,2 +3,4 @@",
    )
    missed: ClassVar[int] = 1

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        if "@" in text:
            for match in _ADDRESS.finditer(text):
                yield match.span()

    def replacement(self, value: str) -> str:
        return "email@example.com"
