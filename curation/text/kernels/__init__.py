"""Compiled loops over code points. Each has a plain Python oracle in the tests; the rules above are numpy over their results.

Signatures are explicit and the machine code is cached, so that a worker does not compile; importing this package compiles
what is missing. Positions are code points in the batch's joined text.
"""

from curation.text.kernels import c4, characters, lines, ngrams, overlap, pairs, shingles, word_sums, words

__all__ = ["c4", "characters", "lines", "ngrams", "overlap", "pairs", "shingles", "word_sums", "words"]
