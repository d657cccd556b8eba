"""From an Altair chart to SVG that can stand inside a page: no script, no font to load, no id that another figure has."""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from curation.dashboard.palette import Style

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
TOKENS = "replace(format(datum.value, '~s'), 'G', 'B')"  # 1k, 1M, 1B
ET.register_namespace("", "http://www.w3.org/2000/svg")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SPOKEN = ("aria-", "role")  # the figure as a whole is described; a screen reader should not read every tick


def data(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.Data(values=[dict(row) for row in rows])


def colour(styles: Mapping[str, Style], field: str) -> Any:
    """Colour by a field, as in the legend of the page."""
    scale = alt.Scale(domain=list(styles), range=[style.colour for style in styles.values()])
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def dash(styles: Mapping[str, Style], field: str) -> Any:
    scale = alt.Scale(domain=list(styles), range=[list(style.dash) for style in styles.values()])
    return alt.StrokeDash(f"{field}:N", scale=scale, legend=None)


def heading(text: str, *below: str) -> Any:
    return alt.Title(text, subtitle=[line for line in below if line]) if any(below) else alt.Title(text)


def side_by_side(panels: Sequence[Any], columns: int, name: str, description: str) -> list[Markup]:
    """One SVG a row of panels, so that a printed page can break between rows."""
    rows = [panels[at : at + columns] for at in range(0, len(panels), columns)]
    return [svg(alt.hconcat(*row, spacing=24), f"{name}-{i}", description) for i, row in enumerate(rows)]


def svg(chart: Any, name: str, description: str) -> Markup:
    """The chart as an `<svg>` element.

    Args:
        chart: of Altair; its data is inside.
        name: of the figure in its page; ids inside the SVG begin with it.
        description: one sentence for those who cannot see it.
    """
    file = io.StringIO()
    _dressed(chart).save(file, format="svg")
    root = ET.fromstring(file.getvalue())
    _strip(root, f"svg-{name}-")
    root.attrib.update({"role": "img", "aria-label": description})
    text = ET.tostring(root, encoding="unicode")
    return Markup(text)  # the XML serialiser has escaped every text in it


def _strip(root: ET.Element, prefix: str) -> None:
    """Make ids the figure's own; take away what only a program would look at."""
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, prefix + value)
            elif key == "class" or key.startswith(_SPOKEN):
                del element.attrib[key]
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(rf"url(#{prefix}\1)", value))


def _dressed(chart: Any) -> Any:
    return (
        chart.properties(background="transparent", padding=4)
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_title(anchor="start", fontSize=13, subtitleFontSize=11, subtitleColor="#555", limit=0, offset=8)
        .configure_axis(
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            titleColor="#444",
            labelLimit=420,
            titleLimit=0,
            gridColor="#e8e8e8",
            domainColor="#888",
            tickColor="#888",
        )
    )


def extent(values: Iterable[float | None], margin: float = 0.06) -> list[float]:
    """A domain that holds all values with some air; never of length zero."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = (high - low) * margin or abs(high) * margin or 1.0
    return [low - air, high + air]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers, with 2 and 5 between them where few powers fit; 0 and negative ones mirrored."""
    powers = [10.0**e for e in range(_magnitude(low, high), math.ceil(math.log10(max(abs(low), abs(high), 1e-12))) + 1)]
    factors = (1, 2, 5) if len([p for p in powers if low <= p <= high]) < 3 else (1,)
    positive = [p * f for p in powers for f in factors]
    return [tick for tick in [*(-t for t in reversed(positive)), 0.0, *positive] if low <= tick <= high]


def _magnitude(low: float, high: float) -> int:
    smallest = low if low > 0 else min(1.0, max(abs(low), abs(high), 1e-12) / 1000)
    return math.floor(math.log10(smallest))
