"""Makes golden decisions with the reference pipeline, and compares texts; see README.md."""

import argparse
import gzip
import json
import re
import sys
from pathlib import Path

import prepare
import report

HERE = Path(__file__).parent
TESTDATA = HERE / "testdata"
MODEL = HERE.parent / "langid" / "data" / "lid.176.ftz"


def read_lines(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as f:
        for line in f:
            yield json.loads(line)


def write_lines(path, rows):
    """Compressed files name no time and no file, so that equal rows are equal bytes."""
    data = "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows).encode()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(gzip.compress(data, 9, mtime=0) if str(path).endswith(".gz") else data)


def read_documents(path):
    """Yields id, url and text. A text may be given in parts, each with a number of times."""
    for i, row in enumerate(read_lines(path)):
        text = row.get("text")
        if text is None:
            text = "".join(p["text"] * p["times"] for p in row["parts"])
        yield row.get("id", str(i)), row.get("url", ""), text


def corpus(_):
    from corpus import documents, urls

    write_lines(TESTDATA / "own.jsonl", documents())
    write_lines(TESTDATA / "urls.jsonl", urls())


def extract(args):
    from reference import Reference, short_hash

    reference = Reference(args.home, MODEL)
    rows = []
    for warc in args.warc:
        for id, url, html in reference.pages(warc):
            rows.append({"id": id, "url": url, "html": short_hash(html), "text": reference.extract(html)})
    write_lines(args.out, rows)


def golden(args):
    """Every stage over every text as it came, and all stages in their order."""
    from reference import VERSION, Reference, short_hash

    reference = Reference(args.home, MODEL)
    known = {(r["id"], r["text"]): r for r in list(read_lines(args.known))[1:]} if args.known else {}
    texts, rows, survivors = [], [], []
    for id, url, text in read_documents(args.texts):
        row = known.get((id, short_hash(text)))
        if row is None:
            decisions, edited = decide(reference, text)
            row = {"id": id, **decisions}
            if url:
                row["url"] = reference.run_url(url)
            row["end"] = run_all(reference, row, edited, edited != text)
        elif row["end"][0] == "kept":
            edited = reference.run_c4(text)[1]
        if row["end"][0] == "kept":
            survivors.append((len(rows), edited))
        texts.append(text)
        rows.append(row)
    signatures, clusters, dropped = reference.clusters(texts)
    for row, signature in zip(rows, signatures):
        row["signature"] = signature
    _, last, last_dropped = reference.clusters([t for _, t in survivors])
    name = lambda i: survivors[i][0]
    write_lines(args.out, [{
        "datatrove": VERSION, "documents": len(rows), "clusters": clusters, "dropped": dropped,
        "end_clusters": [[name(i) for i in c] for c in last], "end_dropped": [name(i) for i in last_dropped],
    }] + rows)


def decide(reference, text):
    """Returns the decisions and the text as C4's rules leave it."""
    from reference import short_hash

    words = reference.words(text)
    c4, edited = reference.run_c4(text)
    keep, label, score = reference.run_language(text)
    return {
        "text": short_hash(text),
        "words": [len(words), short_hash("\0".join(words))],
        "sentences": reference.count_sentences(text),
        "language": [keep, label, score],
        "repetition": reference.run_repetition(text),
        "quality": reference.run_quality(text),
        "c4": [*c4, short_hash(edited)],
        "fineweb": reference.run_fineweb(text),
        "normal": short_hash(reference.normalise(text)),
        "tokens": reference.count_tokens(text),
        "pii": short_hash(reference.replace_pii(text)),
    }, edited


def run_all(reference, row, edited, is_edited):
    """Returns what becomes of the document before duplicates are looked for, as
    [stage, reason] or ["kept", hash of the text, tokens]."""
    from reference import short_hash

    if row.get("url"):
        return ["url", row["url"]]
    if not row["language"][0]:
        return ["language", ""]
    for stage in ("repetition", "quality", "c4"):
        if row[stage][0]:
            return [stage, row[stage][0]]
    reason = reference.run_fineweb(edited)[0] if is_edited else row["fineweb"][0]
    if reason:
        return ["fineweb", reason]
    if not is_edited:
        return ["kept", row["pii"], row["tokens"]]
    return ["kept", short_hash(reference.replace_pii(edited)), reference.count_tokens(edited)]


def golden_urls(args):
    from reference import Reference

    reference = Reference(args.home, MODEL)
    lists = reference.url_lists()
    fill = lambda m: lists[m[1]][int(m[2]) % len(lists[m[1]])]
    write_lines(args.out, [
        {"id": row["id"], "reason": reference.run_url(re.sub(r"\{(\w+):(\d+)}", fill, row["url"]))}
        for row in read_lines(TESTDATA / "urls.jsonl")
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", default="", help="folder that prepare fills")
    commands = parser.add_subparsers(required=True)

    def command(name, run, help, *arguments):
        c = commands.add_parser(name, help=help)
        c.set_defaults(run=run)
        for a in arguments:
            c.add_argument(a, **({"nargs": "+"} if a == "warc" else {"required": a == "--out"} if a.startswith("--") else {}))

    command("prepare", lambda a: prepare.prepare(a.home, a.downloads), "fill the home folder from packages", "downloads")
    command("corpus", corpus, "write the corpus of our own")
    command("extract", extract, "texts that the reference extracts", "warc", "--out")
    command("golden", golden, "decisions on texts; those of an earlier file on the same texts are taken over", "texts", "--out", "--known")
    command("golden-urls", golden_urls, "decisions on URLs", "--out")
    command("report", report.report, "compare two files of extracted texts and a truth file", "ours", "theirs", "golden", "truth")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
