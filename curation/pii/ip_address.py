"""IPv4 and IPv6 addresses that are reachable from everywhere; others (private, local, documentation) identify nobody.

Source: RFC 6890 for the special ranges, as `ipaddress` knows them; RFC 5737 and 3849 for the replacements.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import ClassVar

from curation.pii.base import Entity
from curation.pii.email import REST_OF_ADDRESS

_V4 = re.compile(
    r"[1-9](?<![0-9A-Za-z_.%+-][1-9])[0-9]{0,2}(?:\.[0-9]{1,3}){2}\.[1-9][0-9]{0,2}"
    rf"(?![0-9A-Za-z_]|\.[0-9A-Za-z]|-[A-Za-z]|{REST_OF_ADDRESS})"
)
# Addresses that are given out begin with the bits 001 (RFC 4291, section 2.4), which keeps `std::` and times apart.
_V6 = re.compile(
    r"[23](?<![0-9A-Za-z_:.][23])[0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}"
    rf"(?![0-9A-Za-z_:]|\.[0-9]|{REST_OF_ADDRESS})"
)
_VERSION = re.compile(
    r"(?:(?<![a-z.@])(?:version|release|build|assembly|ver|rev|v)|버전|[a-z]/)[\s\"':=.(]{0,3}\Z", re.IGNORECASE
)
_WINDOW = 16
_LEAST_V6_GROUPS = 3
_ADDRESS = re.compile(r"(?:\bip(?:v4)?(?:\s?주소|\s?address)?|://|아이피|@|host|server)\W{0,3}\Z", re.IGNORECASE)
_LIKE_A_VERSION = 30  # of versions at most one number is above this, of addresses nearly always two or more


class IpAddress(Entity):
    """Public IPv4 and IPv6 addresses; replaced by those of the ranges for documentation."""

    kind: ClassVar[str] = "ip_address"
    version: ClassVar[int] = 1
    by_default: ClassVar[bool] = True
    examples: ClassVar = {
        "from 203.248.252.2, 8.34.210.77\uc5d0\uc11c": "from 192.0.2.1, 192.0.2.1\uc5d0\uc11c",
        "[2a00:1450:4001:81b::200e]:443": "[2001:db8::a]:443",
        "127.0.0.1 10.1.2.3 1.2.3.4 version 112.30.40.50 std::cout 12:30:45 256.1.1.1 2001:db8::7": (
            "127.0.0.1 10.1.2.3 1.2.3.4 version 112.30.40.50 std::cout 12:30:45 256.1.1.1 2001:db8::7"
        ),
    }
    labelled_lines: ClassVar[tuple[str, ...]] = (
        "접속 IP: ⟦203.248.252.2⟧에서",
        "http://⟦211.45.60.7⟧:8080/index.html",
        "⟦8.34.210.77⟧, ⟦121.78.90.12⟧",
        "from [⟦2a00:1450:4001:81b::200e⟧]:443",
        "⟦2001:4860:4860::8888⟧ 과 ⟦2600:1406:3a00:21:0:0:173e:2e65⟧",
        "ip 주소 ⟦1.11.12.13⟧",
        "127.0.0.1, 10.1.2.3, 172.16.5.4, 192.168.0.1, 0.0.0.0, 255.255.255.0",
        "192.0.2.55, 198.51.100.7, 203.0.113.9, 2001:db8::5, fe80::1, ::1",
        "1.2.3.4, 10.0.4.7, 6.9.11.57",
        "version 112.30.40.50, v100.200.30.41, Version=112.40.50.60",
        "Rcurl/1.95.74.5 httr/0.6.0",
        "EC 1.14.113.9 은 효소",
        "256.100.100.1, 100.200.300.400, 111.222.33",
        "111.222.33.44.55, 1.111.222.33.44",
        "std::vector<int>::iterator, 12:30:45, 2019:01:02 03:04:05",
        "a::b, face::cafe, 00:1a:2b:3c:4d:5e, 2012::",
        "211.45.60.0/24, 211.45.60.255",
        "dns 8.8.8.8, 1.1.1.1",
    )

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        v4 = (match.span() for match in _V4.finditer(text) if _is_public(match[0]) and not _is_version(text, match))
        v6 = (match.span() for match in _V6.finditer(text) if _is_public(match[0])) if ":" in text else iter(())
        yield from sorted([*v4, *v6])  # a match of one never holds the signs of the other, so they lie apart

    def replacement(self, value: str) -> str:
        return "2001:db8::a" if ":" in value else "192.0.2.1"


def _is_public(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if address.version == 6 and sum(map(bool, value.split(":"))) < _LEAST_V6_GROUPS:
        return False
    return address.is_global and not address.is_multicast


def _is_version(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - _WINDOW) : match.start()]
    if _ADDRESS.search(before):
        return False
    large = sum(int(part) > _LIKE_A_VERSION for part in match[0].split("."))
    return large < 2 or match[0].endswith(".255") or bool(_VERSION.search(before))
