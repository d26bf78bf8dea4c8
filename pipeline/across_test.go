package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// step is a made-up step across records, whose keys are the lengths of the words.
type step struct{ stage }

func (step) Keys(d *pipeline.Document) []uint64 {
	var keys []uint64
	for _, word := range strings.Fields(d.Text) {
		keys = append(keys, uint64(len(word)))
	}
	return keys
}

func (step) Compare(keysort.Options) pipeline.Comparison { return nil }

// editor is one that cuts out words.
type editor struct{ step }

func (editor) Edit(d *pipeline.Document, places []uint32) *pipeline.Drop {
	words := strings.Fields(d.Text)
	for _, p := range slices.Backward(places) {
		words = slices.Delete(words, int(p), int(p)+1)
	}
	if d.Text = strings.Join(words, " "); d.Text == "" {
		return &pipeline.Drop{Reason: "empty", Value: float64(len(places))}
	}
	return nil
}

func nothing(*pipeline.Document) *pipeline.Drop { return nil }

func acrossRunner(workers int) *pipeline.Runner {
	return &pipeline.Runner{
		Workers: workers,
		Now:     func() time.Time { return time.Unix(0, 0) },
		Stages: []pipeline.Stage{
			stage{"a", nothing}, step{stage{"b", nothing}}, editor{step{stage{"c", nothing}}},
			stage{"d", func(d *pipeline.Document) *pipeline.Drop {
				switch d.TokenCount = int64(len(d.Text)); {
				case strings.Contains(d.Text, "drop"):
					return &pipeline.Drop{Reason: "asked", Value: 3}
				case strings.Contains(d.Text, "panic"):
					panic("asked")
				}
				return nil
			}},
			step{stage{"e", nothing}},
		},
	}
}

func names[S pipeline.Stage](stages []S) string {
	var all []string
	for _, s := range stages {
		all = append(all, s.Name())
	}
	return strings.Join(all, " ")
}

func TestPasses(t *testing.T) {
	r := acrossRunner(1)
	if got := names(r.Across()); got != "b c e" {
		t.Errorf("steps %s", got)
	}
	passes := r.Passes()
	if len(passes) != 2 || names(passes[0].Stages) != "a b c" || names(passes[1].Stages) != "d e" || names(passes[1].Across()) != "e" {
		t.Errorf("passes %v", passes)
	}
	r.Stages = r.Stages[:2]
	if passes := r.Passes(); len(passes) != 1 || names(passes[0].Stages) != "a b" {
		t.Errorf("without an editor: passes %v", passes)
	}
	r.Stages = acrossRunner(1).Stages[:3]
	if passes := r.Passes(); len(passes) != 2 || len(passes[1].Stages) != 0 {
		t.Errorf("with the editor last: passes %v", passes)
	}
}

func revisions(texts ...string) iter.Seq2[pipeline.Revision, error] {
	return func(yield func(pipeline.Revision, error) bool) {
		for i, text := range texts {
			v := pipeline.Revision{Result: pipeline.Result{Ledger: contract.LedgerRow{
				Offset: int64(i), Outcome: contract.OutcomeKept, KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
			}}}
			if text == "" {
				v.Ledger.Outcome, v.Ledger.Reason = "b", contract.ReasonDuplicate
			} else {
				v.Row = &contract.Row{Text: text, ID: fmt.Sprint(i), WARCOffset: int64(i), TokenCount: 99}
			}
			for place, word := range strings.Fields(text) {
				if word == "again" {
					v.Places = append(v.Places, uint32(place))
				}
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

func TestRevise(t *testing.T) {
	for _, tt := range []struct {
		text    string
		outcome string
		reason  string
		value   float64
		left    string
		keys    []uint64
	}{
		{"as it is", "kept", "", 0, "as it is", []uint64{2, 2, 2}},
		{"again edited again", "kept", "", 0, "edited", []uint64{6}},
		{"again again", "c", "empty", 2, "", nil},
		{"now again drop", "d", "asked", 3, "", nil},
		{"panic", "d", pipeline.ReasonPanic, 0, "", nil},
		{"", "b", contract.ReasonDuplicate, 0, "", nil},
	} {
		pass := acrossRunner(1).Passes()[1]
		times, err := pass.Revise(t.Context(), revisions(tt.text), func(r pipeline.Result) error {
			l := r.Ledger
			if l.Outcome != tt.outcome || l.Reason != tt.reason || l.Value != tt.value || (r.Row != nil) != (tt.outcome == "kept") {
				t.Errorf("%q: %+v with row %v", tt.text, l, r.Row)
			} else if r.Row != nil {
				if r.Row.Text != tt.left || r.Row.TokenCount != int64(len(tt.left)) || l.Characters != int64(len(tt.left)) || r.Row.ID != "0" {
					t.Errorf("%q: row %+v, %d characters", tt.text, r.Row, l.Characters)
				}
				if !reflect.DeepEqual(r.Keys, [][]uint64{tt.keys}) {
					t.Errorf("%q: keys %v, want %v", tt.text, r.Keys, tt.keys)
				}
			}
			return nil
		})
		if _, ok := times["c"]; err != nil || len(times) != 3 || !ok {
			t.Errorf("times %v, error %v", times, err)
		}
	}
}

// Results come in order, for any number of workers.
func TestReviseKeepsTheOrder(t *testing.T) {
	texts := make([]string, 3000)
	for i := range texts {
		texts[i] = strings.Repeat("x ", i%7) + "word"
	}
	for _, workers := range []int{1, 4} {
		next := int64(0)
		_, err := acrossRunner(workers).Passes()[1].Revise(t.Context(), revisions(texts...), func(r pipeline.Result) error {
			if r.Ledger.Offset != next || r.Row.WARCOffset != next {
				return fmt.Errorf("offset %d, want %d", r.Ledger.Offset, next)
			}
			next++
			return nil
		})
		if err != nil || next != 3000 {
			t.Errorf("%d results, error %v", next, err)
		}
	}
}

func TestReviseEnds(t *testing.T) {
	pass := acrossRunner(2).Passes()[1]
	enough := errors.New("enough")
	if _, err := pass.Revise(t.Context(), revisions("a", "b"), func(pipeline.Result) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("emit fails: error %v", err)
	}
	broken := func(yield func(pipeline.Revision, error) bool) { yield(pipeline.Revision{}, enough) }
	if _, err := pass.Revise(t.Context(), broken, func(pipeline.Result) error { return nil }); !errors.Is(err, enough) {
		t.Errorf("the input fails: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pass.Revise(ctx, revisions("a"), func(pipeline.Result) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
