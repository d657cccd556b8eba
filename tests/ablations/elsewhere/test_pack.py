"""Cells taken elsewhere and back: what fits, what is merged, what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from packed_cells import PLUGIN, plan, plans, token_set
from safetensors.numpy import load_file

from ablations.cells import sweep
from ablations.cells.cell_contents import plugins_of
from ablations.cells.cell_folder import cell_job
from ablations.cells.cell_states import states
from ablations.cells.measure_job import MEASURE, measure_job
from ablations.cells.measuring_plan import plugins_of_metrics
from ablations.core.cell import run_cell
from ablations.core.data.documents import Documents
from ablations.core.data.packing import chosen_documents
from ablations.elsewhere import pack
from ablations.elsewhere.runner.archives import read_archives, write_archives
from ablations.elsewhere.runner.outcome import Weights, seal, sign, to_send
from ablations.elsewhere.runner.pack_folder import content_digest, lay_out, read_pack
from ablations.elsewhere.unpack import archives_at, unpack
from ablations.settings.machine import MachineSettings, is_stated, machine_of
from ablations.settings.study import Study
from curation.runtime.cluster.cluster import Idle
from curation.runtime.config import build
from curation.runtime.errors import ConfigError, InputError
from curation.runtime.registry import Plugin
from curation.runtime.stages.other_code import expected
from curation.runtime.stages.scheduling import Handed, work_and_sign
from curation.runtime.stages.stages import run_stages
from curation.runtime.store.folder import Folder, open_out
from curation.runtime.store.manifest import Manifest


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory):
    """The cells of a small study."""
    return plans(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def ran(study, tmp_path_factory: pytest.TempPathFactory):
    """Two of them packed and run, signed and archived."""
    folder = tmp_path_factory.mktemp("elsewhere") / "packed"
    pack.pack("small", study[:2], folder)
    packed = read_pack(folder)
    for cell in packed.cells:
        path, spec = lay_out(folder, cell)
        run_cell(path)
        sign(path, cell, spec, packed.code)
    write_archives(folder / "results", to_send([folder / "cells" / cell.name for cell in packed.cells], "all"), 2**20)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_merged_cells_are_what_a_run_here_leaves(study, ran, tmp_path: Path) -> None:
    """If this fails, a study means something else when part of it ran on a borrowed machine."""
    here, there = open_out(str(tmp_path / "here")), open_out(str(tmp_path / "there"))
    stage = study[0].stage()
    work_and_sign(Handed(cell_job, None, expected()), stage.jobs[0], {"cell": study[0].output.folder(here)})
    assert [state.state for state in states(study[:1], here)] == ["ended"]
    run_stages([stage], here, Idle())
    _measure(study[0], here)
    done = unpack(study, there, archives_at([ran]), "all")
    assert (sorted(done.merged), done.known, done.refused) == (sorted(each.name for each in study[:2]), [], {})
    assert [state.state for state in states(study, there)] == ["done", "done", "waiting", "waiting"]
    mine, theirs = (tree(Path(study[0].output.folder(out).url)) for out in (here, there))
    assert mine.keys() == theirs.keys()
    timed = {"timing.json", "manifest.json", "receipts/cell.json"}
    assert {name for name in mine if mine[name] != theirs[name]} <= timed
    manifests = [Manifest.load(study[0].output.folder(out)) for out in (here, there)]
    assert manifests[0].parts == manifests[1].parts
    marks = [{name: mark for name, mark in each.files.items() if name not in timed} for each in manifests]
    assert marks[0] == marks[1]
    receipts = [json.loads(each["receipts/cell.json"]) for each in (mine, theirs)]
    assert receipts[0].keys() == receipts[1].keys()
    measures = [measured(state, out) for out in (here, there) for state in states(study[:1], out)]
    assert measures[0] == measures[1]
    assert len(measures[0]) == len(list(study[0].measuring.measures()))


def _measure(cell, out: Folder) -> None:
    """All measures of a trained cell, in this process."""
    (state,) = states([cell], out)
    assert state.missing
    stage = sweep.measuring_stage(state, out)
    assert stage
    folders = {label: each.output.folder(out) for label, each in state.missing.items()}
    work_and_sign(Handed(measure_job, None, expected()), stage.jobs[0], folders)
    run_stages([stage], out, Idle())


def measured(state, out: Folder) -> dict[str, bytes]:
    """Measure's folder -> its file."""
    folders = [each.output.folder(out) for each in state.measured.values()]
    return {folder.name: folder.read(MEASURE) for folder in folders}


def test_merging_twice_changes_nothing(study, ran, tmp_path: Path) -> None:
    out = open_out(str(tmp_path))
    unpack(study, out, archives_at([ran]))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = unpack(study, out, archives_at([ran / "results"]))
    assert (done.merged, len(done.known), done.refused) == ([], 2, {})
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def files_of(ran: Path) -> dict[tuple[str, str], bytes]:
    sent = read_archives(archives_at([ran]))
    return {(cell, name): sent[cell].read(name) for cell in sent for name in sent[cell].files}


def resealed(files: dict[tuple[str, str], bytes], cell: str, /, **changes: object) -> None:
    value = {**json.loads(files[cell, "outcome.json"]), **changes}
    files[cell, "outcome.json"] = json.dumps({**value, "seal": seal(value)}).encode()


def spec_changed(files: dict[tuple[str, str], bytes], cell: str) -> None:
    files[cell, "cell.json"] = files[cell, "cell.json"].replace(b'"evaluations": 2', b'"evaluations": 3')


def training_changed(files: dict[tuple[str, str], bytes], cell: str) -> None:
    files[cell, "training.json"] = files[cell, "training.json"].replace(b'"steps": 12', b'"steps": 13')


def weights_cut(files: dict[tuple[str, str], bytes], cell: str) -> None:
    files[cell, "model.safetensors"] = files[cell, "model.safetensors"][:-10]


def outcome_edited(files: dict[tuple[str, str], bytes], cell: str) -> None:
    files[cell, "outcome.json"] = files[cell, "outcome.json"].replace(b'"torch": "', b'"torch": "9')


def measure_changed(files: dict[tuple[str, str], bytes], cell: str) -> None:
    files[cell, "measures/bits_per_byte.json"] = files[cell, "measures/bits_per_byte.json"].replace(b"1", b"2", 1)


def measure_of_other_weights(files: dict[tuple[str, str], bytes], cell: str) -> None:
    name = "measures/bits_per_byte.json"
    content = json.dumps({**json.loads(files[cell, name]), "weights": "0" * 64}).encode()
    files[cell, name] = content
    signed = json.loads(files[cell, "outcome.json"])["files"]
    resealed(files, cell, files={**signed, name: {"sha256": content_digest(content), "bytes": len(content)}})


def inputs_changed(files: dict[tuple[str, str], bytes], cell: str) -> None:
    resealed(
        files, cell, inputs={**json.loads(files[cell, "outcome.json"])["inputs"], "tokens/glossary.train": "0" * 64}
    )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spec_changed, "cell.json was changed or cut off on the way"),
        (training_changed, "training.json was changed or cut off on the way"),
        (weights_cut, "model.safetensors was changed or cut off on the way"),
        (lambda files, cell: files.pop((cell, "training.json")), "training.json: is in none of the archives"),
        (measure_changed, "measures/bits_per_byte.json was changed or cut off on the way"),
        (measure_of_other_weights, "bits_per_byte was measured of other weights"),
        (lambda files, cell: files.pop((cell, "outcome.json")), "outcome.json: is in none of the archives"),
        (outcome_edited, "was edited after the cell had run"),
        (inputs_changed, "read other data than this study has: tokens/glossary.train"),
        (
            lambda files, cell: resealed(files, cell, spec_digest="0" * 64),
            "ran with another spec (000000000000 instead",
        ),
        (lambda files, cell: resealed(files, cell, fingerprint="0" * 64), "other tokens or other code"),
        (
            lambda files, cell: resealed(files, cell, machine={"cpu": "Abacus", "torch": "1"}),
            'ran on machine: {cpu: "Abacus"',
        ),
    ],
)
def test_a_foreign_or_spoilt_result_is_refused_and_the_other_is_merged(
    study, ran, tmp_path: Path, spoil, why: str
) -> None:
    files, cell = files_of(ran), study[0].name
    spoil(files, cell)
    written = write_archives(tmp_path / "results", [(*key, content) for key, content in files.items()], 2**20)
    out = open_out(str(tmp_path / "out"))
    done = unpack(study, out, written)
    assert why in done.refused.pop(cell)
    assert (done.merged, done.refused) == ([study[1].name], {})
    assert (out / "cells").names() == done.merged, "nothing of the refused one is there"


def test_results_of_another_study_or_of_other_tokens_are_refused(study, ran, tmp_path: Path) -> None:
    out = open_out(str(tmp_path / "out"))
    others = [plan(token_set(tmp_path / "tokens", "glossary", documents=65), seed) for seed in (0, 1)]
    refused = unpack(study[2:], out, archives_at([ran])).refused
    assert len(refused) == 2
    assert all("is no cell of this study as it is now" in why for why in refused.values())
    assert all("other tokens" in why for why in unpack(others, out, archives_at([ran])).refused.values())
    assert not (out / "cells").exists()


def test_a_truncated_archive_is_refused_in_one_line(study, ran, tmp_path: Path) -> None:
    (archive,) = archives_at([ran])
    (tmp_path / "cut.tar").write_bytes(archive.read_bytes()[:-40_000])
    out = open_out(str(tmp_path / "out"))
    with pytest.raises(InputError, match=r"cut\.tar: no whole archive of results \(.*\)\. Bring it here again\."):
        unpack(study, out, [tmp_path / "cut.tar"])
    assert not (out / "cells").exists()
    with pytest.raises(ConfigError, match="no archive of results there"):
        archives_at([tmp_path / "nowhere"])


@pytest.mark.parametrize(("weights", "away"), [("none", 4), ("last", 3), ("all", 0)])
def test_weights_come_along_as_they_are_asked_for(study, ran, tmp_path: Path, weights: Weights, away: int) -> None:
    cells = [ran / "cells" / each.name for each in study[:2]]
    written = write_archives(tmp_path / "results", to_send(cells, weights), 2**20)
    out = open_out(str(tmp_path / "out"))
    assert len(unpack(study, out, written, "all").merged) == 2
    manifest = Manifest.load(study[0].output.folder(out))
    assert len(manifest.away) == away
    assert states(study[:1], out)[0].away == (weights == "none")
    assert len(unpack(study, out, archives_at([ran]), "all").merged) == (2 if away else 0), "they can be brought later"
    assert Manifest.load(study[0].output.folder(out)).away == {}
    assert states(study[:1], out)[0].state == "done"


def test_shared_files_are_packed_once_and_only_documents_that_are_used(study, tmp_path: Path) -> None:
    made = pack.pack("small", study, tmp_path / "packed")
    packed = read_pack(made.folder)
    blobs = {blob for cell in packed.cells for blob in cell.files.values()}
    assert {path.name.removesuffix(".gz") for path in (made.folder / "blobs").iterdir()} == blobs
    assert len(blobs) == 2 * 2 + 2 + 1 + 1 + 2, (
        "tokens of two sources, indices that happen to be equal, the task, the plugin, what is measured of two arms"
    )
    assert made.bytes == sum(path.stat().st_size for path in made.folder.rglob("*") if path.is_file())
    path, _ = lay_out(made.folder, packed.cells[0])
    index = load_file(path / "tokens/glossary.train.documents.safetensors")
    here = np.diff(index["offsets"]) > 0
    kept = {id_.tobytes() for id_ in index["ids"][here]}
    tokens = study[0].tokens["tokens/glossary.train"]
    documents = Documents.read(Path(tokens.folder.url), "train", 10**4, 0)
    used = np.unique(np.concatenate([chosen_documents(documents, 0.5, p.training.seeds.subset) for p in study[:2]]))
    assert kept == {documents.ids[number].tobytes() for number in used}
    assert len(kept) < len(documents) == len(here), "a share of the tokens is one of all tokens"


def test_the_packer_says_how_often_each_source_will_be_seen(study, tmp_path: Path) -> None:
    (glossary, chatter) = pack.pack("small", study, tmp_path / "packed").repetitions
    assert (glossary.arm, glossary.source, glossary.scheduled_tokens) == ("glossary", "glossary", 12 * 4 * 40)
    tokens = study[0].tokens["tokens/glossary.train"]
    documents = Documents.read(Path(tokens.folder.url), "train", 10**4, 0)
    each = [documents.lengths[chosen_documents(documents, 0.5, p.training.seeds.subset)].sum() for p in study[:2]]
    assert glossary.distinct_tokens == round(sum(each) / 2)
    assert glossary.times == pytest.approx(1920 / glossary.distinct_tokens)
    assert chatter.arm == "chatter"


def test_what_does_not_fit_is_refused_with_its_sizes_and_leaves_nothing(study, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"do not fit into 0\.1 MiB: .*training tokens of glossary \([\d,]+ distinct\)"
    ) as info:
        pack.pack("small", study, tmp_path / "packed", limit_mib=0.1)
    assert "a smaller fraction of an arm" in str(info.value)
    assert os.listdir(tmp_path) == []
    (tmp_path / "packed").mkdir()
    with pytest.raises(ConfigError, match="is there already"):
        pack.pack("small", study, tmp_path / "packed")
    with pytest.raises(ConfigError, match="no cell to pack"):
        pack.pack("small", [], tmp_path / "none")


def test_the_machine_that_a_study_states_is_the_identity_word_for_word() -> None:
    gpu = MachineSettings(device="NVIDIA H200", torch="2.11.0")
    assert machine_of(gpu, "cuda") == machine_of(gpu, "cuda:1") == {"device": "NVIDIA H200", "torch": "2.11.0"}
    assert machine_of(gpu, "cpu") == machine_of(None, "cpu"), "cells on a processor stay here"
    assert (is_stated(gpu, "cuda"), is_stated(gpu, "cpu"), is_stated(None, "cuda")) == (True, False, False)
    here = machine_of(None, "cpu")
    assert machine_of(MachineSettings(**here), "cpu") == here, "saying what is so changes no identity"


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        ({"torch": "2.11.0"}, "names no machine"),
        ({"device": "NVIDIA H200"}, "torch"),
        ({"gpu": 1}, "unknown key 'gpu'"),
    ],
)
def test_a_machine_that_says_too_little_is_refused(machine, line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        build(Study, {"name": "x", "machine": machine}, "study.yaml")


def test_a_cell_for_another_machine_is_not_run_here(study, tmp_path: Path) -> None:
    job = dataclasses.replace(study[0].stage().jobs[0].spec, machine={"cpu": "Abacus", "torch": "0.1"})
    with pytest.raises(ConfigError, match="Take the cell there with `loam ablate pack`"):
        cell_job(None, job, {"cell": Folder(str(tmp_path))})


ANNOTATES = """
from curation.annotators.base import Annotator

class Vowels(Annotator):
    '''Share of vowels.'''
    kind: str = "vowels"
"""


def test_a_plugin_without_a_metric_stays_here(study) -> None:
    """If this fails, packed cells end at an import of what a pack does not hold."""
    other = Plugin("annotates.py", ANNOTATES)
    assert plugins_of_metrics(["bits_per_byte", "weight_norm"], (other, PLUGIN)) == (PLUGIN,)
    measuring = dataclasses.replace(study[0].measuring, plugins=(other, PLUGIN))
    assert plugins_of(dataclasses.replace(study[0], measuring=measuring)) == [PLUGIN]


def test_a_plugin_that_could_not_run_elsewhere_is_refused(study, tmp_path: Path) -> None:
    both = Plugin(PLUGIN.name, PLUGIN.source + ANNOTATES)
    measuring = dataclasses.replace(study[0].measuring, plugins=(both,))
    with pytest.raises(
        ConfigError, match=r"plugin norm.py: imports curation/annotators/\w+\.py, which a pack does not"
    ):
        pack.pack("small", [dataclasses.replace(study[0], measuring=measuring)], tmp_path / "packed")
    assert not (tmp_path / "packed").exists()
