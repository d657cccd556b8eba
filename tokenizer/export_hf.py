"""A SentencePiece model of ours as the tokenizer files of a Hugging Face folder that give the same pieces for every text.

`tokenizer.json` (the format of the `tokenizers` library) is written here, not converted by transformers: its own Llama
tokenizer adds no dummy prefix before a leading space or newline, and takes `<s>` in a text for BOS. Ours does neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from curation.runtime.errors import InputError
from tokenizer.model import TokenizerModel
from tokenizer.train import BOS, EOS, UNKNOWN

NORMAL, USER_DEFINED = 1, 4  # kinds of pieces in SentencePiece's model format
BPE, WORDS = 2, 3  # kinds of models there
SPACE = "\u2581"  # SentencePiece's sign for a space
Json = dict[str, Any]


def tokenizer_files(model: bytes, context: int, where: str) -> dict[str, bytes]:
    """Names and contents of the tokenizer files.

    Args:
        model: contents of tokenizer.model.
        context: most tokens that the language model takes.
        where: names the model in an error.

    Raises:
        InputError: not a SentencePiece model, or one with settings that our training never uses.
    """
    proto = _parsed(model, where)
    pieces = [piece.piece for piece in proto.pieces]
    special = {number: pieces[number] for number in (UNKNOWN, BOS, EOS)}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": special[UNKNOWN],
        "bos_token": special[BOS],
        "eos_token": special[BOS],  # a document ends in training where the next one begins
        "pad_token": special[EOS],  # never in training
        "add_bos_token": True,
        "add_eos_token": False,
        "split_special_tokens": True,  # "<s>" in a text is three characters, as it was in training
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
        "padding_side": "right",
    }
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special_token(number, piece) for number, piece in special.items()],
        "normalizer": _normalizer(),
        "pre_tokenizer": _known_words(proto) if proto.trainer_spec.model_type == WORDS else None,
        "post_processor": _with_bos(special[BOS]),
        "decoder": _decoder(),
        "model": _word_model(pieces) if proto.trainer_spec.model_type == WORDS else _bpe_model(proto),
    }
    files = {"tokenizer.json": tokenizer, "tokenizer_config.json": config}
    return {name: (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode() for name, value in files.items()}


def _parsed(model: bytes, where: str) -> Any:
    from sentencepiece import sentencepiece_model_pb2

    TokenizerModel(model, where)  # refuses what is no model
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    trained, normalised = proto.trainer_spec, proto.normalizer_spec
    symbols = [piece.piece for piece in proto.pieces if piece.type == USER_DEFINED]
    differs = {
        f"model type {trained.model_type}": trained.model_type not in (BPE, WORDS),
        "BPE without byte fallback": trained.model_type == BPE and not trained.byte_fallback,
        "a normaliser": bool(normalised.precompiled_charsmap) or normalised.remove_extra_whitespaces,
        "no dummy prefix": not (normalised.add_dummy_prefix and normalised.escape_whitespaces),
        "white space as suffix": trained.treat_whitespace_as_suffix,
        "user-defined pieces of several characters": any(len(symbol) > 1 for symbol in symbols),
        "other numbers for <unk>, BOS and EOS": (trained.unk_id, trained.bos_id, trained.eos_id) != (UNKNOWN, BOS, EOS),
    }
    for difference, is_so in differs.items():
        if is_so:
            raise InputError(
                where, f"a SentencePiece model with {difference}", "Export models of `loam tokenizer train`."
            )
    return proto


def _special_token(number: int, piece: str) -> Json:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": piece, **flags, "special": True}


def _normalizer() -> Json:
    """A space before the text, whatever it begins with, and spaces as SentencePiece writes them. Empty text stays empty."""
    prefix = {"type": "Prepend", "prepend": SPACE}
    return {"type": "Sequence", "normalizers": [prefix, _replace(" ", SPACE)]}


def _decoder() -> Json:
    steps = [_replace(SPACE, " "), {"type": "ByteFallback"}, {"type": "Fuse"}]
    return {"type": "Sequence", "decoders": [*steps, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}


def _replace(old: str, new: str) -> Json:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def _with_bos(bos: str) -> Json:
    first = {"SpecialToken": {"id": bos, "type_id": 0}}
    texts = [{"Sequence": {"id": name, "type_id": kind}} for kind, name in enumerate("AB")]
    return {
        "type": "TemplateProcessing",
        "single": [first, texts[0]],
        "pair": [first, *texts],
        "special_tokens": {bos: {"id": bos, "ids": [BOS], "tokens": [bos]}},
    }


def _bpe_model(proto: Any) -> Json:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": proto.pieces[UNKNOWN].piece,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": True,
        "ignore_merges": False,
        "vocab": {piece.piece: number for number, piece in enumerate(proto.pieces)},
        "merges": merges_of([(piece.piece, piece.score) for piece in proto.pieces if piece.type == NORMAL]),
    }


def merges_of(pieces: Sequence[tuple[str, float]]) -> list[tuple[str, str]]:
    """All pairs of pieces that join to a piece, in the order in which SentencePiece prefers them: by score.

    SentencePiece looks at the joined piece alone, so all its splits are listed; user-defined pieces never join, so they are
    not among `pieces`.
    """
    known = {piece for piece, _ in pieces}
    best_first = sorted(pieces, key=lambda scored: -scored[1])  # stable: equal scores stay in the order of numbers
    return [(piece[:i], piece[i:]) for piece, _ in best_first for i in _splits(piece, known)]


def _splits(piece: str, known: Collection[str]) -> list[int]:
    """Where a piece can be split into two known ones.

    The `tokenizers` library takes the first listed split, SentencePiece the leftmost place in the text. Those differ only where
    two overlap: X Y Z with XY = YZ = piece, so that |X| = |Z| and X Y has to be listed before Y Z.
    """
    places = [i for i in range(1, len(piece)) if piece[:i] in known and piece[i:] in known]

    def rank(i: int) -> tuple[int, int]:
        short = min(i, len(piece) - i)
        repeats = piece[short:] == piece[:-short] and piece[:short] != piece[-short:]
        return short, i if repeats else -i

    return sorted(places, key=rank)


def _word_model(pieces: Sequence[str]) -> Json:
    return {"type": "WordLevel", "vocab": {p: i for i, p in enumerate(pieces)}, "unk_token": pieces[UNKNOWN]}


def _known_words(proto: Any) -> Json:
    """Splits off each known word and leaves what is between together: SentencePiece makes one <unk> of unknown neighbours."""
    words = sorted((piece.piece for piece in proto.pieces if piece.type == NORMAL), key=len, reverse=True)
    pattern = f"(?:{'|'.join(re.escape(word) for word in words)})(?![^{SPACE}])"  # up to the next word or the end
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
