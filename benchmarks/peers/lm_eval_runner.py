"""Runs inside the environment of `lm_eval_peer.py`, never in ours: transformers and lm-eval on exported folders.

    python lm_eval_runner.py ASKED ANSWERED

ASKED is a JSON list of jobs, each with `do`, the name of a function below, and its arguments; ANSWERED gets the list of what
they return. One thread, float32.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TQDM_DISABLE="1")


def logits(folder: str, tokens: list[list[int]], to: str) -> str:
    """Logits of equally long sequences as transformers computes them, written to the safetensors file `to`."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        save_file({"logits": model(torch.tensor(tokens)).logits.contiguous()}, to)
    return type(model).__name__


def pieces(folder: str, texts: list[str]) -> list[Any]:
    """Of each text its pieces, and what they decode to without BOS."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = [tokenizer.encode(text) for text in texts]
    return [[numbers, tokenizer.decode(numbers[1:])] for numbers in encoded]


def task(folder: str, documents: list[dict[str, Any]], batch: int) -> dict[str, Any]:
    """A multiple-choice task of lm-eval over documents {id, prompt, choices, gold, splits}, read from a local JSON file.

    lm-eval takes as the continuation what the joined text's pieces have behind as many as the context alone has. Where a piece
    runs across the border that is not what `splits` says, and it may be nothing at all, on which lm-eval stops; so it is not asked
    those.

    Returns:
        `accuracy`, lm-eval's own, and by document id `log_probabilities` of those that were asked.
    """
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    model = _model(folder, batch)
    rows = []
    for row in documents:
        wanted = row.pop("splits")
        if [list(model._encode_pair(row["prompt"], choice)) for choice in row["choices"]] == wanted:
            rows.append(row)
    with tempfile.TemporaryDirectory() as place:
        Path(place, "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf8")
        Path(place, "asked.yaml").write_text(json.dumps(_as_task(place)), encoding="utf8")  # JSON is YAML
        manager = TaskManager(include_path=place, include_defaults=False)
        found = simple_evaluate(model, tasks=["asked"], task_manager=manager, bootstrap_iters=0, log_samples=True)
    said = {row["doc"]["id"]: [answer[0][0] for answer in row["resps"]] for row in found["samples"]["asked"]}
    return {"accuracy": found["results"]["asked"]["acc,none"], "log_probabilities": said}


def speed(folder: str, documents: list[dict[str, Any]], batch: int, runs: int) -> dict[str, list[float]]:
    """Seconds of `runs` runs over all documents: of lm-eval's scoring of ready pieces, and with its encoding of the texts."""
    from lm_eval.api.instance import Instance

    model = _model(folder, batch)
    asked = [
        Instance("loglikelihood", row, (row["prompt"], choice), number)
        for row in documents
        for number, choice in enumerate(row["choices"])
    ]
    encoded = [(one.args, *model._encode_pair(*one.args)) for one in asked]
    model._loglikelihood_tokens(encoded[: 2 * len(documents[0]["choices"])], disable_tqdm=True)  # fills the caches
    spent: dict[str, list[float]] = {"pieces": [], "texts": []}
    for _ in range(runs):
        started = time.perf_counter()
        model._loglikelihood_tokens(encoded, disable_tqdm=True)
        spent["pieces"].append(time.perf_counter() - started)
    started = time.perf_counter()
    for one in asked:
        model._encode_pair(*one.args)
    spent["texts"] = [seconds + time.perf_counter() - started for seconds in spent["pieces"]]
    return spent


def _model(folder: str, batch: int) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=batch, add_bos_token=True)


def _as_task(place: str) -> dict[str, Any]:
    return {
        "task": "asked",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{place}/rows.jsonl"}, "cache_dir": f"{place}/cache"},
        "test_split": "test",
        "output_type": "multiple_choice",
        "num_fewshot": 0,  # the demonstrations stand in the prompt
        "doc_to_text": "prompt",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",  # a choice begins with its own space
        "metric_list": [{"metric": "acc"}],
    }


def main() -> None:
    import torch

    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    does = {"logits": logits, "pieces": pieces, "task": task, "speed": speed}
    jobs = json.loads(Path(sys.argv[1]).read_text(encoding="utf8"))
    answers = [does[job.pop("do")](**job) for job in jobs]
    Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf8")


if __name__ == "__main__":
    main()
