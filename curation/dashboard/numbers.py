"""Numbers for readers. A missing number is a dash, never None or nan."""

from __future__ import annotations

from collections.abc import Iterable

NOTHING = "–"
MINUS = "−"


def count(value: float | None) -> str:
    """12345 -> '12,345'."""
    return NOTHING if value is None else f"{value:,.0f}".replace("-", MINUS)


def number(value: float | None) -> str:
    """A measured value with about four digits: '1,234', '123.4', '12.34', '1.234', '0.012', '4.0e−5'."""
    if value is None:
        return NOTHING
    size = abs(value)
    if size >= 1000:
        text = f"{value:,.0f}"
    elif size >= 100:
        text = f"{value:.1f}"
    elif size >= 10:
        text = f"{value:.2f}"
    elif size >= 0.001 or size == 0:
        text = f"{size if size == 0 else value:.3f}"
    else:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", MINUS)


def setting(value: float | None) -> str:
    """A number that somebody wrote, as it was written: '50', '0.1', '1,000'."""
    if value is None:
        return NOTHING
    return (f"{value:,.0f}" if value == int(value) else f"{value:,.6g}").replace("-", MINUS)


def amount(value: float | None) -> str:
    """A large number in short: 999, '500k', '1.25M', '3.1B'."""
    if value is None:
        return NOTHING
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}".replace("-", MINUS)
    return f"{value:.3g}".replace("-", MINUS)


def size(value: float | None) -> str:
    """Bytes: '1.2 MB', in powers of 1000."""
    if value is None:
        return NOTHING
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value:.0f} B"


def duration(value: float | None) -> str:
    """Seconds: '0.4 s', '48 s', '4 min 40 s', '3 h 12 min'."""
    if value is None:
        return NOTHING
    if value < 59.5:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def percent(part: float | None, whole: float | None = 1.0) -> str:
    """60 of 100 -> '60.0 %'."""
    if part is None or not whole:
        return NOTHING
    return f"{100 * part / whole:.1f} %"


def ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def mean(values: Iterable[float | None]) -> float | None:
    """Over those that were measured."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def plural(n: int, what: str) -> str:
    """'1 seed', '2 seeds'."""
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def listed(texts: Iterable[str]) -> str:
    """'a, b and c'."""
    *first, last = list(texts) or [""]
    return f"{', '.join(first)} and {last}" if first else last
