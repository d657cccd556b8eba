"""From an Altair chart to SVG that can be part of a page: no script, no font to load, no id of another figure."""

from __future__ import annotations

import json
import math
import re
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

import altair as alt
import vl_convert
from altair.utils import schemapi
from markupsafe import Markup

from curation.dashboard.palette import Style

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_VEGALITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
_CONFIG = {
    "background": "transparent",
    "padding": 4,
    "font": FONT,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "group",
        "fontSize": 13,
        "subtitleFontSize": 11,
        "subtitleColor": "#555",
        "limit": 0,
        "offset": 8,
    },
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titleColor": "#444",
        "labelLimit": 420,
        "titleLimit": 0,
        "gridColor": "#e8e8e8",
        "domainColor": "#888",
        "tickColor": "#888",
    },
}
LARGE = (
    "abs(datum.value) < 1000 ? format(datum.value, '~g') : replace(format(datum.value, '~s'), 'G', 'B')"  # 1k, 1M, 1B
)
_GAP = 78  # pixels between the frames of two panels: room for the labels of an axis
ET.register_namespace("", "http://www.w3.org/2000/svg")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DECIMALS = re.compile(r"\d+\.\d{3,}")
_SPOKEN = ("aria-", "role")  # the figure as a whole is described; a screen reader should not read every tick


def unchecked() -> AbstractContextManager[None]:
    """Build charts without a check against the Vega-Lite schema: that takes longer than drawing; tests do it."""
    return cast("AbstractContextManager[None]", schemapi.debug_mode(False))


def data(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows inside the chart, as one JSON text: Altair would copy and check a list again for every layer and panel."""
    return alt.InlineData(values=json.dumps(rows, allow_nan=False), format=alt.JsonDataFormat(type="json"))


def colour(styles: Mapping[str, Style], field: str) -> Any:
    """Colour by a field, as in the legend of the page."""
    scale = alt.Scale(domain=list(styles), range=[style.colour for style in styles.values()])
    return alt.Color(f"{field}:N", scale=scale, legend=None)


def dash(styles: Mapping[str, Style], field: str) -> Any:
    scale = alt.Scale(domain=list(styles), range=[list(style.dash) for style in styles.values()])
    return alt.StrokeDash(f"{field}:N", scale=scale, legend=None)


def heading(text: str, *below: str, chars: int | None = None) -> Any:
    """A title with lines below it; in lines of at most `chars` characters, since a chart does not grow with its title."""
    title = textwrap.wrap(text, chars) or [""] if chars else text
    under = [part for line in below if line for part in (textwrap.wrap(line, chars) if chars else [line])]
    return alt.Title(title, subtitle=under) if under else alt.Title(title)


def axis(text: str, unit: str) -> str:
    """'accuracy, share of items'; what a unit repeats is written once: 'macro F1, 0 to 1' of the unit 'F1, 0 to 1'."""
    head, comma, rest = unit.partition(",")
    if f" {head} " in f" {text} ":
        return f"{text}{comma}{rest}"
    return f"{text}, {unit}" if unit else text


def side_by_side(panels: Sequence[Any], columns: int, name: str, description: str) -> list[Markup]:
    """One SVG a row of panels, so that a printed page can break between rows."""
    specs = [panel.to_dict(validate=schemapi.DEBUG_MODE) for panel in panels]
    rows = [specs[at : at + columns] for at in range(0, len(specs), columns)]
    return [_drawn(_row(row), f"{name}-{i}", description) for i, row in enumerate(rows)]


def svg(chart: Any, name: str, description: str) -> Markup:
    """The chart as an `<svg>` element.

    Args:
        chart: of Altair; its data is inside.
        name: of the figure in its page; ids inside the SVG begin with it.
        description: one sentence for those who cannot see it.
    """
    return _drawn(chart.to_dict(validate=schemapi.DEBUG_MODE), name, description)


def _row(specs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Charts beside each other. Altair's own way copies and checks every one of them again: seconds a page."""
    shared = {"$schema", "config", "datasets"}
    panels = [{key: value for key, value in spec.items() if key not in shared} for spec in specs]
    datasets = {name: rows for spec in specs for name, rows in spec.get("datasets", {}).items()}  # named by their hash
    return {"hconcat": panels, "bounds": "flush", "spacing": _GAP, "datasets": datasets}


def _drawn(spec: dict[str, Any], name: str, description: str) -> Markup:
    drawn = vl_convert.vegalite_to_svg({**spec, "config": _CONFIG}, vl_version=_VEGALITE)
    root = ET.fromstring(drawn)
    _strip(root, f"svg-{name}-")
    root.attrib.update({"role": "img", "aria-label": description})
    return Markup(ET.tostring(root, encoding="unicode"))  # the XML serialiser has escaped every text in it


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
            elif key in ("d", "transform"):
                element.set(key, _DECIMALS.sub(lambda match: f"{float(match[0]):.2f}", value))  # of a pixel


def extent(values: Iterable[float | None], margin: float = 0.06) -> list[float]:
    """A domain that holds all values with some air; never of length zero."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = (high - low) * margin or abs(high) * margin or 1.0
    return [low - air, high + air]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers, with 2 and 5 times them where few fit; 0, and negative ones mirrored."""
    powers = [10.0**e for e in range(_magnitude(low, high), math.ceil(math.log10(max(abs(low), abs(high), 1e-12))) + 1)]
    factors = (1, 2, 5) if len([p for p in powers if low <= p <= high]) < 3 else (1,)
    positive = [p * f for p in powers for f in factors]
    return [tick for tick in [*(-t for t in reversed(positive)), 0.0, *positive] if low <= tick <= high]


def _magnitude(low: float, high: float) -> int:
    smallest = low if low > 0 else min(1.0, max(abs(low), abs(high), 1e-12) / 1000)
    return math.floor(math.log10(smallest))
