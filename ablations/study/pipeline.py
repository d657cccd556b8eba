"""Raw text to report: calls the floors in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ablations.cells import cells, sweep
from ablations.claims.base import Claim
from ablations.core.metrics.registry import METRICS
from ablations.core.results.readings import FEW_SHOT, Name
from ablations.prompts.control_words import check_control_words
from ablations.prompts.task_items import ItemsFile, check_files, items_file, probes_of_controls
from ablations.prompts.task_settings import TaskSettings
from ablations.settings import study_file as settings
from ablations.settings.block_windows import check_windows
from ablations.settings.epochs import schedule_shares
from ablations.settings.study import Study
from ablations.settings.tokenizers import SHARED
from ablations.settings.variants import variants_of_claim, varied_arms
from ablations.statistics.paired import LEAST_FOR_VERDICT
from ablations.study.drafts import drafts
from ablations.study.found_items import InText, look_for_items
from ablations.study.heldout import check_heldout, shares_of
from ablations.study.planned_design import check_planned
from ablations.study.weights_budget import check_budget
from curation import pipeline
from curation.pipeline import Curated
from curation.recipes.recipe import Recipe
from curation.runtime.cluster.cluster import Compute
from curation.runtime.errors import ConfigError, InputError, one_of
from curation.runtime.stages.stages import mended
from curation.runtime.store.folder import Folder
from tokenizer.model import load_tokenizer
from tokenizer.pipeline import Tokenized, tokenize, train_tokenizer
from tokenizer.settings import TokenizerSettings

CONTROLS = "controls"
ALWAYS = ("bigram_repetition",)  # of the training text: it predicts the onset


@dataclass(frozen=True)
class Prepared:
    """Everything below the cells, and the cells' plans."""

    study: Study
    recipe: Recipe
    curated: Curated
    of_arms: Mapping[str, Tokenized]  # arm -> the tokenizer of its text; empty where the study has controls only
    controls: Tokenized
    plans: Sequence[cells.CellPlan]
    found_items: Sequence[Folder] = ()  # where items were looked for in the text of the arms

    @property
    def tokenized(self) -> list[Tokenized]:
        """The tokenizers with their tokens, each once."""
        return list({each.fingerprint: each for each in (*self.of_arms.values(), self.controls)}.values())


def prepare(study: Study, recipe: Recipe, out: Folder, compute: Compute) -> Prepared:
    """Curate, train tokenizers, encode, plan the cells. What is finished is only read, what is damaged is made again."""
    return mended(lambda: _prepare(study, recipe, out, compute), out, compute)


def _prepare(study: Study, recipe: Recipe, out: Folder, compute: Compute) -> Prepared:
    curated = pipeline.curate(recipe, out, compute)
    check_not_empty(study, recipe, curated)
    of_arms = _tokenized_arms(study, recipe, curated, out, compute)
    names = study.control_settings.sources
    control_shards = {name: curated.shards[name] for name in names}
    words = TokenizerSettings(kind="words")
    trained = train_tokenizer(CONTROLS, words, control_shards, out, compute)
    check_control_words(load_tokenizer(trained[1]), CONTROLS)
    shares = shares_of(
        study, recipe, control_shards, [study.cells_of_control(arm) for arm in study.control_settings.arms]
    )
    controls = tokenize(trained, control_shards, shares, out, compute)
    found = look_for_items(study, recipe, curated.shards, out, compute)
    plans = cell_plans(study, recipe.root, of_arms, controls, found.in_text)
    return Prepared(study, recipe, curated, of_arms, controls, plans, found.folders)


def _tokenized_arms(
    study: Study, recipe: Recipe, curated: Curated, out: Folder, compute: Compute
) -> dict[str, Tokenized]:
    """Arm -> its tokenizer, with the tokens of every source that it is trained or measured on."""
    used = {source for arm in study.arms for source in study.mixture(arm)}
    real = {name: curated.shards[name] for name in settings.real_sources(study, recipe)}
    shares = shares_of(study, recipe, real, [study.cells_of_arm(arm) for arm in study.arms])
    done: dict[str, Tokenized] = {}
    found = {}
    for arm, named in settings.arm_tokenizers(study, recipe).items():
        if named.key not in done:
            trained = train_tokenizer(named.name, named.settings, real, out, compute)
            encoded = real if named.name == SHARED else {name: real[name] for name in real if name in used}
            done[named.key] = tokenize(trained, encoded, shares, out, compute)
        found[arm] = done[named.key]
    return found


def run(
    study: Study, recipe: Recipe, out: Folder, compute: Compute, record: Callable[[Prepared, Folder], None]
) -> Prepared:
    """Everything up to the measured cells; what is damaged is made again.

    Args:
        record: called before the cells run, so that `gc` knows what belongs to them, and after.
    """

    def whole() -> Prepared:
        prepared = _prepare(study, recipe, out, compute)
        check_planned(study, prepared.plans)
        record(prepared, out)
        sweep.run_sweep(prepared.plans, out, compute)
        record(prepared, out)
        return prepared

    return mended(whole, out, compute)


def check_not_empty(study: Study, recipe: Recipe, curated: Curated) -> None:
    """Refuse an arm whose source is empty after curation.

    Raises:
        InputError: a source that an arm uses kept no document, with the commonest reason.
    """
    for arm in study.arms:
        for source in study.mixture(arm):
            funnel = curated.funnel[source]
            if funnel.curated == 0:
                reasons = funnel.dropped or dict(funnel.quarantine_reasons)
                most = max(reasons, key=lambda reason: reasons[reason]) if reasons else "the source is empty"
                raise InputError(
                    f"arm {arm}, source {source}",
                    f"none of its {funnel.rows} rows was kept (most often: {most})",
                    f"Look with `loam curate sample`, and loosen policy.sources.{source}.",
                )


def check(study: Study, recipe: Recipe) -> None:
    """Refuse what could not run or be judged, before any text is read.

    Raises:
        ConfigError: the first mistake: an unknown metric, task or arm, or a cell that cannot be.
    """
    metric_names(study)
    for task in study.task_settings:
        check_files(task, study.loaded_plugins, recipe.root)
    tokenizers = {arm: named.key for arm, named in settings.arm_tokenizers(study, recipe).items()}
    for claim in study.claims:
        _check_claim(claim, study, [*settings.real_sources(study, recipe), "pooled", "common"])
        for variant in (claim, *(v.claim for _, variants in variants_of_claim(study, claim) for v in variants)):
            _check_tokenizers(variant, study, tokenizers)
    check_windows(study)
    for _ in drafts(study):
        pass
    check_budget(study)


def _check_claim(claim: Claim, study: Study, sources: Sequence[str]) -> None:
    """Its arms, metrics, sources and tasks are the study's."""
    where, arms, tasks = f"claims.{claim.kind}", claim.arms_named(), [task.name for task in study.task_settings]
    if twice := sorted({arm for arm in arms if arms.count(arm) > 1}):
        raise ConfigError(f"{where}: arm {twice[0]} is compared with itself. Name another arm.")
    for arm in arms:
        if arm not in study.arms:
            raise ConfigError(f"{where}: {one_of(study.arms, arm, 'arm')}")
    for measure in claim.measures_named():
        metric, _, rest = measure.partition(".")
        if metric not in metric_names(study):
            raise ConfigError(f"{where}: {one_of(metric_names(study), metric, 'metric')}")
        if METRICS.get(metric, study.loaded_plugins).by_source and (source := rest.partition(".")[0]) not in sources:
            raise ConfigError(f"{where}.measure {measure}: {one_of(sources, source, 'source of this study')}")
    for task in claim.tasks_named():
        if task not in tasks:
            raise ConfigError(f"{where}.task: {one_of(tasks, task, 'task of this study')}")


def _check_tokenizers(claim: Claim, study: Study, tokenizers: Mapping[str, str]) -> None:
    """Refuse a comparison of arms with different tokenizers in a measure that depends on them."""
    added = varied_arms(study)
    arms = list(claim.arms_named() or (arm for arm in study.arms if arm not in added))
    if claim.compares_tokenizers() or len({tokenizers[arm] for arm in arms}) < 2:
        return
    for measure in claim.measures_named():
        name = Name.parse(measure)
        if not METRICS.get(name.metric, study.loaded_plugins).is_tokenizer_free(name.reading):
            raise ConfigError(
                f"claims.{claim.kind}: {' and '.join(arms)} have different tokenizers, and {measure} depends on them. "
                "Take a measure that does not, such as bits_per_byte.SOURCE or context_gain.SOURCE.order_per_byte."
            )


def metric_names(study: Study) -> list[str]:
    """The study's metrics, all known ones when it names none.

    Raises:
        ConfigError: an unknown one.
    """
    known = METRICS.catalogue(study.loaded_plugins)
    for name in study.metrics:
        if name not in known:
            raise ConfigError(f"metrics: {one_of(known, name, 'metric')}")
    return list(study.metrics) or list(known)


def cell_plans(
    study: Study, root: str, of_arms: Mapping[str, Tokenized], controls: Tokenized, in_text: InText
) -> list[cells.CellPlan]:
    """All cells of a study: arms and controls, every seed. Relative paths of tasks start at `root`."""
    metrics = [*dict.fromkeys((*metric_names(study), *ALWAYS))]
    plans: list[cells.CellPlan] = []
    lots: dict[str, cells.Lot] = {}
    shares = schedule_shares(study, {arm: cells.text_tokens(study, arm, each) for arm, each in of_arms.items()})
    for arm, tokenized in of_arms.items():
        if tokenized.fingerprint not in lots:
            check_heldout(tokenized, study)
            lots[tokenized.fingerprint] = cells.Lot(tokenized, _items(study, root, tokenized, in_text), metrics)
        plans += cells.plan_cells(study, arm, lots[tokenized.fingerprint], shares[arm])
    # a study may leave few_shot out; the controls cannot show that the instrument works without it
    plans += cells.plan_control_cells(study, _control_lot(study, controls, sorted({*metrics, FEW_SHOT})))
    return plans


def _control_lot(study: Study, controls: Tokenized, metrics: Sequence[str]) -> cells.Lot:
    """The tasks of the control arms, such as fresh maps and the map that the encyclopedia arm knows by heart."""
    control = study.control_settings
    probes = [TaskSettings(kind=kind, items=control.items) for kind in probes_of_controls()]
    contexts = {study.cells_of_control(arm).model.context for arm in control.arms}
    items = {
        context: {p.kind: items_file(p, "", controls.model, context, (), study.seed) for p in probes}
        for context in contexts
    }
    return cells.Lot(controls, items, metrics)


def _items(study: Study, root: str, tokenized: Tokenized, in_text: InText) -> dict[int, dict[str, ItemsFile]]:
    """Context length of some arm -> task -> its items."""
    plugins = study.loaded_plugins
    contexts = {study.cells_of_arm(arm).model.context for arm in study.arms}
    return {
        context: {
            task.name: items_file(task, root, tokenized.model, context, plugins, study.seed, in_text.get(task.name))
            for task in study.task_settings
        }
        for context in sorted(contexts)
    }


def undecidable(study: Study) -> str | None:
    """A warning, before the study runs, that its seeds cannot decide the claims that it registers."""
    if study.claims and study.seeds < LEAST_FOR_VERDICT:
        return (
            f"seeds: {study.seeds} is below {LEAST_FOR_VERDICT}, so every claim will end undecided. Raise seeds to decide them; "
            "`loam ablate plan` says what a design could see."
        )
    return None
