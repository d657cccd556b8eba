"""Adding a member is adding a file; a mistake in it is one line that says which file and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.annotators.registry import ANNOTATORS
from curation.pii.registry import ENTITIES
from curation.runtime.errors import ConfigError
from curation.runtime.registry import Plugin, plugin_digest, snake_case
from curation.sources.registry import SOURCES

ANNOTATOR = '''
from __future__ import annotations

from typing import ClassVar, Literal

from curation.annotators.base import Annotator, Column


class ShoutShare(Annotator):
    """How much is shouted.

    More words.
    """

    kind: Literal["shout_share"] = "shout_share"
    version: Literal[1] = 1
    columns: ClassVar = (Column("share", range=(0, 1)),)
    examples: ClassVar = {"": (0.0,), "AB c": (0.5,)}

    def score(self, batch):
        return {"share": [sum(map(str.isupper, text)) / max(len(text), 1) for text in batch.texts]}
'''
ENTITY = '''
import re

from curation.pii.base import Entity


class TicketNumber(Entity):
    """Ticket numbers."""

    kind = "ticket_number"
    version = 1
    examples = {"T-12": "T-0"}

    def find(self, text):
        return (match.span() for match in re.finditer(r"T-[0-9]+", text))

    def replacement(self, value):
        return "T-0"
'''


def _plugin(source: str, name: str = "mine.py") -> Plugin:
    return Plugin(name, source)


def test_a_plugin_file_adds_an_annotator_and_an_entity() -> None:
    plugins = [_plugin(ANNOTATOR + ENTITY)]
    cls = ANNOTATORS.get("shout_share", plugins)
    assert cls.columns[0].name == "share"
    assert ENTITIES.get("ticket_number", plugins)().replacement("T-12") == "T-0"
    assert plugin_digest(cls) == plugins[0].digest
    assert "shout_share" not in ANNOTATORS.classes(), "a plugin counts only where a recipe names it"


def test_an_edited_plugin_is_another_computation() -> None:
    first, second = (_plugin(ANNOTATOR + note) for note in ("", "\n# edited"))
    a, b = (ANNOTATORS.get("shout_share", [plugin]).model_validate({}) for plugin in (first, second))
    assert a.what() != b.what()


def test_the_catalogue_sees_members_without_importing_them() -> None:
    """The help text lists annotators; it must not wait for, or crash on, what they import."""
    source = "import a_module_that_is_nowhere\n" + ANNOTATOR
    assert ANNOTATORS.catalogue([_plugin(source)])["shout_share"] == "How much is shouted."
    for registry in (ANNOTATORS, ENTITIES, SOURCES):
        assert list(registry.catalogue()) == list(registry.classes())
        assert all(registry.catalogue().values())


def test_two_of_one_name_are_refused() -> None:
    again = ANNOTATOR.replace("ShoutShare", "CharClasses").replace("shout_share", "char_classes")
    with pytest.raises(ConfigError, match="two annotators are called 'char_classes'"):
        ANNOTATORS.classes([_plugin(again)])
    with pytest.raises(ConfigError, match="two annotators are called 'shout_share'"):
        ANNOTATORS.classes([_plugin(ANNOTATOR), _plugin(ANNOTATOR + "\n", "other.py")])


def test_a_kind_that_is_not_the_class_name_is_refused() -> None:
    """Names in recipes, folders and reports derive from the class: two spellings would be two truths."""
    with pytest.raises(ConfigError, match=r"its kind is 'shout_share'. Write kind = 'loud_share'"):
        ANNOTATORS.classes([_plugin(ANNOTATOR.replace("class ShoutShare", "class LoudShare"))])


BROKEN = {
    "syntax": "def f(:\n    pass",
    "import": "import a_module_that_is_nowhere",
    "error of several lines": 'raise ValueError("one\\ntwo\\nthree")',
    "NUL": "x = 1\x00",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_one_line_with_its_name(source: str) -> None:
    for _ in range(2):  # a module that failed must not count as loaded the second time
        with pytest.raises(ConfigError, match=r"^plugin mine\.py: .*\. Mend the file\.$") as caught:
            ANNOTATORS.classes([_plugin(source)])
        assert "\n" not in str(caught.value)


def test_a_plugin_with_a_syntax_error_does_not_break_the_help_text_in_two() -> None:
    with pytest.raises(ConfigError, match=r"plugin mine\.py: SyntaxError"):
        ANNOTATORS.catalogue([_plugin(BROKEN["syntax"])])


def test_a_plugin_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give the path of a Python file"):
        Plugin.read(tmp_path / "none.py")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Plugin.read(tmp_path / "latin.py")


@pytest.mark.parametrize(
    ("name", "snake"),
    [("GopherWords", "gopher_words"), ("Email", "email"), ("KLWords", "kl_words"), ("MinHash2", "min_hash2")],
)
def test_names_derive_from_classes(name: str, snake: str) -> None:
    assert snake_case(name) == snake
