"""A file that is gone, cut, grown or has one flipped bit is named and made again, or refused; it is never used."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from finished import Finished
from loam import Loam

from curation.runtime.errors import DamagedError
from curation.runtime.store.folder import Folder
from curation.runtime.store.parts import read_checked

SORTS = {  # of artefacts
    "raw shards": "read/english-*/*.parquet",
    "scores": "scores/vowel_share-english-*/*.parquet",
    "decisions": "decide/*english-*/*.parquet",
    "curated shards": "curated/*english-*/*.parquet",
    "encoded parts": "encode/*english-*/*.train.bin",
    "tokens": "tokens/*english-*/train.bin",
    "index of tokens": "tokens/*english-*/train.documents.safetensors",
    "tokenizer": "tokenizer/main-*/*.model",
    "items": "items/count_up-*/items.json",
    "weights": "cells/english_s0-*/model.safetensors",
    "weights along the way": "cells/english_s0-*/points/*.safetensors",
    "training": "cells/english_s0-*/training.json",
    "measures": "measures/english_s0.bits_per_byte-*/measure.json",
    "manifest of a cell": "cells/both_s0-*/manifest.json",
    "manifest of scores": "scores/vowel_share-korean-*/manifest.json",
}
FLIPS = 600  # of single bits, in each sort


def _flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    replaced(path, bytes(content))


def replaced(path: Path, content: bytes) -> None:
    """The same name with other bytes; a file of its own, since others may share the old one."""
    path.unlink()
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "gone": lambda path, _: path.unlink(),
    "cut": lambda path, _: replaced(path, path.read_bytes()[:-2]),
    "grown": lambda path, _: replaced(path, path.read_bytes() + b"\0"),
    "flipped": _flip,
}


def data(out: Path) -> dict[str, str]:
    """Hash of everything that is not time or cost."""
    names = (".parquet", ".bin", ".safetensors", ".model", "measure.json", "training.json", "items.json", "cell.json")
    found = [p for p in out.rglob("*") if p.is_file() and p.name.endswith(names) and p.parent.name != "receipts"]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def one_of(out: Path, sort: str) -> Path:
    return sorted(out.glob(SORTS[sort]))[0]


@pytest.mark.parametrize("sort", [sort for sort in SORTS if "manifest" not in sort])
def test_600_flipped_bits_of_each_sort_are_all_found(finished: Finished, tmp_path: Path, sort: str) -> None:
    """If this fails, a bad disk changes a verdict and nobody sees it."""
    path = one_of(finished.out, sort)
    stage = next(parent for parent in path.parents if (parent / "manifest.json").exists())
    draw = random.Random(sort)
    copy = tmp_path / "stage"
    shutil.copytree(stage, copy)
    name, whole = str(path.relative_to(stage)), path.read_bytes()
    for _ in range(FLIPS):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        replaced(copy / name, bytes(content))
        with pytest.raises(DamagedError, match=path.name):
            read_checked(Folder(str(copy)), name)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_makes_again_what_is_damaged(finished: Finished, tmp_path: Path, loam: Loam, damage: str) -> None:
    """One file of each sort at once: what is wrong is named, and the next run ends with the right bytes."""
    out = tmp_path / "out"
    shutil.copytree(finished.out, out)
    expected, draw = data(out), random.Random(damage)
    paths = [one_of(out, sort) for sort in SORTS]
    for path in paths:
        DAMAGES[damage](path, draw)
    verified = loam("verify", out)
    assert verified.code == 1
    for path in paths:
        if damage == "gone" and path.name == "manifest.json":
            continue  # a stage without a manifest is not finished
        assert str(path.relative_to(out)) in verified.out, path
    ended = loam("ablate", "run", finished.study, "--out", out)
    assert ended.code == 0, ended.err
    assert data(out) == expected
    assert loam("verify", out).code == 0


def test_what_is_damaged_can_be_forgotten(finished: Finished, tmp_path: Path, loam: Loam) -> None:
    """Of a stage too large to be read at every start only a reader finds a flipped bit; this has the next run make it again."""
    out = tmp_path / "out"
    shutil.copytree(finished.out, out)
    expected, path = data(out), one_of(out, "scores")
    _flip(path, random.Random(1))
    assert str(path.relative_to(out)) in loam("verify", out, "--forget").err
    assert not path.exists()
    assert loam("ablate", "run", finished.study, "--out", out).code == 0
    assert data(out) == expected


READERS = {  # sorts of artefacts -> a change of the study that has them read again
    ("curated shards",): "heldout=0.25",
    ("scores",): "recipe.passes.select.policy.defaults.keep.vowel_share.share.max=0.8",
    ("tokens", "index of tokens"): "cells.schedule.tokens=6336",
    ("weights", "weights along the way"): "cells.effort.windows=7",
}


@pytest.mark.parametrize("sorts", READERS, ids=" and ".join)
def test_a_flipped_bit_is_never_used(finished: Finished, tmp_path: Path, loam: Loam, sorts: tuple[str, ...]) -> None:
    """What is read again is checked again: it is named, made anew, and the result is that of whole files."""
    results = []
    for flipped in (False, True):
        out = tmp_path / str(flipped)
        shutil.copytree(finished.out, out)
        paths = [one_of(out, sort) for sort in sorts]
        for path in paths if flipped else ():
            _flip(path, random.Random(path.name))
        ended = loam("ablate", "run", finished.study, "--out", out, "--set", READERS[sorts])
        assert ended.code == 0, ended.err
        assert [str(path.relative_to(out)) in ended.err for path in paths] == [flipped] * len(paths)
        results.append(data(out))
    assert results[0] == results[1]


def test_where_nothing_may_run_damage_is_one_line(finished: Finished, tmp_path: Path, loam: Loam) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished.out, out)
    path = one_of(out, "curated shards")
    replaced(path, path.read_bytes()[:-1])
    ended = loam("ablate", "status", finished.study, "--out", out)
    assert ended.code != 0
    assert str(path.relative_to(out)) in ended.err.strip().splitlines()[-1]
