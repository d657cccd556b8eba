"""What is damaged is made again by the job that wrote it, and by no other; what cannot be is refused."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from damages import DAMAGES, flips, replace
from ray import cloudpickle

from curation.runtime.cluster.cluster import Compute, Idle
from curation.runtime.errors import DamagedError, StageError
from curation.runtime.stages.stage import Job, Output, Stage
from curation.runtime.stages.stages import mended, run_stage
from curation.runtime.store import manifest
from curation.runtime.store.folder import MANIFEST, Folder
from curation.runtime.store.manifest import Manifest
from curation.runtime.store.parts import read_checked
from curation.runtime.store.receipts import RECEIPTS, Result

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests

JOBS = 4


@dataclass(frozen=True)
class First:
    """Folder of files that say what is to happen, and where jobs note that they ran."""

    signs: Path


@dataclass(frozen=True)
class Second:
    """The same, and the folder of the first stage."""

    signs: Path
    input: Folder


@dataclass(frozen=True)
class Number:
    n: int


def write(shared: First, spec: Number, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Writes n, and notes that it ran; forgets its part where a file in `signs` says so."""
    folder, n, signs = folders["texts"], spec.n, shared.signs
    with open(signs / "ran", "a") as ran:
        ran.write(f"first {n}\n")
    folder.write(f"{n}.txt", f"number {n}".encode())
    if (signs / f"lose-{n}").exists():
        folder.remove_file(f"{n}.txt")
    return {"texts": Result([{"file": f"{n}.txt", "rows": 1}])}


def double(shared: Second, spec: Number, folders: Mapping[str, Folder]) -> dict[str, Result]:
    """Reads what `write` has written and writes it twice; where a sign says so, its input is damaged before it reads it."""
    folder, n, signs = folders["texts"], spec.n, shared.signs
    with open(signs / "ran", "a") as ran:
        ran.write(f"second {n}\n")
    if (signs / f"spoil-{n}").exists():
        path = Path(shared.input.url, f"{n}.txt")
        path.write_bytes(path.read_bytes().upper())
    folder.write(f"{n}.txt", 2 * read_checked(shared.input, f"{n}.txt"))
    return {"texts": Result([{"file": f"{n}.txt", "rows": 1}])}


class Two:
    """Two stages, of which the second reads the first."""

    def __init__(self, signs: Path, out: Folder, compute: Compute) -> None:
        self.signs, self.out, self.compute = signs, out, compute
        jobs = [Job(str(n), Number(n), 10) for n in range(JOBS)]
        self.first = Stage("first", {"texts": Output("texts", "one", {"of": 1})}, jobs, write, First(signs))
        self.input = self.first.outputs["texts"].folder(out)
        outputs = {"texts": Output("texts", "two", {"of": 2})}
        self.second = Stage("second", outputs, jobs, double, Second(signs, self.input))
        self.output = self.second.outputs["texts"].folder(out)

    def run(self) -> list[str]:
        """Both, mended; returns which jobs ran."""
        mended(self.both, self.out, self.compute)
        return self.ran()

    def both(self) -> None:
        run_stage(self.first, self.out, self.compute)
        run_stage(self.second, self.out, self.compute)

    def ran(self) -> list[str]:
        path = self.signs / "ran"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(lines)

    def contents(self) -> list[bytes]:
        return [read_checked(folder, f"{n}.txt") for folder in (self.input, self.output) for n in range(JOBS)]


@pytest.fixture
def two(tmp_path: Path, out: Folder, compute: Compute) -> Two:
    """Both stages, finished."""
    (tmp_path / "signs").mkdir()
    made = Two(tmp_path / "signs", out, compute)
    assert len(made.run()) == 2 * JOBS
    return made


EXPECTED = [f"number {n}".encode() * times for times in (1, 2) for n in range(JOBS)]


@pytest.mark.parametrize("sort", ["gone", "cut", "grown", "emptied"])
def test_a_run_does_again_the_one_job_whose_part_is_damaged(
    two: Two, sort: str, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[sort](Path(two.input.url, "2.txt"))
    assert two.run() == ["first 2"], "the same bytes come out, so whoever has read them stays as it is"
    assert two.contents() == EXPECTED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"damaged: {two.input.url}/2.txt: ")
    assert two.run() == []


def test_a_flipped_bit_in_what_is_small_is_found_at_the_start(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that has nothing to do still tells the truth about what it names."""
    DAMAGES["flipped"](Path(two.input.url, "2.txt"))
    assert two.run() == ["first 2"]
    assert two.contents() == EXPECTED
    assert f"damaged: {two.input.url}/2.txt: its content" in capsys.readouterr().err


def test_a_flipped_bit_in_what_is_large_is_found_by_whoever_reads_it_and_mended_within_the_run(
    two: Two, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second stage is not finished any more, so it reads the first one again."""
    monkeypatch.setattr(manifest, "READ_AT_START_BYTES", 0)
    DAMAGES["flipped"](Path(two.input.url, "2.txt"))
    two.output.remove()
    ran = two.run()
    assert two.contents() == EXPECTED
    assert {line for line in ran if line.startswith("first")} == {"first 2"}
    assert [ran.count(f"second {n}") for n in range(JOBS)] == [1, 1, 2, 1], "only what failed is done again"
    assert f"damaged: {two.input.url}/2.txt: its content" in capsys.readouterr().err


@pytest.mark.parametrize("at_most", [0, 2**20], ids=["large", "small"])
def test_several_damaged_parts_are_mended_within_one_run(
    two: Two, monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    monkeypatch.setattr(manifest, "READ_AT_START_BYTES", at_most)
    for n in (0, 3):
        DAMAGES["flipped"](Path(two.input.url, f"{n}.txt"))
    DAMAGES["gone"](Path(two.output.url, "1.txt"))
    two.output.remove()
    two.run()
    assert two.contents() == EXPECTED


def test_a_part_that_is_damaged_again_is_refused(two: Two) -> None:
    """A disk that spoils what is written to it must end in a message, not in a loop."""
    two.output.remove()
    (two.signs / "spoil-2").touch()
    with pytest.raises(DamagedError, match="its content is not the one") as caught:
        two.run()
    assert caught.value.file == "2.txt"
    assert two.ran().count("first 2") == 1


def test_a_damaged_file_outside_of_the_folder_is_refused(two: Two, tmp_path: Path) -> None:
    """It is somebody's: nobody here can make it again, and nothing of it is removed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Path(two.input.url).rename(elsewhere / "one")
    theirs = Folder(str(elsewhere / "one"))
    DAMAGES["flipped"](Path(theirs.url, "2.txt"))
    reading = dataclasses.replace(two.second, shared=Second(two.signs, theirs))
    two.output.remove()
    with pytest.raises(DamagedError, match=f"{theirs.url}/2.txt"):
        mended(lambda: run_stage(reading, two.out, two.compute), two.out, two.compute)
    assert theirs.exists("2.txt")
    assert theirs.exists(MANIFEST)


def test_where_nothing_may_run_nothing_is_removed(two: Two) -> None:
    DAMAGES["cut"](Path(two.input.url, "2.txt"))
    with pytest.raises(DamagedError, match="instead of 8"):
        run_stage(two.first, two.out, Idle())
    assert two.input.exists("2.txt")
    assert two.input.exists(MANIFEST)


def test_a_lost_or_damaged_manifest_costs_no_job(two: Two) -> None:
    """The receipts say what the manifest said."""
    before = Manifest.load(two.input)
    for sort in ("gone", "flipped", "emptied"):
        DAMAGES[sort](Path(two.input.url, MANIFEST))
        assert two.run() == []
        assert Manifest.load(two.input).files == before.files
        assert two.contents() == EXPECTED


def test_600_flipped_bits_of_a_manifest_never_change_what_a_run_uses(two: Two) -> None:
    path = Path(two.input.url, MANIFEST)
    before = Manifest.load(two.input)
    for content in flips(path.read_bytes(), "manifest"):
        replace(path, content)
        found = run_stage(two.first, two.out, two.compute)["texts"]
        assert (found.what, found.parts, found.files) == (before.what, before.parts, before.files)
    assert two.ran() == []


@pytest.mark.parametrize("sort", DAMAGES)
def test_a_job_with_a_damaged_receipt_is_done_again(two: Two, sort: str) -> None:
    """Of a run that was killed before its manifest, the receipts are all there is."""
    two.input.remove_file(MANIFEST)
    receipt = Path(two.input.url, RECEIPTS, "1.json")
    if sort == "cut":
        DAMAGES[sort](receipt)  # the last byte ends the line and says nothing
    DAMAGES[sort](receipt)
    assert two.run() == ["first 1"]
    assert two.contents() == EXPECTED


@pytest.mark.parametrize("sort", ["gone", "cut", "grown", "emptied"])
def test_a_receipt_does_not_stand_for_a_part_that_is_not_there(two: Two, sort: str) -> None:
    two.input.remove_file(MANIFEST)
    DAMAGES[sort](Path(two.input.url, "1.txt"))
    assert two.run() == ["first 1"]
    assert two.contents() == EXPECTED


def test_no_manifest_is_written_over_a_part_that_is_not_there(two: Two) -> None:
    two.input.remove()
    (two.signs / "lose-1").touch()
    with pytest.raises((DamagedError, StageError), match="the file is gone"):
        run_stage(two.first, two.out, two.compute)
    assert not two.input.exists(MANIFEST)
    assert two.ran() == [f"first {n}" for n in range(JOBS)]
    (two.signs / "lose-1").unlink()
    assert two.run() == ["first 1"]
    assert two.contents() == EXPECTED
