"""Findings of a published table: they follow from its numbers, and a bad table gives one clear error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ablations.cli import main
from ablations.evidence.findings import Table, findings_of, findings_text, read
from curation.runtime.errors import ConfigError, LoamError
from curation.runtime.shipped import find_config as shipped

SHIPPED = "configs/reference/hyperclova_corpus_study.csv"
PUBLISHED = Path(shipped("reference/hyperclova_corpus_study.csv"))

OTHER = """kind,corpus,train_tokens_billion,validation_ppl,task,printed_mark_task
baseline,Majority,,,10,
all,ALL,100,10,90,
single,A,80,11,80,above
single,B,40,12,60,above
single,C,20,13,30,below
single,D,10,14,20,above
single,A 20B,20,15,30,below
mixture,C+D,30,12,25,below
size,ALL,10,,20,
"""


def _table(tmp_path: Path, text: str) -> Table:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf8")
    return read(str(path))


@pytest.fixture
def loam(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["loam", "ablate", "findings", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_all_printed_marks_are_reproduced(loam) -> None:
    """The rule behind the paper's bold and underlined numbers is the midpoint rule, without an exception."""
    code, out, _ = loam(SHIPPED)
    assert code == 0
    assert "102 of 102" in out
    for number in range(1, 5):
        assert f"claim {number}: " in out
    assert out.count("allow one to say") == 2 * 4


def test_perplexity_goes_with_scores_as_the_reference_says() -> None:
    found = findings_of(read(str(PUBLISHED)))
    rho = {each.task: each.correlation.rho for each in found.perplexity}
    assert {each.correlation.n for each in found.perplexity} == {7}
    assert rho.pop("ynat_f1") == pytest.approx(-0.07, abs=0.005)
    values = sorted(value for value in rho.values() if value is not None)
    assert values[0] == pytest.approx(-0.82, abs=0.005)
    assert values[-1] == pytest.approx(-0.61, abs=0.005)


def test_the_published_numbers_say_what_they_say() -> None:
    """Checked by hand against the paper's tables."""
    size, synergy, related, perplexity = findings_of(read(str(PUBLISHED))).claims
    assert any("4 of 5 tasks" in sentence for sentence in size.allows)
    blog = next(sentence for sentence in size.numbers if sentence.startswith("Blog, "))
    assert blog.endswith("27B: nsmc_acc, ko_en_bleu, en_ko_bleu, ynat_f1")  # neither of KorQuAD, which 54B has
    assert any(s.startswith("KiN+Ency: above the midpoint where no part is: korquad_em, ") for s in synergy.numbers)
    assert any("11 of 30 cells" in sentence for sentence in synergy.allows)
    assert any("News on ynat_f1: 14.36, below" in sentence for sentence in related.numbers)
    assert any("exceptions" in sentence for sentence in perplexity.allows)
    for finding in (size, synergy, related, perplexity):
        assert len(finding.does_not_allow) >= 2


def test_json_holds_the_same(loam) -> None:
    code, out, _ = loam(SHIPPED, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["marks"] == {"printed": 102, "reproduced": 102, "others": []}
    assert len(found["perplexity"]) == 6
    assert len(found["claims"]) == 4


def test_other_numbers_give_other_findings(tmp_path: Path) -> None:
    """Nothing about the outcome is written in the program."""
    found = findings_of(_table(tmp_path, OTHER), ["A=task"])
    assert found.marks.reproduced == 5
    text = findings_text(found)
    assert "5 of 6" in text
    assert "D       task     20        50  above    below" in text
    size, synergy, related, perplexity = found.claims
    assert size.allows == [
        "Corpora of equal size lie further apart than sizes of ALL in 0 of 1 tasks.",
        *size.allows[1:],
    ]
    assert "Size alone does not order these corpora." not in size.allows
    assert "It was not seen." in synergy.allows
    assert "No pair speaks for the claim." in related.allows
    assert "0 of 6 pairs are exceptions" in perplexity.allows[0]
    assert found.perplexity[0].correlation.rho == -1.0


def test_a_mixture_with_an_unknown_part_is_named_and_not_judged(tmp_path: Path) -> None:
    found = findings_of(_table(tmp_path, OTHER.replace("C+D", "C+X")))
    assert found.claims[1].numbers == ["C+X: not judged, no row of X"]
    assert found.claims[1].allows == []


BAD = {
    "an empty file": ("", "no column kind, corpus, train_tokens_billion, validation_ppl"),
    "only a heading": (OTHER.splitlines()[0], "no row of kind baseline"),
    "no perplexity": (OTHER.replace("validation_ppl", "ppl"), "no column validation_ppl"),
    "a score without marks": (OTHER.replace("printed_mark_task", "remark"), "row 4: scores.remark"),
    "a mark without a score": (OTHER.replace(",task,", ",job,"), "row 4: a printed mark without a score of task"),
    "no task": ("kind,corpus,train_tokens_billion,validation_ppl\n", "no column with scores"),
    "a word for a number": (OTHER.replace("single,B,40", "single,B,many"), "row 5: train_tokens_billion: "),
    "not a number": (OTHER.replace("40,12,60", "40,nan,60"), "row 5: validation_ppl: Input should be a finite number"),
    "a word for a score": (OTHER.replace("12,60", "12,good"), "row 5: scores.task: "),
    "an unknown kind": (OTHER.replace("single,B", "solo,B"), "row 5: kind: Input should be 'baseline', 'all'"),
    "an unknown mark": (OTHER.replace("60,above", "60,bold"), "row 5: marks.task: Input should be 'above' or 'below'"),
    "a mark alone": (OTHER.replace("60,above", ",above"), "row 5: a printed mark without a score of task"),
    "a short row": (OTHER.replace("12,60,above", "12"), "row 5: 4 values for 6 columns"),
    "a long row": (OTHER.replace("60,above", "60,above,1"), "row 5: 7 values for 6 columns"),
    "no reference": (OTHER.replace("all,ALL", "size,ALL"), "no row of kind all"),
    "a reference without score": (OTHER.replace("10,90,", "10,,"), "row ALL: no task"),
    "no single corpus": ("\n".join(OTHER.splitlines()[:3]), "no row of kind single"),
    "a column twice": (OTHER.replace("corpus,", "corpus,kind,"), "two columns of one name"),
    "an open quote": (OTHER.replace("single,B", 'single,"B'), "no CSV"),
    "not CSV": ("\x00\x01PNG\n", "no column"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_table_is_one_error_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LoamError) as error:
        _table(tmp_path, text)
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "table.csv"))


def test_bytes_and_absent_files_are_one_error(tmp_path: Path, loam) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xff\xfe\x00kind")
    for wrong, said in (
        (str(path), "not UTF-8"),
        (str(tmp_path / "none.csv"), "No such file"),
        (str(tmp_path), "directory"),
    ):
        code, out, err = loam(wrong)
        assert (code, out) == (2, "")
        assert said in err
        assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [("Newz=ynat_f1", "Did you mean 'News'"), ("News=ynat", "Did you mean 'ynat_f1'"), ("News", "CORPUS=TASK")],
)
def test_an_unknown_relation_is_refused(told: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        findings_of(read(str(PUBLISHED)), [told])
