"""Runs the reference pipeline over WARC files and says what it took.

The modules of datatrove 0.2.0 are run as they are, in FineWeb's order without
the URL lists, in one process; limits of time are off. What they would fetch from
the network is taken from the oracle's home folder. Writes one JSON object:
pages, kept, start (processor seconds before the first page) and stages
(processor seconds of each, all threads).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path


class Clock:
    """Splits processor time among generators that pull from each other."""

    def __init__(self):
        self.seconds, self.running, self.last = {}, [], time.process_time()

    def switch(self):
        now = time.process_time()
        if self.running:
            name = self.running[-1]
            self.seconds[name] = self.seconds.get(name, 0) + now - self.last
        self.last = now

    def __call__(self, name, items):
        items = iter(items)
        while True:
            with self.stage(name):
                item = next(items, None)
            if item is None:
                return
            yield item

    def stage(self, name):
        return Running(self, name)


class Running:
    def __init__(self, clock, name):
        self.clock, self.name = clock, name

    def __enter__(self):
        self.clock.switch()
        self.clock.running.append(self.name)

    def __exit__(self, *_):
        self.clock.switch()
        self.clock.running.pop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True, type=Path, help="the oracle's home folder, as its prepare fills it")
    parser.add_argument("--model", required=True, help="fastText model of languages")
    parser.add_argument("warc", type=Path, help="a WARC file, or a folder of them")
    args = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"

    import nltk
    from datatrove.data import DocumentsPipeline  # noqa: F401, before its parts
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter, LanguageFilter,
    )
    from datatrove.pipeline.formatters import PIIFormatter
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.tokens import TokensCounter
    from datatrove.utils.logging import logger
    from fasttext.FastText import _FastText

    logger.remove()
    nltk.data.path[:] = [str(args.home / "nltk_data")]
    nltk.sent_tokenize("Load the model. It is lazy.")
    language = LanguageFilter()
    language._model = _FastText(args.model)
    tokens = TokensCounter(str(args.home / "gpt2-tokenizer.json"))
    tokens.tokenizer
    import trafilatura  # noqa: F401

    config = MinhashConfig(use_64bit_hashes=True)
    pages = 0

    def counted(items):
        nonlocal pages
        for item in items:
            pages += 1
            yield item

    clock = Clock()
    start = time.process_time()
    folder = args.warc if args.warc.is_dir() else args.warc.parent
    pattern = None if args.warc.is_dir() else args.warc.name
    data = counted(clock("read", WarcReader(str(folder), glob_pattern=pattern).run()))
    for name, step in (
        ("extract", Trafilatura(favour_precision=True, timeout=None)),
        ("language", language),
        ("gopher_repetition", GopherRepetitionFilter()),
        ("gopher_quality", GopherQualityFilter()),
        ("c4", C4QualityFilter(filter_no_terminal_punct=False)),
        ("fineweb", FineWebQualityFilter(None)),
    ):
        data = clock(name, step.run(data))
    with tempfile.TemporaryDirectory() as work:
        survivors = list(data)
        with clock.stage("minhash"):
            MinhashDedupSignature(f"{work}/signatures", config).run(iter(survivors))
        with clock.stage("clusters"):
            for rank in range(config.num_buckets):
                MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config).run(rank=rank, world_size=config.num_buckets)
            MinhashDedupCluster(f"{work}/buckets", f"{work}/clusters", config=config).run()
        data = clock("clusters", MinhashDedupFilter(f"{work}/clusters").run(iter(survivors)))
        data = clock("tokens", tokens.run(data))
        data = clock("pii", PIIFormatter().run(data))
        kept = sum(1 for _ in data)
    json.dump({"pages": pages, "kept": kept, "start": start, "stages": clock.seconds}, sys.stdout)


if __name__ == "__main__":
    main()
