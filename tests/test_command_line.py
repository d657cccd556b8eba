"""What holds for every command of `loam`, whichever are added."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from command_tree import NAMES, commands
from loam import Loam

from curation.runtime.command_line.options import OPTIONS, WHAT, WHERE, Command, command_options

HEAVY = ("numpy", "pydantic", "pyarrow", "ray", "scipy", "torch", "yaml")


every_command = pytest.mark.parametrize("command", [command for _, command in commands()], ids=NAMES)


@every_command
def test_every_command_gives_its_result_as_json(command: click.Command) -> None:
    """If this fails, a program that calls loam has to read a table."""
    assert [option for each in command.params for option in each.opts if option == "--json"] == ["--json"]


@every_command
def test_options_stand_in_the_same_order_everywhere(command: click.Command) -> None:
    """A command's own, then what of the config is changed, then where and how it works, then the form of the result."""
    options = [each.opts[0] for each in command.params if isinstance(each, click.Option)]
    shared = [f"--{name}" for name in ("set", "plugin", "out", "workers", "ray-address", "allow-other-code", "json")]
    first = next(at for at, option in enumerate(options) if option in shared)
    assert options[first:] == [option for option in shared if option in options]


@every_command
def test_the_first_line_of_help_is_a_sentence(command: click.Command) -> None:
    first = (command.help or "").split("\n\n")[0].strip()
    assert first.endswith(".")
    assert first[0].isupper()


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_one_line_and_exit_code_two(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = Loam(monkeypatch, capsys)(*name.split(), "--nothing-of-ours")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("loam: No such option")
    assert ended.err.endswith(f"See loam {name} --help.\n")
    assert ended.err.count("\n") == 1


def test_help_waits_for_no_heavy_import() -> None:
    """`loam --help` answers within half a second, whatever the machine is busy with."""
    asked = "import sys; from ablations.cli import loam; loam(['--help'], standalone_mode=False)"
    seen = f"print(sorted(set(sys.modules) & set({HEAVY})), file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", f"{asked}; {seen}"], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    assert "loam COMMAND --help" in ended.stdout


def test_a_command_is_handed_over_as_one_object() -> None:
    @click.command()
    @click.argument("path")
    @click.option("--own")
    @command_options(*WHAT, *WHERE)
    def shown(command: Command, own: str) -> None:
        command.show({"command": command, "own": own, "none": float("nan")}, f"{command.path} {own}")
        command.note("beside it")

    given = "some.yaml --own x --set a=1 --set b=2 --plugin p.py --out o --workers 3 --ray-address h:1".split()
    told = CliRunner().invoke(shown, [*given, "--json"])
    command = json.loads(told.stdout)["command"]
    assert Command(**command | {"settings": ("a=1", "b=2"), "plugins": ("p.py",)}) == Command(
        "some.yaml", "o", 3, "h:1", ("a=1", "b=2"), ("p.py",), True
    )
    assert json.loads(told.stdout)["none"] is None, "a number that is none is no JSON"
    assert told.stderr == "beside it\n"
    assert CliRunner().invoke(shown, given).stdout == "some.yaml x\n"
    assert set(OPTIONS) == {*WHAT, *WHERE}
