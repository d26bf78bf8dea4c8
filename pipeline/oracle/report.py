"""Compares extracted texts with each other and with what people marked as the
content of the pages, and what becomes of the pages in the end."""

import re
from collections import Counter


def bag(text):
    return Counter(re.findall(r"\w+", text.lower()))


def f1(a, b):
    """Of two multisets of words; 1 if both are empty."""
    if not a and not b:
        return 1.0
    both = sum((a & b).values())
    return 2 * both / (sum(a.values()) + sum(b.values()))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def report(args):
    from oracle import read_lines

    ours = {r["id"]: r for r in read_lines(args.ours)}
    theirs = {r["id"]: r for r in read_lines(args.theirs)}
    decided = list(read_lines(args.golden))
    profile = {"0.2.0": "release", "0.10.1": "head"}[decided[0]["datatrove"]]
    ids = [i for i in theirs if i in ours]
    print(f"profile {profile}: {len(ours)} pages read here, {len(theirs)} by the reference, {len(ids)} by both")
    print(f"same decoded page: {sum(ours[i]['html'] == theirs[i]['html'] for i in ids)}")
    bags = {side: {i: bag(rows[i]["text"]) for i in ids} for side, rows in (("ours", ours), ("theirs", theirs))}
    truths = [(r["record_id"], bag(r["text"])) for r in read_lines(args.truth) if r["record_id"] in ours]
    for side in bags:
        scores = [f1(bags[side].get(i, Counter()), t) for i, t in truths]
        empty = sum(not bags[side][i] for i in ids)
        print(f"F1 of {side} against the truth, {len(scores)} pages: {mean(scores):.4f}; pages without text {empty}")
    agreement = [f1(bags["ours"][i], bags["theirs"][i]) for i in ids]
    print(
        f"F1 of ours against theirs: mean {mean(agreement):.4f}, same text {mean(ours[i]['text'] == theirs[i]['text'] for i in ids):.3f}, "
        f"above 0.99 {mean(a > 0.99 for a in agreement):.3f}, below 0.5 {mean(a < 0.5 for a in agreement):.3f}"
    )
    matrix(ids, ours, {r["id"]: r["end"] for r in decided[1:]}, theirs, profile)


def matrix(ids, ours, decisions, theirs, profile):
    """How many pages end where, before duplicates are looked for."""
    there = {i: decisions[i][0] if theirs[i]["text"] else "extract" for i in ids}
    here = {i: ours[i]["end"][profile][0] for i in ids}
    # The reference filters URLs before it extracts.
    for i in ids:
        if decisions[i][0] == "url":
            there[i] = "url"
    pairs = Counter((here[i], there[i]) for i in ids)
    kept = lambda side: [o == "kept" for o in (side[i] for i in ids)]
    same = sum(a == b for a, b in zip(kept(here), kept(there)))
    print(f"kept here {sum(kept(here))}, kept there {sum(kept(there))}, same fate {same} of {len(ids)}: {same / len(ids):.4f}")
    stages = ["url", "extract", "language", "repetition", "quality", "c4", "fineweb", "kept"]
    print("| here \\ there | " + " | ".join(stages) + " |")
    print("|---" * (len(stages) + 1) + "|")
    for row in stages:
        print(f"| {row} | " + " | ".join(str(pairs[row, column]) for column in stages) + " |")
