"""Phone numbers: Korean ones, North American ones, and those of any country that are written with + or 00.

A bounded expression finds runs of eight digits or more, another one the shapes that numbers are written in, and the library
`phonenumbers` (https://github.com/daviddrysdale/python-phonenumbers, the numbering plans of all countries) says which of them
can be numbers. Its own matcher is not used: it is too slow for a corpus, and takes any grouping of digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import phonenumbers

from curation.pii.base import Entity
from curation.pii.email import REST_OF_ADDRESS

_DASH = r"\-\u2010-\u2015\u2212"
_RUN = re.compile(rf"[+(0-9](?<![0-9][0-9])\+?(?:[ .()/{_DASH}\u00b7]{{0,3}}[0-9]){{7}}")
_GAP = rf"(?:[ ]?[).{_DASH}\u00b7][ ]?|[ ]?)"  # between two groups of digits
_SHAPE = re.compile(
    rf"""
    (?P<international> (?: \+[ ]? | [(]\+(?=[0-9]{{1,3}}[)]) ) [1-9] (?: [ .()/{_DASH}]{{0,3}} [0-9] ){{6,14}}
      | 00[1-9][0-9]{{0,2}} (?: [ {_DASH}] [(]?[0-9]{{1,8}}[)]? ){{2,5}} )
  | (?P<korean> (?: [(](?=[0-9]{{2,4}}[)]) )? 0 (?: 2 | [3-6][1-5] | (?P<nationwide> 1[016-9] | [78]0 | 50[0-9]? ) ) [)]?
        {_GAP} [0-9]{{3,4}} (?P<gap> {_GAP} ) [0-9]{{4}} )
  | (?P<service> 1[568][0-9]{{2}} [{_DASH}] (?P<until> [0-9]{{4}} ) )
  | (?P<american> (?:1[-. ])? (?: [(][2-9][0-9]{{2}}[)][ ]?-? | [2-9][0-9]{{2}}(?:-|[ /](?=...-)|(?P<sign>[. ])) )
        [2-9][0-9]{{2}} (?(sign) (?P=sign) | (?:[ ]?-[ ]?|[. ]) ) [0-9]{{4}} )
    """,
    re.VERBOSE,
)
# Words near a number that is written without signs, or that could be two years.
_CALL = re.compile(
    r"(?<![a-z])(?:tel|fax|phone|mobile|cell|voice|call|contact)|[\u2121\u260e\u260f\U0001f4de]"
    r"|전화|핸드폰|휴대폰|연락|문의|팩스|상담",
    re.IGNORECASE,
)
_CALL_WINDOW = 24
_LABEL = re.compile(r"(?<![a-z])(?:tel|fax|phone|mobile|cell|hp|[tfmhp])[.:=/-]?\Z", re.IGNORECASE)
_LABEL_WINDOW = 8
_NOT_BEFORE = re.compile(r"[A-Za-z0-9_=#&%$@\\*^+]\Z|[0-9A-Za-z][-.]\Z|[A-Za-z]/\Z|[0-9]:\Z")
_NOT_AFTER = re.compile(rf"(?!x ?[0-9])[A-Za-z0-9_%]|[.:][0-9]|-[0-9](?:[0-9]|-)|[-=][A-Za-z_]|{REST_OF_ADDRESS}")
_MOBILE_ALONE = re.compile("010[1-9][0-9]{7}")
_DIGITS = re.compile("[0-9]+")
_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])")
_LEAST_INTERNATIONAL = 8
_LAST_YEAR, _ROUND = 2100, (1600, 1800)  # round years and other bounds, also counted down (before Christ)
_KOREAN, _OTHER = "010-0000-0000", "+1-202-555-0100"


class Phone(Entity):
    """Phone numbers; Korean ones are replaced by one that is given to nobody, others by one reserved for fiction."""

    kind: ClassVar[str] = "phone"
    libraries: ClassVar[tuple[str, ...]] = ("phonenumbers",)
    version: ClassVar[int] = 1
    examples: ClassVar = {
        "Call 010-1234-5678, (02)345-6789 or 1588-1234.": f"Call {_KOREAN}, {_KOREAN} or {_KOREAN}.",
        "\uc804\ud654\ub294 01012345678\ub85c": f"\uc804\ud654\ub294 {_KOREAN}\ub85c",
        "+82 10-1234-5678, +44 20 7946 0958": f"{_OTHER}, {_OTHER}",
        "1-800-356-9377 and (212) 736-5000": f"{_OTHER} and {_OTHER}",
        "2019-01-02, 1592-1598, build 10.0.19041.1, 3.1415926535": "2019-01-02, 1592-1598, build 10.0.19041.1, 3.1415926535",
    }

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        at = 0
        while run := _RUN.search(text, at):
            match = _SHAPE.match(text, run.start())
            end = _end_of_number(text, match) if match else 0
            if end:
                yield run.start(), end
            # What follows a false + belongs to it: read alone it could become a true one by being replaced.
            at = end or (match.end() if match and match["international"] else run.start() + 1)

    def replacement(self, value: str) -> str:
        return _KOREAN if re.match(r"\(?0[1-9]|1[568]\d\d[^\d. ]\d{4}\Z", value) else _OTHER


def _end_of_number(text: str, match: re.Match[str]) -> int:
    """Where the number ends; 0 if there is none of this shape."""
    start, end = match.span()
    if not _stands_alone(text, start):
        return 0
    if match["international"]:
        return _end_of_international(text, start, end)
    if _NOT_AFTER.match(text, end) or not (_is_clear(match) or _has_call(text, start, end)):
        return 0
    return end if _is_valid(match[0], "US" if match["american"] else "KR") else 0


def _stands_alone(text: str, start: int) -> bool:
    """Not in the middle of an identifier, a decimal or a longer number; a short label such as `T.` may come first."""
    if not _NOT_BEFORE.search(text[max(0, start - 2) : start]):
        return True
    return bool(_LABEL.search(text[max(0, start - _LABEL_WINDOW) : start]))


def _has_call(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - _CALL_WINDOW) : start], text[end : end + _CALL_WINDOW]
    return bool(_CALL.search(before) or _CALL.search(after))


def _end_of_international(text: str, start: int, end: int) -> int:
    """The longest number that ends with a group of digits: years and other numbers may follow with nothing but a space."""
    first = start + 2 if text[start] == "0" else text.index("+", start) + 1
    address = _IPV4.search(text, first, end)
    ends = [group.end() for group in _DIGITS.finditer(text, first, address.start() if address else end)]
    free = [e for e in reversed(ends) if e - first >= _LEAST_INTERNATIONAL and not _NOT_AFTER.match(text, e)]
    valid = next((e for e in free if _is_valid(f"+{text[first:e]}", None)), 0)
    if valid or not free or not _has_call(text, start, end):
        return valid
    return next((e for e in free if _is_possible(f"+{text[first:e]}")), 0)  # old texts hold numbers of old plans


def _is_clear(match: re.Match[str]) -> bool:
    """The way it is written leaves no doubt that it is a phone number, whatever stands around it."""
    if match["service"]:
        since, until = int(match[0][:4]), int(match["until"])
        return since not in _ROUND and not since <= until <= _LAST_YEAR
    if match["american"]:
        return match["sign"] != " "
    if match["nationwide"]:
        digits = re.sub(r"[^0-9]", "", match[0])
        if digits == match[0] and not _MOBILE_ALONE.fullmatch(digits):
            return False
        return len(set(digits)) > 2  # fewer are a binary number
    return bool(match["gap"].strip())


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
