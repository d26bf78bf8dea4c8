"""Makes the tiny models of this folder and what fastText predicts with them.

Needs the package fasttext (0.9.2). Runs in this folder, without arguments.
Models and predictions are compared in tests; nothing else uses them.
"""
import json
import random
import tempfile

import fasttext

SENTENCES = {
    "en": ["the boat lies in the harbour and waits for the tide", "we have never seen so much snow in april",
           "she wrote a long letter to her brother", "bread and cheese is all that they had with them"],
    "fr": ["le bateau attend la marée dans le port", "nous n'avons jamais vu autant de neige en avril",
           "elle a écrit une longue lettre à son frère", "ils n'avaient que du pain et du fromage avec eux"],
    "de": ["das boot liegt im hafen und wartet auf die flut", "so viel schnee haben wir im april noch nie gesehen",
           "sie schrieb ihrem bruder einen langen brief", "brot und käse war alles, was sie bei sich hatten"],
    "ru": ["лодка стоит в гавани и ждёт прилива", "мы никогда не видели столько снега в апреле",
           "она написала брату длинное письмо", "у них были с собой только хлеб и сыр"],
    "el": ["το καράβι περιμένει στο λιμάνι", "έγραψε ένα μεγάλο γράμμα στον αδελφό της"],
}
ODD = ["", " ", "</s>", "__label__en boat", "boat\x00harbour", "日本語 and bread", "the", "ß", "\t\v tide \f\r",
       "boat </s> никогда", "💡", "le le le le", "\u2028 marée"]


def write_training(path):
    rng = random.Random(5)
    rows = [f"__label__{lang} {' '.join(rng.sample(s.split(), k=min(len(s.split()), 6)))}"
            for lang, sentences in SENTENCES.items() for s in sentences for _ in range(30)]
    rng.shuffle(rows)
    with open(path, "w") as f:
        f.write("\n".join(rows) + "\n")


def predictions(model, texts):
    out = []
    for text in texts:
        scores = {label[len("__label__"):]: score.hex() for score, label in model.f.predict(text + "\n", -1, 0.0, "strict")}
        best = model.f.predict(text + "\n", 1, 0.0, "strict")
        out.append({
            "text": text,
            "label": best[0][1][len("__label__"):] if best else "",
            "score": best[0][0].hex() if best else (0.0).hex(),
            "scores": scores,
        })
    return out


def main():
    with tempfile.NamedTemporaryFile() as rows:
        train_models(rows.name)
    texts = [s for sentences in SENTENCES.values() for s in sentences] + ODD
    golden = {name: predictions(fasttext.FastText._FastText(name), texts)
              for name in ("tree.bin", "tree.ftz", "softmax.bin", "softmax.ftz")}
    with open("predictions.json", "w") as f:
        json.dump(golden, f, ensure_ascii=False, indent=1)
        f.write("\n")


def train_models(rows):
    write_training(rows)
    common = {"input": rows, "minn": 2, "maxn": 3, "thread": 1, "epoch": 20, "lr": 0.5, "verbose": 0}
    tree = fasttext.train_supervised(**common, dim=4, bucket=500, loss="hs")
    softmax = fasttext.train_supervised(**common, dim=6, bucket=400, loss="softmax")
    tree.save_model("tree.bin")
    softmax.save_model("softmax.bin")
    tree.quantize(input=rows, cutoff=300, retrain=True, qnorm=True, epoch=5, thread=1, verbose=0)
    tree.save_model("tree.ftz")
    softmax.quantize(input=rows, dsub=2, qout=False, verbose=0)
    softmax.save_model("softmax.ftz")


main()
