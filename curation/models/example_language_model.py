"""A language model of a few hundred sentences, made in a moment: for the examples of annotators that need one."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from itertools import product

from curation.models.language_model_settings import LanguageModelSettings
from curation.models.train_language_model import Sample, train_model
from curation.runtime.store.folder import Folder

_SETTINGS = LanguageModelSettings(language="en", vocab_size=80, order=3, heldout=0.2, estimator="own")
_WORDS = (("annotator", "model", "reader", "writer"), ("measures", "reads", "keeps"), ("document", "line", "text"))


@cache
def example_language_model() -> str:
    """Its folder, which is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="loam-example-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sentences = [f"The {who} {does} a {what}." for who, does, what in product(*_WORDS)]
    documents = [(bytes(divmod(i, 256)), sentences[i % len(sentences)]) for i in range(400)]
    with tempfile.TemporaryDirectory() as scratch:
        train_model("example", _SETTINGS, "own", Sample.of(documents, _SETTINGS, scratch), Folder(folder), scratch)
    return folder
