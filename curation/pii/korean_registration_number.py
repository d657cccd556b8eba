"""Korean resident and foreigner registration numbers: birth date, hyphen, seven digits.

The seventh digit says sex and century (1-4 citizens, 5-8 foreigners). Numbers given since October 2020 have no check digit
(Ministry of the Interior and Safety), so with a hyphen a true date is enough; thirteen digits in a row need the check digit
or a word such as 주민등록번호 before them. Business registration numbers (3-2-5 digits) are public, so they are none.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from typing import ClassVar

from curation.pii.base import Entity
from curation.pii.email import REST_OF_ADDRESS

_SHAPE = re.compile(
    r"[0-9](?<![0-9A-Za-z_.%+-][0-9])[0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"(?P<hyphen>[ ]?[-\u2010-\u2015\u2212][ ]?)?[1-8][0-9]{6}"
    rf"(?![0-9A-Za-z_]|[.-][0-9]|{REST_OF_ADDRESS})"
)
_WORD = re.compile(r"주민|등록\s?번호|(?:resident|alien|foreigner) registration", re.IGNORECASE)
_WORD_WINDOW = 30
_LEAST_DIFFERENT = 3  # fewer different digits are a binary number
_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


class KoreanRegistrationNumber(Entity):
    """Registration numbers of residents and foreigners in Korea; replaced by one whose date does not exist."""

    kind: ClassVar[str] = "korean_registration_number"
    version: ClassVar[int] = 1
    by_default: ClassVar[bool] = True
    examples: ClassVar = {
        "\ubc88\ud638 900101-1234567\uc785\ub2c8\ub2e4": "\ubc88\ud638 000000-0000000\uc785\ub2c8\ub2e4",
        "850623 - 2345678, 9001011234568": "000000-0000000, 000000-0000000",
        "900230-1234567 900101-9234567 9001011234567": "900230-1234567 900101-9234567 9001011234567",
    }
    labelled_lines: ClassVar[tuple[str, ...]] = (
        "주민번호 ⟦900101-1234567⟧입니다",
        "⟦850623-2345678⟧, ⟦010203-3456789⟧",
        "외국인등록번호 ⟦880215-5678901⟧",
        "⟦900101 - 1234567⟧ 띄어 쓴 것",
        "붙여 쓴 ⟦9001011234568⟧",
        "주민등록번호: ⟦9001011234567⟧",
        "윤년 ⟦000229-3456789⟧",
        "900230-1234567 은 없는 날",
        "901301-1234567 은 없는 달",
        "900101-9234567, 900101-0234567",
        "900101-1******",
        "번호 9001011234567",
        "20190102-1234567, 1900101-1234567",
        "900101-12345678, 900101-123456",
        "1010101111000 1010101-1111000",
        "abc900101-1234567, id_900101-1234567",
        "123-45-67890, 110111-1234567 법인",  # found: a company's number that looks like a birth date
        "timestamp 1546300800000, 1546300800123",
        "https://example.com/?t=9001011234568x",
    )
    mistaken: ClassVar[int] = 1

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _SHAPE.finditer(text):
            digits = [int(digit) for digit in match[0] if digit.isdigit()]
            if not _has_date(digits) or len(set(digits)) < _LEAST_DIFFERENT:
                continue
            if match["hyphen"] or _has_check_digit(digits) or _is_named(text, match.start()):
                yield match.span()

    def replacement(self, value: str) -> str:
        return "000000-0000000"


def _has_date(digits: list[int]) -> bool:
    century = 1900 if digits[6] in (1, 2, 5, 6) else 2000
    year, month, day = (10 * digits[i] + digits[i + 1] for i in (0, 2, 4))
    return day <= calendar.monthrange(century + year, month)[1]


def _has_check_digit(digits: list[int]) -> bool:
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits[:12], strict=True))
    above = 13 if digits[6] >= 5 else 11
    return (above - total % 11) % 10 == digits[12]


def _is_named(text: str, start: int) -> bool:
    return bool(_WORD.search(text[max(0, start - _WORD_WINDOW) : start]))
