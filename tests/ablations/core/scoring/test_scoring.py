"""Answers behind a shared prefix score as they do in full sequences, one at a time, whatever is scored beside them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablations.core.data.items import Generation, Group, Item
from ablations.core.model.cache import KeysValues, _by_hand, _by_kernel
from ablations.core.model.model import Model
from ablations.core.scoring.generation import Written, generate_group
from ablations.core.scoring.scoring import PrefixKeeper, last_losses, score_group, token_losses
from ablations.core.spec.model_spec import MaskSpec, ModelSpec
from curation.runtime.errors import LoamError

VOCAB = 11
TOKENS = st.lists(st.integers(1, VOCAB - 1), max_size=5).map(tuple)
CHOICE = st.lists(st.integers(1, VOCAB - 1), min_size=1, max_size=3).map(tuple)
ITEM = st.tuples(TOKENS, st.lists(CHOICE, min_size=1, max_size=3))
BATCHES = st.sampled_from([1, 3, 64])


def made(spec: ModelSpec, scale: float) -> Model:
    """No matrix is zero, as they are before training."""
    model = Model(spec, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * scale)
    return model


@pytest.fixture(scope="module", params=[(2, 1.0, True), (1, 0.0, True), (1, 1.0, False)])
def model(request: pytest.FixtureRequest) -> Model:
    """With and without MLP and attention."""
    layers, mlp_ratio, attention = request.param
    return made(ModelSpec(layers, 8, 2, vocab_size=VOCAB, context=24, mlp_ratio=mlp_ratio, attention=attention), 0.3)


@pytest.fixture(scope="module")
def larger() -> Model:
    return made(ModelSpec(vocab_size=500, layers=3, width=64, heads=4, context=512), 0.1)


def oracle(model: Model, prefix: tuple[int, ...], prompt: tuple[int, ...], choice: tuple[int, ...]) -> float:
    """Log-probability of the choice, from one full sequence."""
    whole = torch.tensor([[*prefix, *prompt, *choice]])
    with torch.no_grad():
        logp = model(whole[:, :-1]).log_softmax(-1)[0]
    start = len(prefix) + len(prompt) - 1
    return sum(float(logp[start + i, token]) for i, token in enumerate(choice))


@given(rest=TOKENS, asked=st.lists(ITEM, min_size=1, max_size=4), single=st.booleans(), batch=BATCHES)
def test_answers_behind_a_shared_prefix_score_as_in_full_sequences(
    model: Model, rest: tuple[int, ...], asked: list[Any], single: bool, batch: int
) -> None:
    prefix = (0, *rest)
    choices = [[choice[:1] for choice in each] if single else each for _, each in asked]
    pairs = zip(asked, choices, strict=True)
    items = [Item(str(i), prompt, tuple(each), 0) for i, ((prompt, _), each) in enumerate(pairs)]
    items.append(Item("long", (1,) * 99, ((1,), (2,)), 0, fits=False))
    scores = score_group(model, Group(1, "gold", 0, prefix, tuple(items)), items, batch)
    assert [score.id for score in scores] == [item.id for item in items[:-1]]
    for score, item in zip(scores, items, strict=False):
        wanted = [oracle(model, prefix, item.prompt, choice) for choice in item.choices]
        assert list(score.choices) == pytest.approx(wanted, abs=1e-5)
        assert score.tokens == tuple(map(len, item.choices))


@pytest.mark.parametrize("demos", [0, 150], ids=["BOS alone", "150 tokens of demonstrations"])
@pytest.mark.parametrize("longest", [1, 4, 100], ids=["one token", "up to 4 tokens", "up to 100 tokens"])
def test_a_score_depends_neither_on_batch_nor_on_number_nor_on_order_of_items(
    larger: Model, demos: int, longest: int
) -> None:
    """If this fails, two machines with other memory, or two studies with other numbers of items, measure different things."""
    rng = random.Random(demos + longest)

    def tokens(n: int) -> tuple[int, ...]:
        return tuple(rng.randrange(1, 500) for _ in range(n))

    items = [
        Item(str(i), tokens(rng.randint(1, 40)), tuple(tokens(rng.randint(1, longest)) for _ in range(2)), 0)
        for i in range(12)
    ]
    group = Group(8, "gold", 0, (0, *tokens(demos)), tuple(items))
    wanted = {score.id: score.choices for score in score_group(larger, group, items, 8)}
    asked = [(items, 1), (items, 3), (items[:5], 8), (items[:1], 8), (items[::-1], 3), (items[::-1], 64)]
    for some, batch in asked:
        for score in score_group(larger, group, some, batch):
            assert list(score.choices) == pytest.approx(list(wanted[score.id]), rel=0, abs=1e-5)


def kept(keeper: PrefixKeeper, prefix: tuple[int, ...]) -> KeysValues:
    found = keeper.of(prefix)
    assert found
    return found


def test_a_prefix_is_kept_for_the_shorter_ones_that_it_begins_with(larger: Model) -> None:
    """The first k of 70 demonstrations cost nothing once the 70 were read."""
    keeper = PrefixKeeper(larger)
    long, short, other = (0, *range(1, 60)), (0, *range(1, 20)), (0, 7, 7)
    whole, cut = kept(keeper, long), kept(keeper, short)
    assert whole.length == 60
    assert cut.length == 20
    fresh = kept(PrefixKeeper(larger), short)
    for block, longer, afresh in zip(cut.blocks, whole.blocks, fresh.blocks, strict=True):
        assert block
        assert longer
        assert block[0].data_ptr() == longer[0].data_ptr()
        torch.testing.assert_close(block, afresh, rtol=1e-5, atol=1e-5)
    assert kept(keeper, other).length == 3
    again, fresh = kept(keeper, other), kept(PrefixKeeper(larger), other)
    torch.testing.assert_close(again.blocks[0], fresh.blocks[0])
    assert keeper.of(()) is None


@pytest.mark.parametrize("masking", ["none", "mask", "causal"])
def test_attention_on_other_devices_is_the_same(masking: str) -> None:
    """Only a CPU's kernel tells the denominator of its softmax; elsewhere it is computed step by step."""
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn((2, 3, 9, 4), generator=generator) for _ in range(3))
    mask = torch.zeros(1, 1, 9, 9).masked_fill(torch.rand((9, 9), generator=generator) < 0.3, -torch.inf)
    mask[..., 0] = 0  # each sees something
    how = (mask if masking == "mask" else None, masking == "causal", 0.7)
    for kernel, hand in zip(_by_kernel(q, k, v, *how), _by_hand(q, k, v, *how), strict=True):
        torch.testing.assert_close(kernel, hand)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_weights_are_one_clear_error(value: float) -> None:
    """If this fails, NaN enters a mean and a whole arm has no result and no reason."""
    broken = made(ModelSpec(1, 8, 2, context=24, vocab_size=VOCAB), 0.3)
    with torch.no_grad():
        broken.head.weight[3] = value
    item = Item("q7", (1, 2), ((1,), (2,)), 0)
    with pytest.raises(LoamError, match="nsmc, k 4, item q7; the weights are broken"):
        score_group(broken, Group(4, "gold", 0, (0,), (item,)), [item], 8, where="nsmc, k 4")
    with pytest.raises(LoamError, match="logits are not numbers at sequence 0"):
        token_losses(broken, [[0, 1, 2]], 8)
    with pytest.raises(LoamError, match="logits are not numbers"):
        generate_group(broken, Group(4, "gold", 0, (0,), (item,)), [item], Generation(4, ()), 8)


def slowly_written(model: Model, start: tuple[int, ...], how: Generation) -> Written:
    """One full sequence for each token."""
    written: list[int] = []
    while len(start) + len(written) <= model.spec.context:
        with torch.no_grad():
            token = int(model(torch.tensor([[*start, *written]]))[0, -1].argmax())
        if token in how.stop:
            return Written(tuple(written), cut=False)
        if len(written) == how.max_tokens:
            break
        written.append(token)
    return Written(tuple(written), cut=True)


@given(
    rest=TOKENS,
    prompts=st.lists(TOKENS, min_size=1, max_size=5),
    batch=BATCHES,
    most=st.integers(1, 30),
    stop=st.sets(st.integers(0, VOCAB - 1), max_size=3),
)
def test_answers_are_written_as_one_at_a_time_from_full_sequences(
    model: Model, rest: tuple[int, ...], prompts: list[tuple[int, ...]], batch: int, most: int, stop: set[int]
) -> None:
    """Until a stop token, the most tokens, or the end of the context, each on its own."""
    prefix, how = (0, *rest), Generation(most, tuple(stop))
    items = [Item(str(i), prompt, ((1,),), 0) for i, prompt in enumerate(prompts)]
    items.append(Item("long", (1,) * 99, ((1,),), 0, fits=False))
    written = generate_group(model, Group(1, "gold", 0, prefix, tuple(items)), items, how, batch)
    assert written == [slowly_written(model, (*prefix, *prompt), how) for prompt in prompts]


def prefix_oracle(model: Model, given: tuple[int, ...], choice: tuple[int, ...]) -> float:
    """Log-probability of the choice from one full sequence, as in training: all tokens before it see one another."""
    whole = torch.tensor([[*given, *choice]])[:, :-1]
    T = whole.shape[1]
    seen = torch.full((T, T), -torch.inf).triu(1)
    seen[: len(given), : len(given)] = 0
    with torch.no_grad():
        logp = model(whole, seen[None]).log_softmax(-1)[0]
    return sum(float(logp[len(given) - 1 + place, token]) for place, token in enumerate(choice))


@pytest.mark.parametrize("shared", [0, 1, 5], ids=["none", "BOS", "demonstrations"])
def test_under_a_prefix_mask_demonstrations_and_question_see_one_another(shared: int) -> None:
    """Whatever else is asked in the batch, and however many tokens the items of the group share."""
    spec = ModelSpec(2, 8, 2, vocab_size=VOCAB, context=24, mlp_ratio=1, mask=MaskSpec(kind="prefix"))
    model, prefix = made(spec, 0.3), (0, 5, 2, 9, 4)
    choices = ((1,), (2, 3), (7,))
    items = [
        Item(str(i), (*prefix[shared:], *prompt), choices, 0) for i, prompt in enumerate([(3, 8), (1,), (6, 6, 2)])
    ]
    group = Group(2, "gold", 0, prefix[:shared], tuple(items))
    for score, item in zip(score_group(model, group, items, 3), items, strict=True):
        wanted = [prefix_oracle(model, (*prefix[:shared], *item.prompt), choice) for choice in choices]
        assert list(score.choices) == pytest.approx(wanted, abs=1e-5)
        causal = [oracle(model, prefix[:shared], item.prompt, choice) for choice in choices]
        assert list(score.choices) != pytest.approx(causal, abs=1e-3)


def test_under_a_prefix_mask_answers_are_written_as_they_are_scored() -> None:
    spec = ModelSpec(2, 8, 2, vocab_size=VOCAB, context=24, mlp_ratio=1, mask=MaskSpec(kind="prefix"))
    model, prefix = made(spec, 0.3), (0, 5, 2, 9, 4)
    items = [Item(str(i), prompt, ((1,),), 0) for i, prompt in enumerate([(3, 8), (1,)])]
    how = Generation(max_tokens=3, stop=())
    for item, written in zip(
        items, generate_group(model, Group(2, "gold", 0, prefix, tuple(items)), items, how, 4), strict=True
    ):
        given = (*prefix, *item.prompt)
        answer: tuple[int, ...] = ()
        for _ in range(3):
            scores = [prefix_oracle(model, given, (*answer, token)) for token in range(VOCAB)]
            answer = (*answer, max(range(VOCAB), key=scores.__getitem__))
        assert written == Written(answer, cut=True)


@given(
    rows=st.lists(st.lists(st.integers(0, VOCAB - 1), min_size=2, max_size=12), min_size=1, max_size=5), batch=BATCHES
)
def test_the_last_loss_of_a_sequence_is_that_of_all_its_losses(model: Model, rows: list[list[int]], batch: int) -> None:
    wanted = [each[-1] for each in token_losses(model, rows, 64)]
    assert last_losses(model, rows, batch).tolist() == pytest.approx(wanted, abs=1e-5)
