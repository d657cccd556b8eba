"""Texts that break careless code: other scripts, marks, joiners, controls, lone surrogates, one endless line."""

from __future__ import annotations

from hypothesis import strategies as st

ODD = (
    "",
    " ",
    "\n",
    "\n\n \t\n",
    "한국어 문장은 띄어 쓴다. 메일은 kim@naver.com으로",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8",  # Hangul as conjoining letters
    "e\u0301le\u0300ve \u0301",
    "ภาษาไทยไม่มีช่องว่าง",
    "हिन्दी में स्वर चिह्न",
    "👩\u200d👩\u200d👧\u200d👦 👍🏽 🇰🇷",
    "نص \u202eعربي\u202c و\u200cفارسی",
    "漢字かな交じり文、カタカナ・々〇",
    "a\x00b\x00\x00",
    "\ud800 lone \udfff",
    "\ufeffbom\r\nand\rreturns\u2028\u2029\x85",
    "don't ’tis rock 'n' roll''",
    "\u0130stanbul ALL RIGHTS RESERVED",
    "# # ... … - • *\n- x...\n• …",
    "x" * 3000,
    "0123456789\n" * 5,
    "the same line again\n" * 2 + "the same line again",
    "we use cookies. " * 20,
    "a@b.co " * 20,
)


def odd_texts() -> st.SearchStrategy[str]:
    """One of the above, any text at all, or a mixture of both; lone surrogates included."""
    anything = st.text(st.characters(exclude_categories=()), max_size=60)
    pieces = st.lists(st.one_of(st.sampled_from(ODD), anything), max_size=4).map("".join)
    return st.one_of(st.sampled_from(ODD), anything, pieces)
