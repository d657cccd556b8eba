"""Rows of measures as a report keeps them, made of readings."""

from ablations.core.results.readings import FEW_SHOT, GAIN, GAIN_WORDS, Reading, shots_words


def a_row(reading, arms, n=None):
    """`arms`: arm -> values of its seeds, in order."""
    about = {name: value for name, value in vars(reading).items() if name not in ("value", "position", "n")}
    values = {arm: {str(seed): value for seed, value in enumerate(seeds)} for arm, seeds in arms.items()}
    short = reading.short or reading.words
    return {"measure": reading.name, **about, "short": short, "n": n or {}, "arms": values}


def shots(task, k, reading, condition="", unit="nats", better="lower", short="", value=None, n=0):
    """A few-shot reading with the words that it has in a study."""
    said = short or reading.replace("_", " ")
    words = f"{said} {shots_words(task, k, condition)}"
    return Reading(
        FEW_SHOT, value, unit, better, words, reading, task=task, k=k, condition=condition, n={"answers": n}, short=said
    )


def gain(task="nsmc", k=4, value=None, n=0, better="higher"):
    return shots(task, k, GAIN, better=better, short=GAIN_WORDS, value=value, n=n)


def bits(source, value=None):
    words = f"bits per byte, {source}"
    return Reading("bits_per_byte", value, "bits per UTF-8 byte", "lower", words, source=source)
