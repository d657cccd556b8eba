"""The parts of a report that compare arms: sizes, mixtures, one measure against another, marks and what labels do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_rows import a_row, bits, gain, shots

from ablations.claims.verdicts import Verdict
from ablations.core.metrics.heads import PREVIOUS
from ablations.core.results.readings import Better
from ablations.report.contents import ArmSource, Curve, ModelSize, ShotPoint, ShotReading, Shots, TrainedArm
from ablations.report.drawing import mechanisms, points, synergy
from ablations.report.drawing.arms import sizes_view
from ablations.report.drawing.curves import FIRST_MILESTONE, curves_view
from ablations.report.drawing.shots import shots_view
from ablations.report.drawing.tables import midpoint_marks, task_tables
from ablations.report.drawing.verdicts import clearest
from ablations.report.values import Values
from ablations.statistics.measures import words_of_name
from ablations.statistics.onset import Onset
from ablations.statistics.onset_prediction import OnsetPrediction

GAP = gain()
MODEL = ModelSize(2, 64, 128, 1000)


def an_arm(name, mixture, fraction=1.0, control: bool = False, repetitions=2.0, **other):
    taken = {source: ArmSource(1000, repetitions, 9, 0) for source in mixture}
    return replace(TrainedArm(name, control, mixture, fraction, MODEL, 1000, taken), **other)


def a_verdict(sentence, **other):
    whole = Verdict(
        claim="differs", sentence=sentence, outcome="undecided", effect=0.1, unit="nats", interval=None, seeds=5, p=None,
        p_adjusted=None, smallest_effect=None, why="", evidence=(), registered=False, level=0.95, draws=None, items=None,
        permutation_p=None, measures=(), counts_over="seed", relation=False, short="",
    )  # fmt: skip
    return replace(whole, **other)


def test_a_size_curve_needs_two_shares_of_the_same_mixture_and_shape() -> None:
    measures = [a_row(GAP, {"small": [0.1, 0.2], "large": [0.4, 0.6]})]
    small, large = an_arm("small", {"a": 1.0}, 0.1), an_arm("large", {"a": 3.0})  # weights are relative
    found = sizes_view(Values(measures, [small, large]), [small, large])
    assert found
    assert list(found.mixtures) == ["small (10.0 %) and large (100.0 %)"]
    assert "what permuted labels cost in nsmc" in found.figures[0]
    for other in (
        an_arm("large", {"a": 1.0}, 0.1),
        an_arm("large", {"b": 1.0}),
        an_arm("large", {"a": 1.0}, tokens=2000),
        an_arm("large", {"a": 1.0}, model=replace(MODEL, layers=3)),
        an_arm("large", {"a": 1.0}, control=True),
    ):
        assert sizes_view(Values(measures, [small, other]), [small, other]) is None


def test_an_arm_that_read_its_data_less_than_once_is_named() -> None:
    small, large = an_arm("small", {"a": 1.0}, 0.1), an_arm("large", {"a": 1.0}, repetitions=0.3)
    values = Values([a_row(GAP, {"small": [0.1], "large": [0.4]})], [small, large])
    view = sizes_view(values, [small, large])
    assert view
    assert view.partly == "large"


@pytest.mark.parametrize(("better", "more"), [("higher", 0.1), ("lower", -0.5)])
def test_synergy_is_against_the_best_part_and_positive_when_better(better: Better, more: float) -> None:
    """Means are 0.2 and 0.6 alone and 0.7 mixed: better than both, or worse than the better of the two."""
    arms = [an_arm("a", {"x": 1.0}), an_arm("b", {"y": 1.0}), an_arm("ab", {"x": 1.0, "y": 1.0})]
    measure = a_row(gain(better=better), {"a": [0.1, 0.3], "b": [0.5, 0.7], "ab": [0.7, 0.7, 9.0]})
    (matrix,) = synergy.matrices(Values([measure], arms), arms)
    (square,) = matrix.squares["x", "y"]
    assert (square.arm, square.seeds) == ("ab", 2)  # the third seed has no pair
    assert square.gain == pytest.approx(more)
    assert matrix.alone == pytest.approx({"x": 0.2, "y": 0.6})


def test_a_mixture_without_its_parts_at_the_same_size_has_no_square() -> None:
    arms = [an_arm("a", {"x": 1.0}, 0.5), an_arm("b", {"y": 1.0}), an_arm("ab", {"x": 1.0, "y": 1.0})]
    measure = a_row(GAP, {"a": [0.1], "b": [0.5], "ab": [0.7]})
    assert synergy.matrices(Values([measure], arms), arms) == []


def test_a_pair_of_measures_has_its_correlation_interval_and_n() -> None:
    arms = [an_arm(name, {name: 1.0}) for name in "abcde"]
    compression = a_row(bits("common"), {name: [float(i)] for i, name in enumerate("abcde")})
    gap = a_row(GAP, dict(zip("abcde", [[4.0], [3.0], [2.0], [0.0], [1.0]], strict=True)))
    found = points.pairs_view(Values([compression, gap], arms), [], [])
    assert found.registered == []
    (figure,) = found.others
    assert "rank correlation −0.900" in figure
    assert "interval" in figure
    assert "n = 5 arms" in figure


def test_a_registered_pair_is_drawn_once_and_first() -> None:
    arms = [an_arm(name, {name: 1.0}) for name in "abcd"]
    compression = a_row(bits("common"), {name: [float(i)] for i, name in enumerate("abcd")})
    gap = a_row(GAP, {name: [float(i) ** 2] for i, name in enumerate("abcd")})
    claim = a_verdict(
        "", claim="goes_with", relation=True, registered=True, measures=("bits_per_byte.common", GAP.name)
    )
    found = points.pairs_view(Values([compression, gap], arms), [claim], [])
    assert (len(found.registered), len(found.others)) == (1, 0)


def test_two_arms_make_no_picture_of_a_relation() -> None:
    arms = [an_arm(name, {name: 1.0}) for name in "ab"]
    measures = [a_row(reading, {"a": [1.0], "b": [2.0]}) for reading in (bits("common"), GAP)]
    assert points.pairs_view(Values(measures, arms), [], []).others == []


def test_bits_per_byte_are_averaged_over_sources_that_all_real_arms_share() -> None:
    arms = [an_arm("a", {"x": 1.0}), an_arm("b", {"y": 1.0}), an_arm("c", {"z": 1.0}, control=True)]
    shared = [a_row(bits(s), {"a": [v], "b": [v + 1]}) for s, v in (("x", 1.0), ("y", 2.0))]
    own = a_row(bits("z"), {"a": [100.0], "c": [7.0]})
    values = Values([*shared, own], arms)
    assert (values.mean("a", "bits_per_byte"), values.mean("b", "bits_per_byte")) == (1.5, 2.5)
    assert values.primary() == ["bits_per_byte"]


def test_the_primary_gap_is_that_of_the_largest_k() -> None:
    measures = [a_row(gain(k=k), {"a": [1.0]}) for k in (16, 70, 8)]
    assert Values(measures, [an_arm("a", {"x": 1.0})]).primary() == ["few_shot.nsmc.k70.permuted_minus_gold"]


def test_midpoint_marks_need_an_arm_called_all() -> None:
    measures = [
        a_row(GAP, {"all": [0.0]}),
        a_row(shots("nsmc", 4, "accuracy", "gold"), {"all": [0.9], "low": [0.6], "high": [0.8, 0.82]}),
        a_row(shots("nsmc", 4, "blind.majority"), {"all": [0.5], "low": [0.5], "high": [0.5]}),
    ]
    arms = [an_arm(name, {"x": 1.0}) for name in ("all", "low", "high")]
    told = {"few_shot.nsmc.k4.gold.accuracy": {"all": "above", "low": "below", "high": "above"}}
    assert midpoint_marks(Values(measures, arms)) == told
    named = [replace(m, arms={k.replace("all", "everything"): v for k, v in m.arms.items()}) for m in measures]
    assert midpoint_marks(Values(named, arms[1:])) == {}


def test_recognising_and_learning_are_told_apart_in_words() -> None:
    readings = (
        (shots("known_map", 0, "nll", "gold"), 0.1, 4.2),
        (shots("known_map", 8, "nll", "permuted"), 0.2, 6.0),
        (shots("known_map", 8, "nll", "flipped"), 5.0, 0.3),
        (shots("known_map", 8, "accuracy", "nonce"), 0.1, 0.9),
        (gain("known_map", 8), 0.0, 5.7),
    )
    measures = [a_row(about, {"heart": [by_heart], "context": [learns]}) for about, by_heart, learns in readings]
    arms = [an_arm(name, {"x": 1.0}, control=True) for name in ("heart", "context")]
    heart, context = mechanisms.recognising(Values(measures, arms))
    assert heart.sentence.startswith("recognises the map and answers by heart")
    assert context.sentence.startswith("learns the map from its context")
    assert mechanisms.recognising(Values([a_row(GAP, {"heart": [1.0]})], arms)) == []


def test_a_predicted_onset_stands_beside_the_seen_interval_or_says_that_it_was_censored() -> None:
    seen = OnsetPrediction("a", 0, "m", 1e5, 2e5, 1.5e5, 0.2, 0.5, 0.1, 1024.0, 16e6, 8e6)
    censored = replace(seen, seed=1, predicted=9e6, observed_after=1e6, observed_by=None, observed_at=None)
    other = replace(seen, arm="b")
    assert mechanisms.onsets_by_arm([seen, other, censored]) == [[seen, censored], [other]]
    assert [mechanisms.spread(each) for each in ((16e6, 16e6), (8e6, 9e6), (None,))] == ["16M", "8M to 9M", "none"]
    assert mechanisms.seen([seen, censored]) == [
        "seed 0: between 100k and 200k tokens",
        "seed 1: no onset within 1M tokens (censored)",
    ]


def test_the_clearest_exploratory_findings_come_first() -> None:
    many = [a_verdict(f"finding {i}", p=i / 50, p_adjusted=i / 50) for i in range(40, 0, -1)]
    found = clearest([*many, a_verdict("asked", registered=True)])
    assert [verdict.sentence for verdict in found] == [f"finding {i}" for i in range(1, 41)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (GAP.name, "what permuted labels cost in nsmc, k = 4"),
        ("few_shot.nsmc.k0.gold.nll", "nll in nsmc, zero-shot"),
        ("few_shot.nsmc.k4.permuted.my_own", "my own in nsmc, k = 4, permuted demos"),
        ("my_metric.of_mine", "my_metric.of_mine"),
    ],
)
def test_measures_that_nobody_measured_have_the_words_of_their_names(name, said: str) -> None:
    assert words_of_name(name) == said


def test_measures_have_the_words_of_their_readings() -> None:
    values = Values([a_row(shots("nsmc", 4, "mine", "gold", short="a metric of mine"), {"a": [1.0]})], [])
    assert values.title("few_shot.nsmc.k4.gold.mine") == "a metric of mine in nsmc, k = 4, gold demos"
    assert values.title(GAP.name) == words_of_name(GAP.name)


def of_kinds(condition, **readings):
    """Rows of readings at k = 4 with gold demos, and of the blind guess at each."""
    rows = []
    for reading, (unit, short) in readings.items():
        for name, shown in ((reading, condition), (f"blind_{reading}", "")):
            about = shots("mine", 4, name, shown, unit, "higher", short if shown else f"{short}, blind")
            rows.append(a_row(about, {"a": [0.5]}))
    return rows


def test_a_label_metric_that_nobody_here_knows_has_its_column() -> None:
    rows = of_kinds("gold", accuracy=("share of items", "accuracy"), kappa=("kappa, -1 to 1", "Cohen's kappa"))
    more = [
        a_row(
            shots("mine", 4, "bias.recency", "", "share of predictions", None, "bias to the last label"), {"a": [0.1]}
        ),
        a_row(shots("mine", 4, "nll", "gold"), {"a": [3.0]}),
        a_row(shots("mine", 2, "accuracy", "gold", "share of items"), {"a": [0.4]}),
    ]
    values = Values([*more, *rows], [an_arm("a", {"x": 1.0})])
    (table,) = task_tables(values)
    assert (table.k, [column.short for column in table.columns]) == (
        4,
        ["accuracy", "Cohen's kappa", "bias to the last label"],
    )
    assert table.arms == ["a"]
    assert [values.mean("a", column.measure) for column in table.columns] == [0.5, 0.5, 0.1]


def test_written_answers_have_no_table_of_ways_to_score_choices() -> None:
    rows = of_kinds("gold", exact_match=("share of items", "exact match"), terseness=("words", "terseness"))
    assert task_tables(Values(rows, [an_arm("a", {"x": 1.0})])) == []


def a_task(**readings):
    """Shots of one cell at two k: reading -> (words, unit); a blind guess is held against all but the margin."""
    about = {name: ShotReading(words, unit, "higher") for name, (words, unit) in readings.items()}
    blind = {name: 0.125 for name in readings if name not in ("nll", "margin")}
    accuracy = 0.5 if "accuracy" in readings else None
    points = []
    for k in (0, 4):
        more = {name: 0.25 + k / 16 for name in readings if name not in ("nll", "accuracy")}
        points.append(ShotPoint(k, "gold", 4.0, accuracy, blind, more, 9, 9))
    return Shots("a", 0, "t", about, tuple(points))


def test_metrics_that_nobody_here_knows_have_panels_of_their_own() -> None:
    nll = {"nll": ("NLL of the gold answer", "nats")}
    labels = a_task(**nll, accuracy=("accuracy", "share of items"), margin=("margin", "nats"), kappa=("kappa", "kappa"))
    (view,) = shots_view([labels], set()).tasks
    assert (list(view.figures), view.main) == (["nll", "accuracy", "kappa"], "")
    assert view.scores == ["kappa"]
    texts = a_task(**nll, terseness=("terseness", "words, 0 to 9"), wit=("wit", "laughs"))
    (view,) = shots_view([texts], set()).tasks
    assert (list(view.figures), view.main) == (["nll", "terseness", "wit"], "terseness")
    assert "terseness, words, 0 to 9" in view.figures["terseness"][0]
    assert view.rows[1].scores == {"terseness": 0.5, "wit": 0.5}


def test_a_curve_over_other_items_at_one_k_says_so() -> None:
    """Long prompts that do not fit leave easy items behind: the loss falls, and no demo did it."""
    asked = ((0, 800.0, 20, 20), (1, 799.0, 40, 40), (4, 690.0, 34, 40))
    points = tuple(ShotPoint(k, "gold", nll, None, {}, {}, n, of) for k, nll, n, of in asked)
    (view,) = shots_view([Shots("a", 0, "t", {}, points)], set()).tasks
    assert view.note == (
        "Only 34 of 40 prompts at k = 4 fit into the context: what changes there may be the items, not what demos do."
    )
    (view,) = shots_view([Shots("a", 0, "t", {}, points[:2])], set()).tasks
    assert view.note == ""
    assert view.headline == "At no number of demos is there an answer under both gold and permuted labels."


def test_the_head_that_looks_one_back_is_the_first_milestone() -> None:
    """Without it no other head can match, whatever the order in which metrics were asked for."""
    others = [f"few_shot.task_{number}.k8.permuted_minus_gold" for number in range(5)]
    onset = Onset(0.05, 100, 200, 150)
    view = curves_view(
        [Curve("code", 0, False, (), dict.fromkeys((*others, f"heads.{PREVIOUS}"), onset))], lambda _: ""
    )
    assert next(iter(view.thresholds)) == f"heads.{PREVIOUS}" == FIRST_MILESTONE
    assert view.headline.startswith(f"heads.{PREVIOUS} left its baseline in 1 of 1 cell of real arms.")
