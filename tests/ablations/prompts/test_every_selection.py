"""What is true of every selection and every order of demonstrations, now and later."""

from __future__ import annotations

import numpy as np
import pytest
from letter_encoder import Mood, asked

from ablations.prompts.orders.base import Order
from ablations.prompts.orders.registry import ORDERS
from ablations.prompts.selections.base import Selection
from ablations.prompts.selections.draws import Draw
from ablations.prompts.selections.registry import SELECTIONS

ROWS = [{"text": f"text {i}", "label": int(i % 3 == 0)} for i in range(40)]
every_selection = pytest.mark.parametrize(
    "selection", [c() for c in SELECTIONS.classes().values()], ids=SELECTIONS.classes()
)
every_order = pytest.mark.parametrize("order", [cls() for cls in ORDERS.classes().values()], ids=ORDERS.classes())
balanced_or_not = pytest.mark.parametrize("balanced", [False, True], ids=["plain", "balanced"])


def draw(number: int, balanced: bool, most: int = 8) -> Draw:
    rng = np.random.default_rng(number)
    ranking = rng.permutation(len(ROWS))
    rank = {int(place): turn for turn, place in enumerate(ranking)}
    alike = rng.random((len(ROWS), len(ROWS)), np.float32)
    return Draw(
        "mood",
        number,
        asked(Mood(), ROWS),
        most,
        balanced,
        ranking,
        rank,
        alike[0],
        lambda rows: alike[np.ix_(rows, rows)],
    )


@every_selection
@balanced_or_not
def test_a_selection_takes_different_rows_and_the_same_ones_again(selection: Selection, balanced: bool) -> None:
    """A row shown twice in one prompt would be a demonstration less."""
    for number in range(5):
        chosen = selection.chosen(draw(number, balanced))
        assert len(set(chosen)) == len(chosen) >= 8
        assert set(chosen) <= set(range(len(ROWS)))
        assert chosen == selection.chosen(draw(number, balanced))


@every_selection
def test_balanced_demonstrations_have_as_many_of_each_label(selection: Selection) -> None:
    chosen = selection.chosen(draw(1, balanced=True))
    assert sum(ROWS[place]["label"] == 1 for place in chosen[:8]) == 4


@every_order
@balanced_or_not
@pytest.mark.parametrize("k", [0, 1, 5])
def test_an_order_shows_each_chosen_row_once(order: Order, balanced: bool, k: int) -> None:
    seen = draw(2, balanced)
    chosen = seen.ranking[:k].tolist()
    orders = order.orders(chosen, seen)
    assert all(sorted(each) == sorted(chosen) for each in orders)
    assert orders == order.orders(chosen, seen)
    assert (len(orders) > 1) == (order.chosen_by_model and k > 1)
