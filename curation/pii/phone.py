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
    by_default: ClassVar[bool] = True
    examples: ClassVar = {
        "Call 010-1234-5678, (02)345-6789 or 1588-1234.": f"Call {_KOREAN}, {_KOREAN} or {_KOREAN}.",
        "\uc804\ud654\ub294 01012345678\ub85c": f"\uc804\ud654\ub294 {_KOREAN}\ub85c",
        "+82 10-1234-5678, +44 20 7946 0958": f"{_OTHER}, {_OTHER}",
        "1-800-356-9377 and (212) 736-5000": f"{_OTHER} and {_OTHER}",
        "2019-01-02, 1592-1598, build 10.0.19041.1, 3.1415926535": "2019-01-02, 1592-1598, build 10.0.19041.1, 3.1415926535",
    }
    labelled_lines: ClassVar[tuple[str, ...]] = (
        "연락처는 ⟦010-1234-5678⟧로 주세요",
        "⟦010.9876.5432⟧ 또는 ⟦010 9876 5431⟧ 문자 주세요",
        "⟦01023456789⟧입니다. 늦게 전화하지 마세요",
        "휴대폰:⟦010-2345-6789⟧(김)",
        "H.P ⟦011-234-5678⟧, ⟦016-321-4321⟧",
        "대표 ⟦(02)123-4567⟧, 팩스 ⟦02) 765-4321⟧",
        "TEL.⟦02-2123-4567⟧/FAX.⟦02-2123-4568⟧",
        "Tel:⟦031-987-6543⟧, 야간 ⟦031-987-6544⟧",
        "문의 ⟦0212345678⟧ (평일)",
        "인터넷 전화 ⟦070-7123-4567⟧번",
        "안심번호 ⟦0507-1234-5678⟧, ⟦050-1234-5678⟧",
        "수신자 부담 ⟦080-345-6789⟧",
        "고객센터 ⟦1588-3456⟧, ⟦1577-9876⟧, ⟦1644-5432⟧",
        "전화 ⟦1588-1600⟧으로",
        "⟦+82-10-1234-5678⟧, ⟦+82 2 2123 4567⟧",
        "⟦+82 (0)10-1234-5678⟧",
        "국제 ⟦0082-10-1234-5678⟧",
        "⟦010 - 2345 - 6789⟧ 끝",
        "【⟦010-2345-6789⟧】",
        "둘: ⟦02-333-4444⟧~5, ⟦010-23456789⟧",
        "call ⟦(212) 736-5000⟧ or ⟦1-800-356-9377⟧",
        "voice ⟦212 736 5000⟧, fax ⟦212.736.5001⟧",
        "⟦212-736-5000⟧ x123 (work)",
        "⟦410/964-8000⟧ fax",
        "London ⟦+44 20 7946 0958⟧, Berlin ⟦+49 (0)30 901820⟧, Oslo ⟦(+47) 22 42 68 10⟧",
        "Tel: ⟦+44 71 799 2434⟧ (until 1995), Fax ⟦(201) 729 - 0947⟧",
        "연락처: ⟦031-940-5325⟧-7",
        "London 020 7946 0958",  # national form of another country: unmarked, as the entity promises none
        "2019-01-02 03:04:05, 2019.01.02, 20190102",
        "가격 12,345,678원, 1,234,567.89달러",
        "ISBN 978-89-349-1234-5, ISBN 0-306-40615-2",
        "version 10.0.19041.1234, v1.2.3-4567",
        "임진왜란 1592-1598, 조선 1392-1910, 대공황 1929–1939",
        "상나라(기원전 1600-1046), 청동기 1800–1500 BC",
        "p. 123-456, pp. 1001-1234",
        "원주율 3.1415926535897932, 1.0101234567",
        "https://example.com/article/01012345678/view?id=01023456789",
        "uuid 123e4567-e89b-12d3-a456-426614174000",
        "ms.assetid: 65e49258-7161-4289-a176-0123456789ab",
        "이진수 01000100010, 01010101010, 010 0101 0101",
        "VALUE '01000000050'",
        "사업자등록번호 123-45-67890",
        "계좌 123-456789-01-234, 110-234-567890",
        "주문번호 20190102-0001234, ticket_010-1234-5678",
        "x=-0.009 1.689-.009 1.925 0 .184",
        "좌표 37.5665, 126.9780; 해상도 1920-1080",
        "위도 37 33 59, 1 2 3 4 5 6 7 8 9 10 11 12",
        "제5조 제010항 1234호 5678",
        "555-123-4567 is a number of films",
        "192.168.0.1:8080, 10.20.30.40",
        "⟦010-1234-5678⟧\n⟦010-1234-5679⟧\n1234",
        "공일공 1234 5678",
        "전화 ⟦020 7946 0958⟧",  # missed: a number of London in its national form
        "⟦공일공-일이삼사-오육칠팔⟧",  # missed: written in words
        "표준 1600-3000 eDTU",
        "모델 SM-010-1234-5678A",
        "표 070 1234 5678 090",  # found: three columns of a table that look like a number
    )
    missed: ClassVar[int] = 2
    mistaken: ClassVar[int] = 1

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
    """Whether its form alone shows that it is a phone number, whatever surrounds it."""
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
