"""Writes spacy_english.json from an installed spaCy (see ORIGIN.md).

    python -m pip install spacy==3.8.18
    python spacy_english.py > spacy_english.json

Only tables are taken: words, characters and ranges of characters. What the
tokenizer does with them is written in Go.
"""

import json
import re
import sys

import spacy
from spacy.lang import char_classes as classes
from spacy.pipeline import Sentencizer
from spacy.symbols import ORTH


def ranges(members):
    """The members of a regular expression's class, as "41-5A 61-7A"."""
    pattern = re.compile("[" + members + "]")
    found = []
    for code in range(sys.maxunicode + 1):
        # Surrogates are no characters of a valid text.
        if 0xD800 <= code <= 0xDFFF or not pattern.match(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return " ".join(f"{lo:X}-{hi:X}" for lo, hi in found)


def literals(patterns):
    """Patterns that are plain words, without their escapes and without repeats."""
    return sorted({re.sub(r"\\(.)", r"\1", p) for p in patterns if p})


nlp = spacy.blank("en")
tables = {
    "spacy": spacy.__version__,
    "alpha": ranges(classes.ALPHA),
    "lower": ranges(classes.ALPHA_LOWER),
    "upper": ranges(classes.ALPHA_UPPER),
    "icons": ranges(classes.ICONS),
    "quotes": literals(classes.LIST_QUOTES),
    "punctuation": literals(classes.LIST_PUNCT),
    "currency": literals(classes.LIST_CURRENCY),
    "units": literals(classes.UNITS.split("|")),
    "sentence_ends": sorted(set(Sentencizer.default_punct_chars)),
    "exceptions": {chunk: [part[ORTH] for part in parts] for chunk, parts in sorted(nlp.tokenizer.rules.items())},
}
text = json.dumps(tables, ensure_ascii=False, indent=1)
# One line for each list.
text = re.sub(r'\[\n\s+(.*?)\n\s+\]', lambda m: "[" + re.sub(r"\n\s+", " ", m[1]) + "]", text, flags=re.S)
print(text)
