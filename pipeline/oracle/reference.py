"""The reference pipeline, stage by stage.

Runs the modules of the installed datatrove, unchanged: 0.2.0 is the profile
"release", 0.10.1 the profile "head". What they would fetch from the network is
put in their place from the oracle's home folder, see README.md. Nothing is
remembered from one document to the next.
"""

import hashlib
import importlib.metadata
import os
import struct
import sys
import tempfile
from pathlib import Path

PROFILES = {"0.2.0": "release", "0.10.1": "head"}
VERSION = importlib.metadata.version("datatrove")
PROFILE = PROFILES[VERSION]
TRAFILATURA = importlib.metadata.version("trafilatura")

BANDS, BAND_HASHES = 14, 8


def short_hash(data):
    """The first 8 bytes of SHA-256, in hex."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def traced(step, document):
    """Returns what step.filter(document) returns, and its local variables then.

    The reference compares what it measures and says only which rule failed; the
    variables hold the measured values.
    """
    code, found = type(step).filter.__code__, {}

    def local(frame, event, _):
        if event == "return":
            found.update(frame.f_locals)
        return local

    def trace(frame, event, _):
        if frame.f_code is not code:
            return None
        frame.f_trace_lines = False
        return local

    sys.settrace(trace)
    try:
        return step.filter(document), found
    finally:
        sys.settrace(None)


def repetition_value(reason, v):
    length = len(v["text"])
    if reason == "empty":
        return 0
    if reason == "dup_para_frac":
        return v["paragraphs_duplicates"] / len(v["paragraphs"])
    if reason == "dup_line_frac":
        return v["line_duplicates"] / len(v["lines"])
    if reason.endswith("_char_frac"):
        return v["char_duplicates"] / length
    if reason.startswith("top_"):
        return v["top_char_length"] / length
    return v["n_duplicates_char"] / length


def quality_value(reason, v):
    if reason in ("gopher_short_doc", "gopher_long_doc"):
        return v["n_non_symbol_words_words"]
    if reason.endswith("_avg_threshold"):
        return float(v["avg_n_words"])
    text, words, lines = v["text"], v["words"], v.get("lines")
    if reason == "gopher_too_many_hashes":
        return text.count("#") / len(words)
    if reason == "gopher_too_many_ellipsis":
        return (text.count("...") + text.count("…")) / len(words)
    if reason == "gopher_too_many_bullets":
        return sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines)
    if reason == "gopher_too_many_end_ellipsis":
        return sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines)
    if reason == "gopher_below_alpha_threshold":
        return sum(any(c.isalpha() for c in w) for w in words) / len(words)
    return None  # counted differently in the profiles; the variables do not say


def c4_value(reason, v):
    return v["num_sentences"] if reason == "too_few_sentences" else 0


def fineweb_value(reason, v):
    if reason == "empty":
        return 0
    return v["new_line"] / len(v["words"]) if reason == "list_ratio" else v["ratio"]


def components(pairs):
    """What pairs connect, as sorted lists. (The reference's own files of clusters
    leave out the root where two texts match once.)"""
    cluster = {}
    for a, b in pairs:
        a, b = cluster.setdefault(a, [a]), cluster.setdefault(b, [b])
        if a is not b:
            a += b
            cluster.update((member, a) for member in b)
    return sorted(sorted(c) for c in {id(c): c for c in cluster.values()}.values())


class Reference:
    def __init__(self, home, language_model):
        self.home = Path(home)
        os.environ["HF_ASSETS_CACHE"] = str(self.home / f"assets-{PROFILE}")
        os.environ["HF_HUB_OFFLINE"] = "1"
        from datatrove.data import Document
        from datatrove.pipeline.filters import (
            C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter, LanguageFilter,
        )
        from datatrove.utils.logging import logger
        from fasttext.FastText import _FastText

        logger.remove()
        self.document = Document
        if PROFILE == "release":
            self._use_punkt()
        self.repetition = GopherRepetitionFilter()
        self.quality = GopherQualityFilter()
        self.c4 = C4QualityFilter(filter_no_terminal_punct=False)
        self.fineweb = FineWebQualityFilter(None)
        if PROFILE == "release":
            self.language = LanguageFilter()
            self.language._model = _FastText(str(language_model))
        else:
            self.language = LanguageFilter("en")
            self.language.model._model = _FastText(str(language_model))
        self._url = self._counter = None
        self._shingles = {}

    def _use_punkt(self):
        """Gives NLTK its English Punkt data, and word_tokenize a memory of the
        latest texts: stages that read one text share its tokens."""
        import functools

        import nltk
        import nltk.tokenize

        nltk.data.path[:] = [str(self.home / "nltk_data")]
        nltk.tokenize.word_tokenize = functools.lru_cache(4)(nltk.tokenize.word_tokenize)
        nltk.word_tokenize = nltk.tokenize.word_tokenize

    # Stages. Each takes a text and returns (reason, value); "" keeps.

    def _filter(self, step, value, text):
        """Returns (reason, value) and the text as it is then. Only what is dropped
        is looked at a second time, for the value: tracing takes time."""
        document = self.document(text=text, id="")
        try:
            if step.filter(document) is True:
                return ("", None), document.text
        except ZeroDivisionError:
            return ("ZeroDivisionError", None), text
        (_, reason), variables = traced(step, self.document(text=text, id=""))
        return (reason, value(reason, variables)), text

    def run_repetition(self, text):
        return self._filter(self.repetition, repetition_value, text)[0]

    def run_quality(self, text):
        return self._filter(self.quality, quality_value, text)[0]

    def run_c4(self, text):
        return self._filter(self.c4, c4_value, text)

    def run_fineweb(self, text):
        return self._filter(self.fineweb, fineweb_value, text)[0]

    def run_language(self, text):
        """Returns (keep, label, score)."""
        document = self.document(text=text, id="")
        keep = bool(self.language.filter(document))
        return keep, document.metadata["language"], float(document.metadata["language_score"])

    @property
    def url(self):
        if self._url is None:
            from datatrove.pipeline.filters import URLFilter
            from tldextract import TLDExtract

            self._url = URLFilter()
            self._url.tldextractor = TLDExtract(
                suffix_list_urls=((self.home / "public_suffix_list.dat").resolve().as_uri(),),
                cache_dir=tempfile.mkdtemp(prefix="tldextract-"),
            )
            self._url.download_data()
        return self._url

    def run_url(self, url):
        result = self.url.filter(self.document(text="", id="", metadata={"url": url}))
        return "" if result is True else result[1]

    def url_lists(self):
        """The entries of the URL filter's lists in the order of their files."""
        from datatrove.pipeline.filters.url_filter import normalize
        from datatrove.utils._import_utils import ASSETS_PATH

        self.url.download_data()
        folder = self.home / f"assets-{PROFILE}" / "datatrove" / "filters" / "url_filter"
        if PROFILE == "release":
            folder /= "adult"
        files = {
            "domain": folder / "domains", "url": folder / "urls", "hard": Path(ASSETS_PATH, "banned_words.txt"),
            "soft": Path(ASSETS_PATH, "soft_banned_words.txt"), "sub": Path(ASSETS_PATH, "banned_subwords.txt"),
        }
        lists = {}
        for name, file in files.items():
            clean = str.strip if name in ("domain", "url") else normalize
            with open(file) as f:
                entries = [clean(line) for line in f if line[0] != "#"]
            lists[name] = [e for e in entries if e]
        return lists

    # What the stages look at.

    def words(self, text):
        if PROFILE == "release":
            from nltk.tokenize import word_tokenize

            return word_tokenize(text)
        from datatrove.utils.text import split_into_words

        return split_into_words(text)

    def count_sentences(self, text):
        if PROFILE == "release":
            from nltk.tokenize import sent_tokenize

            return len(sent_tokenize(text))
        from datatrove.utils.text import split_into_sentences

        return len(split_into_sentences(text))

    def normalise(self, text):
        from datatrove.utils.text import simplify_text

        return simplify_text(text)

    def count_tokens(self, text):
        if self._counter is None:
            from datatrove.pipeline.tokens import TokensCounter

            self._counter = TokensCounter(str(self.home / "gpt2-tokenizer.json"))
        document = self.document(text=text, id="")
        list(self._counter.run(iter([document])))
        return document.metadata["token_count"]

    def replace_pii(self, text):
        from datatrove.pipeline.formatters import PIIFormatter

        return PIIFormatter().format(text)

    # MinHash

    def minhash_config(self):
        from datatrove.pipeline.dedup.minhash import MinhashConfig

        if PROFILE == "release":
            return MinhashConfig(use_64bit_hashes=True)
        from datatrove.utils.hashing import HashConfig

        return MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"))

    def clusters(self, texts):
        """Runs the stages of MinHash over texts. Returns the hash of each text's
        signature ("" without one), the clusters of more than one text as lists of
        indexes, and the indexes that the reference drops."""
        from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature

        config = self.minhash_config()
        with tempfile.TemporaryDirectory() as folder:
            signer = MinhashDedupSignature(f"{folder}/sigs", config)
            signatures, real = [], signer.get_signature

            def get_signature(shingles):
                signature = real(shingles)
                signatures[-1] = short_hash(struct.pack(f"<{BANDS * BAND_HASHES}Q", *sum(signature, [])))
                return signature

            def documents():
                for text in texts:
                    signatures.append("")
                    yield self.document(text=text, id="")

            def get_shingles(text):
                if text not in self._shingles:
                    self._shingles[text] = MinhashDedupSignature.get_shingles(signer, text)
                return self._shingles[text]

            signer.get_signature, signer.get_shingles = get_signature, get_shingles
            signer.run(documents(), rank=0)
            for rank in range(BANDS):
                MinhashDedupBuckets(f"{folder}/sigs", f"{folder}/dups", config=config).run(rank=rank, world_size=BANDS)
            MinhashDedupCluster(f"{folder}/dups", f"{folder}/out", config=config).run()
            pairs = [p[1::2] for f in Path(folder, "dups").glob("*.dups") for p in struct.iter_unpack("<4I", f.read_bytes())]
            removals = Path(folder, "out", "000000.remove")
            removed = [d for d, in struct.iter_unpack("<I", removals.read_bytes())] if removals.exists() else []
        return signatures, components(pairs), removed

    # Pages

    def pages(self, warc):
        """Yields (id, url, html) of the pages that the reference reads from a WARC file."""
        from datatrove.pipeline.readers import WarcReader

        folder, name = os.path.split(os.path.abspath(warc))
        for document in WarcReader(folder, glob_pattern=name).run():
            yield document.id, document.metadata["url"], document.text

    def extract(self, html):
        """The extractor without its limit of time, its memory of other pages cleared."""
        from datatrove.pipeline.extractors import Trafilatura
        from trafilatura.meta import reset_caches

        reset_caches()
        try:
            return Trafilatura().extract(html) or ""
        except Exception as e:  # the reference skips such a page
            print(f"extract: {type(e).__name__}: {e}", file=sys.stderr)
            return ""
