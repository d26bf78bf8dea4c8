package refiner_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/shard"
	"finest/roles/refiner"
)

// wordStage is the stage minhash: two texts with the same first word are near
// duplicates. A text without a space has no keys.
type wordStage struct{ testStage }

func (wordStage) Process(d *pipeline.Document) *pipeline.Drop {
	d.BandKeys = nil
	if word, _, ok := strings.Cut(d.Text, " "); ok {
		h := fnv.New64()
		_, _ = h.Write([]byte(word))
		d.BandKeys = make([]uint64, contract.Bands)
		for i := range d.BandKeys {
			d.BandKeys[i] = h.Sum64() + uint64(i)
		}
	}
	return nil
}

func (wordStage) Keys(d *pipeline.Document) []uint64 { return d.BandKeys }

func (wordStage) Compare(o keysort.Options) pipeline.Comparison { return minhash.NewClusterer(o) }

// countStage counts bytes as tokens, and drops what has an X in the end.
type countStage struct{ testStage }

func (countStage) Process(d *pipeline.Document) *pipeline.Drop {
	d.TokenCount = int64(len(d.Text))
	if strings.HasSuffix(d.Text, "X") {
		return &pipeline.Drop{Reason: "x", Value: 2}
	}
	return nil
}

// acrossRunner has every kind of step across records, and stages behind them.
func acrossRunner(t testing.TB, workers int) *pipeline.Runner {
	t.Helper()
	sentence := dedup.SentenceSpec()
	for name, v := range map[string]string{"n_sentences": "1", "split_sentences": "false", "min_doc_words": "0", "min_num_sentences": "0"} {
		sentence.Params[name] = v
	}
	r := pipeline.Recipe{Name: "across", PipelineVersion: pipeline.Version, Stages: []pipeline.StageSpec{
		pipeline.ReadSpec(), {Name: "extract"}, dedup.URLSpec(), dedup.ExactSpec(), sentence, {Name: minhash.Name}, {Name: "count"},
	}}
	stages := []pipeline.Stage{testStage{"extract"}}
	for i, build := range []func(pipeline.StageSpec) (pipeline.Stage, error){dedup.NewURL, dedup.NewExact, dedup.NewSentence} {
		s, err := build(r.Stages[2+i])
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, s)
	}
	runner, err := pipeline.NewRunner(r, append(stages, wordStage{testStage{minhash.Name}}, countStage{testStage{"count"}}))
	if err != nil {
		t.Fatal(err)
	}
	runner.Workers = workers
	return runner
}

// writeAcross writes files whose pages repeat URLs, texts, lines and first words.
func writeAcross(t testing.TB, dir string, count int) []refiner.Input {
	t.Helper()
	for n := range count {
		file := member(record("warcinfo", fmt.Sprint("info", n), "isPartOf: TEST-2026-01\r\n"))
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		letter := func(n int) rune { return 'a' + rune(rng.IntN(n)) }
		for i := range 80 {
			var lines []string
			for range 1 + rng.IntN(4) {
				lines = append(lines, fmt.Sprintf("%c says %c%c", letter(26), letter(26), letter(3)))
			}
			html := strings.Join(lines, "\n")
			switch i % 20 {
			case 3:
				html = fmt.Sprint("alone", rng.IntN(3))
			case 5:
				html += " X"
			}
			page := record("response", fmt.Sprint(n, "-", i), "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"+html)
			page = strings.Replace(page, fmt.Sprintf("https://example.org/%d-%d\r\n", n, i), fmt.Sprintf("https://example.org/%d\r\n", rng.IntN(500)), 1)
			file = append(file, member(page)...)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.warc.gz", n)), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return inputsIn(t, dir)
}

// seen finds what was there before, the slow way.
type seen map[string]*contract.LedgerRow

func (s seen) before(what string, row *contract.LedgerRow) *contract.LedgerRow {
	first, ok := s[what]
	if !ok {
		s[what] = row
	}
	return first
}

// The steps take place in the order of the recipe, each over what the ones before
// left, and rows are what the stages make of the edited text.
func TestAcrossResult(t *testing.T) {
	inputs := writeAcross(t, t.TempDir(), 3)
	plain := acrossRunner(t, 2)
	plain.Recipe.Stages = []pipeline.StageSpec{pipeline.ReadSpec(), {Name: "extract"}}
	plain.Stages = plain.Stages[:1]
	before := t.TempDir()
	m := refine(t, refiner.Options{Inputs: inputs, Runner: plain, OutDir: before}).Manifest
	rows := rowsOf(t, before, m.Shards(), shard.ReadRows)
	want := rowsOf(t, before, m.Ledgers(), shard.ReadLedger)
	var wantRows []contract.Row
	drop := func(row, keeper *contract.LedgerRow, outcome string) {
		row.Outcome, row.Reason = outcome, contract.ReasonDuplicate
		row.KeptFile, row.KeptOffset = keeper.File, keeper.Offset
	}
	urls, texts, lines, words := make(seen), make(seen), make(map[string]bool), make(seen)
	// Step by step: a document that one step drops takes no part in the next.
	left := make([]*contract.Row, len(want))
	n := 0
	for i := range want {
		if want[i].Outcome == contract.OutcomeKept {
			left[i] = &rows[n]
			n++
		}
	}
	each := func(do func(l *contract.LedgerRow, r *contract.Row) (keep bool)) {
		for i := range left {
			if left[i] != nil && !do(&want[i], left[i]) {
				left[i] = nil
			}
		}
	}
	each(func(l *contract.LedgerRow, r *contract.Row) bool {
		keeper := urls.before(r.URL, l)
		if keeper != nil {
			drop(l, keeper, dedup.URL)
		}
		return keeper == nil
	})
	each(func(l *contract.LedgerRow, r *contract.Row) bool {
		keeper := texts.before(r.Text, l)
		if keeper != nil {
			drop(l, keeper, dedup.Exact)
		}
		return keeper == nil
	})
	each(func(l *contract.LedgerRow, r *contract.Row) bool {
		var kept []string
		for _, line := range strings.Split(r.Text, "\n") {
			key := minhash.Release.Apply(line)
			if !lines[key] {
				kept = append(kept, line)
			}
			lines[key] = true
		}
		r.Text = strings.Join(kept, "\n")
		r.TokenCount, l.Characters = int64(len(r.Text)), int64(len(r.Text))
		switch {
		case r.Text == "":
			l.Outcome, l.Reason = dedup.Sentence, dedup.ReasonEmpty
		case strings.HasSuffix(r.Text, "X"):
			l.Outcome, l.Reason, l.Value = "count", "x", 2
		default:
			d := &pipeline.Document{Text: r.Text}
			wordStage{}.Process(d)
			if l.BandKeys = d.BandKeys; l.BandKeys != nil {
				l.KeptFile, l.KeptOffset = l.File, l.Offset
			}
			return true
		}
		return false
	})
	each(func(l *contract.LedgerRow, r *contract.Row) bool {
		if l.BandKeys != nil {
			word, _, _ := strings.Cut(r.Text, " ")
			if keeper := words.before(word, l); keeper != nil {
				drop(l, keeper, contract.OutcomeMinHash)
				return false
			}
		}
		wantRows = append(wantRows, *r)
		return true
	})

	out := t.TempDir()
	m = refine(t, refiner.Options{Inputs: inputs, Runner: acrossRunner(t, 2), OutDir: out}).Manifest
	got := rowsOf(t, out, m.Ledgers(), shard.ReadLedger)
	if len(got) != len(want) {
		t.Fatalf("%d ledger rows, want %d", len(got), len(want))
	}
	for i := range got {
		if len(got[i].BandKeys) == 0 {
			got[i].BandKeys = nil
		}
		if len(want[i].BandKeys) == 0 {
			want[i].BandKeys = nil
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("ledger row %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	if gotRows := rowsOf(t, out, m.Shards(), shard.ReadRows); !reflect.DeepEqual(gotRows, wantRows) {
		t.Fatalf("%d rows, want %d, or others", len(gotRows), len(wantRows))
	}
	outcomes := make(map[string]int64)
	for _, c := range m.Counts {
		outcomes[c.Outcome+" "+c.Reason] += c.Rows
	}
	for _, o := range []string{
		"kept ", "url_dedup duplicate", "exact_dedup duplicate", "sentence_dedup empty", "minhash duplicate", "count x",
	} {
		if outcomes[o] == 0 {
			t.Errorf("the files exercise too little: no %q among %v", o, outcomes)
		}
	}
}

// Workers, budgets and kills change no byte, with steps across records too.
func TestAcrossSameBytes(t *testing.T) {
	in := t.TempDir()
	inputs := writeAcross(t, in, 3)
	out := t.TempDir()
	calls := 0
	want := digest(t, out, refine(t, refiner.Options{
		Inputs: inputs, Runner: acrossRunner(t, 1), OutDir: out, Progress: func(refiner.Progress) { calls++ },
	}))
	out = t.TempDir()
	if got := digest(t, out, refine(t, refiner.Options{Inputs: inputs, Runner: acrossRunner(t, 4), KeyBudget: 100, OutDir: out})); got != want {
		t.Fatal("four workers and a small budget give other bytes")
	}
	if left, err := filepath.Glob(filepath.Join(out, ".work", "keys-*")); err != nil || len(left) > 0 {
		t.Fatalf("left %v, error %v", left, err)
	}
	// The last signs of progress are: clusters, three files revised, clusters,
	// writing.
	for _, kill := range []struct{ first, second int }{{calls / 2, 20}, {calls - 3, 6}, {calls, 9}} {
		t.Run(fmt.Sprintf("killed at %d and %d", kill.first, kill.second), func(t *testing.T) {
			t.Setenv(envRunner, "across")
			dir := t.TempDir()
			if err := os.Symlink(in, filepath.Join(dir, "in")); err != nil {
				t.Fatal(err)
			}
			killedRun(t, dir, kill.first)
			killedRun(t, dir, kill.second)
			out := filepath.Join(dir, "out")
			r := refine(t, refiner.Options{Inputs: inputsIn(t, filepath.Join(dir, "in")), Runner: acrossRunner(t, 2), OutDir: out})
			if got := digest(t, out, r); got != want {
				t.Fatal("the resumed run gives other bytes")
			}
		})
	}
}

// A receipt's job is one that others can check; and no row of an edited text is.
func TestAcrossIsForRefineOnly(t *testing.T) {
	runner := acrossRunner(t, 1)
	_, err := refiner.Refine(context.Background(), refiner.Options{
		Inputs: writeAcross(t, t.TempDir(), 1), Runner: runner, Leased: true, OutDir: t.TempDir(),
	})
	if err == nil || !strings.Contains(err.Error(), "refine only") {
		t.Errorf("leased: error %v", err)
	}
	err = refiner.Verify(context.Background(), refiner.VerifyOptions{Name: "a.parquet", Runner: runner}, nil)
	if err == nil || !strings.Contains(err.Error(), dedup.Sentence) {
		t.Errorf("verify: error %v", err)
	}
}
