"""Writes the answers of the reference's tokenizers to the texts of a golden file.

    python -m pip install nltk==3.8.1                  # for nltk.json; needs NLTK's data "punkt"
    python remake.py nltk.json

    python -m pip install datatrove==0.10.1 spacy==3.8.18   # for spacy.json
    python remake.py spacy.json

To add a text, add {"text": "..."} to the file and run this again.
"""

import json
import re
import sys


def nltk_answers():
    from nltk.tokenize import sent_tokenize, word_tokenize

    return sent_tokenize, word_tokenize


def spacy_answers():
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    tokenizer = load_word_tokenizer("en")

    def sentences(text):
        return [text[start:stop] for start, stop in tokenizer.span_tokenize(text)]

    return sentences, tokenizer.word_tokenize


path = sys.argv[1]
sentences, words = spacy_answers() if "spacy" in path else nltk_answers()
with open(path, encoding="utf-8") as file:
    golden = json.load(file)
for case in golden:
    case["sentences"] = sentences(case["text"])
    case["words"] = words(case["text"])
with open(path, "w", encoding="utf-8") as file:
    # One line for each list.
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    lists = re.compile(r'^(  "(?:sentences|words)": \[)\n(.*?)\n  \]', re.M | re.S)
    file.write(lists.sub(lambda m: m[1] + re.sub(r"\n\s+", " ", m[2].strip()) + "]", text) + "\n")
