"""Writes the corpus of our own: testdata/own.jsonl and testdata/urls.jsonl.

Texts lie on both sides of every threshold of every filter, in series whose ids
end in a number: a border runs through each. All of it is made here; nothing is
quoted from elsewhere.
"""

from itertools import count, islice, product

from texts import FOREIGN, ODD, PII, PROSE, QUOTES

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


def names():
    """Pseudo-words, all different, of six letters."""
    for a, b, c, d in product(CONSONANTS, VOWELS, CONSONANTS, VOWELS):
        yield a + b + c + d + c + b


def filler(length):
    """A text of exactly so many characters, in which no word occurs twice."""
    text = " ".join(islice(names(), length // 7 + 2))[:length]
    return text[:-1] + "x" if text.endswith(" ") else text


def around(numerator, threshold):
    """Lengths at which numerator/length goes from above a threshold to below."""
    at = int(numerator / threshold)
    return [at - 1, at, at + 1, at + 2]


def padded(head, length):
    return head + " " + filler(length - len(head) - 1)


def lines_with(n, of, mark, plain):
    """of lines, n of them marked."""
    return "\n".join((mark if i < n else plain)(i) for i in range(of))


def prose(n, start=0):
    return [PROSE[(start + i) % len(PROSE)] for i in range(n)]


def repetition():
    short = [s[:40].strip() + "." for s in PROSE]
    for k in range(1, 6):  # k of 7+k: 0.3 at three
        yield "dup_para_frac", "\n\n".join(short[:7] + short[:k])
        yield "dup_line_frac", "\n".join(short[:7] + short[:k])
        yield "dup_line_frac-blank", "\n\n".join(short[: 2 + k])
        yield "dup_line_frac-end", "\n".join(short[:7] + short[:k]) + "\n"
        yield "dup_line_frac-run", "\n\n\n".join(short[:7] + short[:k])
    for separator, rule in (("\n\n", "dup_para_char_frac"), ("\n", "dup_line_char_frac")):
        twice = "a wide grey stone bridge crosses the stream"
        for length in around(len(twice), 0.2):
            rest = length - 2 * len(twice) - 3 * len(separator)
            yield rule, separator.join([twice, filler(rest // 2), twice, filler(rest)[rest // 2 :][: rest - rest // 2]])
    for n, threshold in ((2, 0.2), (3, 0.18), (4, 0.16)):
        gram = " ".join(("copper", "kettle", "beside", "window")[:n])
        text = "".join(f"{gram} {w} " for w in ("opal", "amber", "quartz"))
        for length in around(3 * len(gram), threshold):
            yield f"top_{n}_gram", padded(text.strip(), length)
    for n, threshold in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)):
        words = (w + w[::-1] for w in names())  # none of them in the filler
        grams = [list(islice(words, n)) for _ in range(5)]
        single = list(islice(words, 10))
        text = " ".join(w for i, g in enumerate(grams + grams) for w in [*g, single[i]])
        for length in around(sum(len("".join(g)) for g in grams), threshold):
            yield f"duplicated_{n}_n_grams", padded(text, length)
    for text in ("alpha beta", "one", "\n\nalpha\n\n", "one two three four five six seven"):
        yield "short", text


def quality():
    words = " ".join(PROSE).replace(",", "").replace(".", "").split()
    for k in range(48, 53):
        yield "gopher_short_doc", " ".join(words[:k])
        yield "gopher_short_doc-marks", " - ".join(words[:k]) + " !"
    for k in (1, 2):
        yield "gopher_long_doc", [("the old mill and", 1), (" the old mill and", 24999), (" stone" * (k - 1), 1)]
    for k in range(3):
        yield "gopher_below_avg_threshold", " ".join(["the fox and hen ran"] * 12 + ["ox"] * k)
        yield "gopher_above_avg_threshold", " ".join(["that", "with", "lighthouses" * 2] + ["incredible"] * 57) + "s" * k
    for k in (5, 6, 7, 8):
        yield "gopher_too_many_hashes", " ".join(words[:63] + ["#"] * k)
        yield "gopher_too_many_ellipsis", " ".join(words[:63] + ["..."] * k)
        yield "gopher_too_many_ellipsis-sign", " ".join(words[:63] + ["…"] * k)
    for n in (8, 9, 10):
        for mark in ("- ", "• ", "  -"):
            yield "gopher_too_many_bullets", lines_with(n, 10, lambda i: mark + PROSE[i], lambda i: PROSE[i])
    for n in (2, 3, 4):
        for mark in ("...", "…", "... "):
            yield "gopher_too_many_end_ellipsis", lines_with(n, 10, lambda i: PROSE[i][:-1] + mark, lambda i: PROSE[i])
    for k in (19, 20, 21):
        yield "gopher_below_alpha_threshold", " ".join(words[: 100 - k] + [str(1000 + i) for i in range(k)])
    bare = filler(60 * 7)
    for tail in ("", "the", "the the", "the of", "The Of", "that have", "with."):
        yield "gopher_enough_stop_words", f"{bare} {tail}".strip()


def c4():
    for k in (3, 4, 5, 6):
        yield "too_few_sentences", " ".join(PROSE[:k])
        yield "too_few_sentences-lines", "\n".join(PROSE[:k])
        yield "too_few_sentences-quoted", "\n".join(QUOTES[12 : 10 + k])
    for line in (
        "Lorem ipsum stands here instead of text.", "lorem ipsum", "A sentence that holds LOREM IPSUM in capitals.",
        "The function f() { returns } nothing of use.", "{ }", "Turn on JavaScript { now } to go on.", "Turn on javascript.",
        "Read our privacy policy { here } before you go.", "This site uses cookies to remember you.", "Cookie Policy of the mill",
        "By going on you accept the Terms of Use.", "We make use of cookies here.", "We use cookies too.",
        "Two words", "Three words here", "One[1] two", "A fact.[12] Another[edit] one[citation needed] stays.", "[3]", "A [] b [x] c.",
        "[Citation Needed] is kept and [Edit] as well.", "[٣] is a digit, too.", "  \t  ", "Trailing space [4] ",
    ):
        yield "line", "\n".join([*PROSE[:5], line])
    for k in (999, 1000, 1001):
        yield "long_word", [("\n".join(PROSE[:4]) + "\n", 1), ("w", k), (" is a long word.", 1)]
    yield "separators", "\u2028".join(PROSE[:3]) + "\x85" + "\x1c".join(PROSE[3:6]) + "\r\n" + "\x0b".join(PROSE[6:8])


def fineweb():
    point, plain = lambda i: PROSE[i % 60][:60] + f"{i}.", lambda i: PROSE[i % 60][:60] + f"{i}"
    for n in (2, 3, 4):  # 3 of 25 is 0.12
        yield "line_punct_ratio", lines_with(n, 25, point, plain)
        yield "line_punct_ratio-quote", lines_with(n, 25, lambda i: plain(i) + '"', plain)
        yield "line_punct_ratio-blank", lines_with(n, 25, point, plain).replace("\n", "\n\n")
    for mark in ("。", "？", "؟", "।", "…", "’", "”", "'", "!", "?", "‽", " ."):
        yield "line_punct_ratio-mark", "\n".join(plain(i) + mark for i in range(8))
    for n in (66, 67, 68):
        yield "short_line_ratio", lines_with(n, 100, lambda i: f"Line {i} has few words.", point)
    for k in (29, 30, 31):
        yield "short_line_length", lines_with(9, 12, lambda i: filler(700)[i * 35 :][: k - 1] + ".", point)
    for d in (-1, 0, 1, 2):
        twice = "Twice said."
        yield "char_dup_ratio", "\n".join([twice, filler(len(twice) * 100 - 2 * len(twice) + d - 1) + ".", twice])
    for n in (29, 30, 31):  # 9 line feeds to 30 words are 0.3
        words = [w + w[::-1] for w in islice(names(), 33)]
        lines = [" ".join(words[3 * i : 3 * i + (2 if i < 2 else 3)]) + ("." if i < 2 else "") for i in range(10)]
        yield "list_ratio", "\n".join(lines)[: -13 if n == 29 else None] + (" " + words[32] if n == 31 else "")
    for text in (" \n \n", "\n", "no end", "a\nb\nc\nd\ne", "A line.\n\n\n\nA line.\n\n\nAnother line that is not short at all, not even a bit."):
        yield "small", text


def language():
    for code, text in sorted(FOREIGN.items()):
        yield code, text
        yield code + "-lines", text.replace(". ", ".\n").replace("。", "。\n")
    for code in ("fr", "de", "nl", "af"):
        for k in range(0, 7):
            yield f"{code}-mixed", " ".join([FOREIGN[code], *prose(k)])
    for text in ("ok", "12345 67890", "", "Menu\nHome\nAbout\nContact", "http://example.com/a/b", "__label__fr", "a </s> b", "\u00a0\u3000"):
        yield "bare", text


def minhash():
    for start in range(0, 40, 8):
        text = " ".join(prose(10, start))
        yield "family", text
        yield "family", text.upper().replace(",", " -")
        for k in (1, 2, 3, 4, 6):
            yield "family", " ".join(prose(10, start + k))
        words = text.split()
        for step in (40, 20, 12, 8, 5):
            yield "family", " ".join("pebble" if i % step == step - 1 else w for i, w in enumerate(words))
    for k in range(3, 8):
        yield "short", " ".join(f"word{c}" for c in "abcdefgh"[:k])


def documents():
    groups = {
        "repetition": repetition, "quality": quality, "c4": c4, "fineweb": fineweb, "language": language, "minhash": minhash,
        "pii": lambda: (("form", t) for t in PII), "odd": lambda: (("text", t) for t in ODD),
        "quotes": lambda: (("text", " ".join(QUOTES[i : i + 6])) for i in range(0, len(QUOTES), 3)),
        "prose": lambda: (("text", "\n".join(prose(12, i))) for i in range(0, 60, 6)),
    }
    for group, make in groups.items():
        number = {}
        for rule, text in make():
            i = number.setdefault(rule, count(1))
            row = {"id": f"{group}/{rule}/{next(i)}"}
            if isinstance(text, str):
                row["text"] = text
            else:
                row["parts"] = [{"text": t, "times": n} for t, n in text if t]
            yield row


def urls():
    """Addresses. {domain:n}, {url:n}, {hard:n}, {soft:n} and {sub:n} stand for
    entry n of a list of the URL filter."""
    n = count(1)
    plain = [
        "http://example.com/", "https://www.example.co.uk/a?b=c#d", "http://co.uk/", "http://example.city.kawasaki.jp/", "http://a.b.kawasaki.jp/",
        "http://www.ck/", "http://x.www.ck/", "http://user.github.io/", "http://example.notatld/", "http://192.0.2.7/x", "http://[2001:db8::1]/",
        "http://example.com./", "HTTP://EXAMPLE.COM/", "//example.com/x", "example.com", "http://xn--bcher-kva.example.de/", "http://bücher.example.de/",
        "http://例え.jp/", "http://a.公司.cn/", "http://user:pass@example.com:8080/", "http://example.com:80", "ftp://example.com/", "http://a_b.example.com/",
        "http://example。com/", "dns:example.com", "http://example.com/a b", "http:/example.com", "http://.example.com/", "http://-.com/", "mailto:a@example.com",
        "http://blog.example.blogspot.com/", "http://s3.amazonaws.com/bucket", "http://www.parliament.uk/", "http://foo.bar.bd/", "http://localhost/",
    ]
    for url in plain:
        yield {"id": f"url/plain/{next(n)}", "url": url}
    forms = {
        "domain": ["http://{domain:N}/", "https://www.{domain:N}/x", "{domain:N}", "http://a.b.{domain:N}:81/?q", "http://{domain:N}.example.com/"],
        "url": ["{url:N}", "http://{url:N}", "{url:N}/"],
        "hard": ["http://example.com/{hard:N}", "http://example.com/a-{hard:N}_b", "http://example.com/x{hard:N}x", "http://{hard:N}.example.org/"],
        "soft": ["http://example.com/{soft:N}", "http://example.com/{soft:N}/{soft:M}", "http://example.com/{soft:N}-{soft:N}"],
        "sub": ["http://example.com/x{sub:N}y", "http://{sub:N}.example.net", "http://example.com/Q{sub:N}-Z"],
    }
    sizes = {"domain": 4000000, "url": 5000, "hard": 200, "soft": 85, "sub": 130}
    for name, patterns in forms.items():
        for i in range(40):
            at = i * sizes[name] // 40
            pattern = patterns[i % len(patterns)]
            yield {"id": f"url/{name}/{i + 1}", "url": pattern.replace(":N}", f":{at}}}").replace(":M}", f":{(at + 7) % sizes[name]}}}")}
