"""Templates of the packages that draw pages."""

from __future__ import annotations

from typing import Any

import jinja2

from curation.dashboard import numbers

_FILTERS = (
    numbers.count,
    numbers.number,
    numbers.setting,
    numbers.amount,
    numbers.size,
    numbers.duration,
    numbers.percent,
    numbers.listed,
    numbers.mean,
)


def fill(packages: tuple[str, ...], template: str, **values: Any) -> str:
    """One page. Everything that is not Markup is escaped; a name that a template does not know is an error.

    Args:
        packages: where templates are looked for, in this order; each has a folder `templates`.
    """
    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(package) for package in packages])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({function.__name__: function for function in _FILTERS})
    environment.filters["plural"] = numbers.plural
    return environment.get_template(template).render(**values)
