package compare_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
)

// letters is a tokenizer of one token a byte.
type letters struct{}

func (letters) Encode(dst []uint16, text string) []uint16 {
	for i := range len(text) {
		dst = append(dst, uint16(text[i]))
	}
	return dst
}

func (letters) EOS() uint16  { return 256 }
func (letters) Vocab() int   { return 257 }
func (letters) Name() string { return "letters/1" }
func (letters) Hash() string { return "letters" }

// bigrams is a trainer that counts pairs of tokens: it learns in no time, and
// learns more from text like that it is scored on.
type bigrams struct {
	runs atomic.Int64
	// before is called at the beginning of run n, counted from 1.
	before func(ctx context.Context, n int64) error
	// spoil changes a result.
	spoil func(n int64, r *lm.Result)
}

func (*bigrams) Kernel() string { return "test/bigrams" }

func (b *bigrams) Train(ctx context.Context, j lm.Job) (lm.Result, error) {
	n := b.runs.Add(1)
	if b.before != nil {
		if err := b.before(ctx, n); err != nil {
			return lm.Result{}, err
		}
	}
	vocab := j.Spec.Config.Vocab
	pairs := make([]float64, vocab*vocab)
	totals := make([]float64, vocab)
	length := j.Spec.Config.Context + 1
	batch := make([]uint16, j.Spec.Batch*length)
	r := lm.Result{Kernel: b.Kernel(), TrainSeconds: 1, EvalSeconds: 0.5, CPUSeconds: 2}
	for step := range j.Data.Steps() {
		j.Data.Batch(step, batch)
		for i := range batch {
			if i%length > 0 {
				pairs[int(batch[i-1])*vocab+int(batch[i])]++
				totals[batch[i-1]]++
			}
		}
		r.Tokens += int64(len(batch) - j.Spec.Batch)
		r.Losses = append(r.Losses, lm.Point{Step: step + 1, Loss: 1 / float64(step+1)})
		if j.Progress != nil {
			j.Progress(lm.Progress{Step: step + 1, Steps: j.Data.Steps(), Examples: len(j.Examples), Tokens: r.Tokens})
		}
	}
	for _, e := range j.Examples {
		s := lm.Score{Tokens: len(e.Tokens) - e.From}
		for i := e.From; i < len(e.Tokens); i++ {
			before, token := int(e.Tokens[i-1]), int(e.Tokens[i])
			s.NLL -= math.Log((pairs[before*vocab+token] + 0.1) / (totals[before] + 0.1*float64(vocab)))
			likeliest := true
			for _, n := range pairs[before*vocab : (before+1)*vocab] {
				likeliest = likeliest && n <= pairs[before*vocab+token]
			}
			if likeliest {
				s.Correct++
			}
		}
		r.Scores = append(r.Scores, s)
	}
	if j.Progress != nil {
		j.Progress(lm.Progress{Step: j.Data.Steps(), Steps: j.Data.Steps(), Example: len(j.Examples), Examples: len(j.Examples), Tokens: r.Tokens})
	}
	if b.spoil != nil {
		b.spoil(n, &r)
	}
	return r, nil
}

// prose returns invented text: sentences of words that no one has seen together.
func prose(seed eval.Seed, bytes int) string {
	words := strings.Fields("the old river ran past a small mill where bread was baked each day for people who came by boat from far away towns to sell wool salt iron and glass on market days while children played near its banks until evening bells called them home again under stars")
	stream := seed.Stream()
	var b strings.Builder
	for b.Len() < bytes {
		word := words[stream.Below(uint64(len(words)))]
		// A number makes each run of words another.
		if stream.Below(8) == 0 {
			word += fmt.Sprint(stream.Below(10000))
		}
		b.WriteString(word)
		b.WriteByte(" .\n"[stream.Below(24)/23*stream.Below(3)])
	}
	return strings.TrimSpace(b.String())
}

func seedOf(name string) eval.Seed { return eval.Seed{}.Sub(name) }

// dataset is a set of n pages of prose, each changed by edit.
func dataset(name string, n int, edit func(i int, d compare.Document) compare.Document) compare.Input {
	documents := make([]compare.Document, n)
	for i := range documents {
		documents[i] = compare.Document{
			Key: fmt.Sprintf("page-%d", i), URL: fmt.Sprintf("https://host%d.example/page", i/2), Text: prose(seedOf(fmt.Sprintf("page/%d", i)), 600),
		}
		if edit != nil {
			documents[i] = edit(i, documents[i])
		}
	}
	return listed(name, documents...)
}

func listed(name string, documents ...compare.Document) compare.Input {
	return compare.Input{Name: name, Documents: func(context.Context) iter.Seq2[compare.Document, error] {
		return func(yield func(compare.Document, error) bool) {
			for _, d := range documents {
				if !yield(d, nil) {
					return
				}
			}
		}
	}}
}

// noise replaces letters of a share of the pages.
func noise(every int) func(i int, d compare.Document) compare.Document {
	return func(i int, d compare.Document) compare.Document {
		if i%every == 0 {
			d.Text = strings.NewReplacer("e", "#", "a", "9", "o", "_", "r", "Q", " ", "-").Replace(d.Text)
		}
		return d
	}
}

// heldOut is a panel of prose, questions and passages.
func heldOut(t testing.TB) *panel.Panel {
	t.Helper()
	var notes, quiz, ends strings.Builder
	line := func(b *strings.Builder, v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(raw, '\n'))
	}
	for i := range 20 {
		seed := seedOf(fmt.Sprintf("held out/%d", i))
		line(&notes, map[string]any{"id": fmt.Sprintf("n%d", i), "text": prose(seed, 500)})
		line(&quiz, map[string]any{
			"query":   "Question: " + prose(seed.Sub("question"), 60),
			"choices": []string{prose(seed.Sub("right"), 30), "#9_Q-" + strings.Repeat("Q", i)}, "gold": 0,
		})
		line(&ends, map[string]any{"context": prose(seed.Sub("context"), 120), "continuation": "river"})
	}
	dir := t.TempDir()
	for name, b := range map[string]*strings.Builder{"notes.jsonl": &notes, "quiz.jsonl": &quiz, "ends.jsonl": &ends} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := panel.Load(dir, panel.Definition{Name: "invented", Suites: []panel.Suite{
		{Name: "notes", Kind: panel.Text, Format: panel.Lines, Files: []string{"notes.jsonl"}, Units: 15, Weight: 600},
		{Name: "quiz", Kind: panel.Choice, Format: panel.Lines, Files: []string{"quiz.jsonl"}, Weight: 200},
		{Name: "ends", Kind: panel.Cloze, Format: panel.Lines, Files: []string{"ends.jsonl"}, Weight: 200},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// smallTier trains on 8,192 tokens.
func smallTier() compare.Tier {
	return compare.Tier{
		Name: "test", Evidence: compare.EvidenceNone, Trainer: compare.TrainerNative, Seeds: 2,
		DocumentBytes: 1 << 10, HostShare: 0.25, BytesPerToken: 2,
		Spec: lm.Spec{
			Version: lm.Version, Config: lm.Config{Vocab: 257, Dim: 16, Layers: 1, Heads: 2, Hidden: 32, Context: 64},
			Tokens: 8192, Batch: 8, MuonRate: 0.02, AdamRate: 0.01, WarmUp: 0.02, Decay: 0.6,
		},
	}
}

// calibration of a tier, as if models of the same data differed by deviation.
func calibration(t testing.TB, tier compare.Tier, deviation eval.Decimal) stats.Calibration {
	t.Helper()
	hash, err := tier.SpecHash()
	if err != nil {
		t.Fatal(err)
	}
	suite := stats.SuiteDeviation{Bits: deviation, Accuracy: deviation}
	return stats.Calibration{
		Tier: tier.Name, Spec: hash, Panel: "invented", Weights: map[string]int{"notes": 600, "quiz": 200, "ends": 200},
		Deviation: deviation, Suites: map[string]stats.SuiteDeviation{"notes": suite, "quiz": suite, "ends": suite}, Freedom: 30,
	}
}

// comparer compares with bigrams, and keeps runs in a folder of the test.
func comparer(t testing.TB) (*compare.Comparer, *bigrams) {
	t.Helper()
	runs, err := compare.OpenRuns(filepath.Join(t.TempDir(), "runs"))
	if err != nil {
		t.Fatal(err)
	}
	trainer := &bigrams{}
	return &compare.Comparer{
		Tier: smallTier(), Panel: heldOut(t), Trainer: trainer, Tokenizer: letters{}, Runs: runs,
		Calibration: calibration(t, smallTier(), 0.02),
	}, trainer
}
