"""Numbers of payment cards: an issuer's prefix and length (ISO/IEC 7812-1) and the check digit of Luhn.

Digits are grouped as on a card, always with the same sign, or not at all. A long digit run is a card only by chance in one of
some fifty cases, so that the numbers of a database are mostly left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from curation.pii.base import Entity
from curation.pii.email import REST_OF_ADDRESS

_SHAPE = re.compile(
    r"[2-69](?<![0-9A-Za-z_.=#&/%$+@-][0-9])"
    r"(?:[0-9]{3}(?P<sign>[ -])(?:[0-9]{4}(?P=sign)[0-9]{4}(?P=sign)[0-9]{4}(?:(?P=sign)[0-9]{3})?|[0-9]{6}(?P=sign)[0-9]{4,5})"
    rf"|[0-9]{{12,18}})(?![0-9A-Za-z_%]|[.-]?[0-9]|{REST_OF_ADDRESS})"
)
_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5]|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]+(?<=\b[0-9]{16})"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2}|35(?:2[89]|[3-8][0-9])|62[0-9]{2})[0-9]{12}(?:[0-9]{3})?"  # Discover, JCB, UnionPay
)
_KOREAN = re.compile(r"9[0-9]{15}")  # cards for use in Korea alone


class CreditCard(Entity):
    """Payment card numbers; replaced by one that no issuer has."""

    kind: ClassVar[str] = "credit_card"
    version: ClassVar[int] = 1
    by_default: ClassVar[bool] = True
    examples: ClassVar = {
        "\uce74\ub4dc 4111-1111-1111-1111\ub85c": "\uce74\ub4dc 0000-0000-0000-0000\ub85c",
        "378282246310005, 5555 5555 5555 4444": "0000-0000-0000-0000, 0000-0000-0000-0000",
        "4111-1111-1111-1112 1234567890123456 4111 1111-1111 1111": "4111-1111-1111-1112 1234567890123456 4111 1111-1111 1111",
    }
    labelled_lines: ClassVar[tuple[str, ...]] = (
        "카드번호 ⟦4111-1111-1111-1111⟧로 결제",
        "⟦5555 5555 5555 4444⟧, ⟦378282246310005⟧",
        "⟦3782-822463-10005⟧, ⟦30569309025904⟧",
        "⟦6011111111111117⟧ ⟦3530111333300000⟧",
        "⟦4222222222222⟧ 옛 카드",
        "⟦2223003122003222⟧",
        "만료 12/25 ⟦4012-8888-8888-1881⟧ 123",
        "4111-1111-1111-1112",
        "1234567890123456, 1111222233334444",
        "4111 1111-1111 1111",
        "0000-0000-0000-0000",
        "계좌 4111-1111-1111-11",
        "14111111111111111, 41111111111111111",
        "0x4111111111111111, id=4111111111111111",
        "3.4111111111111111, 4111111111111111.5",
        "19900101123456, 20190102030405",
    )

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for match in _SHAPE.finditer(text):
            digits = re.sub(r"[ -]", "", match[0])
            issued = _ISSUERS.fullmatch(digits) or (match["sign"] and _KOREAN.fullmatch(digits))
            if issued and _has_check_digit(digits):
                yield match.span()

    def replacement(self, value: str) -> str:
        return "0000-0000-0000-0000"


def _has_check_digit(digits: str) -> bool:
    """Luhn 1960, US patent 2950048: every second digit from the right is doubled, its digits summed."""
    total = sum(int(digit) for digit in digits[-1::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0
