"""A source, an annotator, an entity and a transform of plugins do their work in one run, each from one file."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from contributing import contributed

from curation import pipeline
from curation.recipes import loading
from curation.runtime.cluster.cluster import Compute
from curation.runtime.store.folder import Folder

CLASSES = ("Sayings", "CapitalShare", "MacAddress", "ShuffleWords")
SAYINGS = (
    "The early bird sees the sun rise over the hill.",
    "SHOUTED IN CAPITALS",
    "My card is 3c:22:fb:12:34:56, they say.",
)


def test_members_of_plugins_do_their_work_in_one_run(tmp_path: Path, out: Folder, compute: Compute) -> None:
    plugins = []
    for name in CLASSES:
        (tmp_path / f"{name}.py").write_text(contributed(name), encoding="utf8")
        plugins.append(str(tmp_path / f"{name}.py"))
    (tmp_path / "fortunes").write_text("\n%\n".join(SAYINGS), encoding="utf8")
    recipe = {
        "data_root": str(tmp_path),
        "plugins": plugins,
        "sources": {
            "said": {"kind": "sayings", "path": "fortunes"},
            "mixed": {"of": "said", "transform": {"kind": "shuffle_words"}},
        },
        "passes": [
            {
                "name": "only",
                "annotators": ["capital_share", {"kind": "pii", "entities": ["mac_address"]}],
                "policy": {"defaults": {"keep": {"capital_share": {"share": {"max": 0.5}}}, "replace": {"pii": "all"}}},
            }
        ],
    }
    loaded = loading.from_mapping(recipe, "plugins")
    curated = pipeline.curate(loaded, out, compute)
    funnel = curated.funnel["said"]
    assert (funnel.rows, funnel.curated, funnel.dropped) == (3, 2, {"only: capital_share.share:high": 1})
    texts = {
        name: [
            text for file in shards.files for text in pq.read_table(f"{shards.folder.url}/{file}")["text"].to_pylist()
        ]
        for name, shards in curated.shards.items()
    }
    assert sorted(texts["said"]) == ["My card is 00:00:5E:00:53:00, they say.", SAYINGS[0]]
    assert texts["mixed"] != texts["said"]
    assert [sorted(text) for text in texts["mixed"]] == [sorted(text) for text in texts["said"]], "words change places"
    assert [plugin.name for plugin in loaded.loaded_plugins] == [f"{name}.py" for name in CLASSES]
