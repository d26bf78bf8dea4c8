package dedup_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/dedup"
	"finest/pipeline/dedup/keysort"
)

// lenient lets short texts pass.
func lenient(more map[string]string) map[string]string {
	params := map[string]string{"min_doc_words": "0", "min_num_sentences": "0"}
	maps.Copy(params, more)
	return params
}

func texts(t testing.TB, change map[string]string, in ...string) []string {
	t.Helper()
	var documents []pipeline.Document
	for _, text := range in {
		documents = append(documents, pipeline.Document{Text: text})
	}
	var out []string
	for _, d := range after(t, build(t, dedup.SentenceSpec(), change), documents) {
		out = append(out, d.Text)
	}
	return out
}

// Expected values by execution of datatrove's three stages.
func TestSentence(t *testing.T) {
	head := map[string]string{"words": "spacy", "normalization": "head", "hash": "xxhash64"}
	for _, tt := range []struct {
		name     string
		params   map[string]string
		in, want []string
	}{
		{"a run in the middle", nil,
			[]string{"One is here. Two is here. Three is here.", "Zero. One is here. Two is here. Three is here. Four."},
			[]string{"One is here. Two is here. Three is here.", "Zero. Four."}},
		{"in another form", nil,
			[]string{"One is here. Two is here. Three is here.", "Zero.\n\nONE is here!\nTwo is, here. Three is here. Four."},
			[]string{"One is here. Two is here. Three is here.", "Zero. Four."}},
		{"at the start", head,
			[]string{"One is here. Two is here. Three is here.", " One is here. Two is here. Three is here. Four is. "},
			[]string{"One is here. Two is here. Three is here.", "Four is."}},
		{"runs that overlap", nil,
			[]string{"A one. B two. C three. D four. E five.", "X. A one. B two. C three. D four. Y. C three. D four. E five. Z."},
			[]string{"A one. B two. C three. D four. E five.", "X. Y. Z."}},
		{"within a document", nil,
			[]string{"A one. B two. C three. A one. B two. C three. D four."},
			[]string{"A one. B two. C three. D four."}},
		{"two sentences are no run", nil,
			[]string{"A one. B two.", "A one. B two."},
			[]string{"A one. B two.", "A one. B two."}},
		{"runs of two", map[string]string{"n_sentences": "2"},
			[]string{"A one. B two.", "A one. B two. C three."},
			[]string{"A one. B two.", "C three."}},
		{"lines", map[string]string{"split_sentences": "false"},
			[]string{"a\nb\nc\nd", "x\na\nb\nc\ny"},
			[]string{"a\nb\nc\nd", "x\ny"}},
		{"blank lines are no run", map[string]string{"split_sentences": "false"},
			[]string{"a\n\n\n\n-\nb", "c\n\n\n\n-\nd"},
			[]string{"a\n\n\n\n-\nb", "c\n\n\n\n-\nd"}},
		{"nothing left", nil,
			[]string{"A one. B two. C three.", "A one. B two. C three."},
			[]string{"A one. B two. C three.", ""}},
		{"the first sentence of a run is too short to remove", map[string]string{"min_words_to_remove_span": "4"},
			[]string{"A one. B two. C three.", "Z. A one. B two. C three. Y."},
			[]string{"A one. B two. C three.", "Z. A one. Y."}},
		{"too few words", map[string]string{"min_doc_words": "5"},
			[]string{"A one. B two. C three.", "Zero. A one. B two. C three.", "Zero zero zero zero. A one. B two. C three."},
			[]string{"A one. B two. C three.", "", "Zero zero zero zero."}},
		{"too few sentences", map[string]string{"min_num_sentences": "2"},
			[]string{"A one. B two. C three.", "Zero. A one. B two. C three.", "Zero is here. A one. B two. C three. Last is here."},
			[]string{"A one. B two. C three.", "", "Zero is here. Last is here."}},
	} {
		if got := texts(t, lenient(tt.params), tt.in...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSentenceDrops(t *testing.T) {
	s := build(t, dedup.SentenceSpec(), nil).(pipeline.Editor)
	const run = "A one. B two. C three. "
	for _, tt := range []struct {
		text, reason string
		value        float64
	}{
		{run, dedup.ReasonEmpty, 0},
		{run + "Zero zero.", dedup.ReasonTooFewWords, 3},
		{run + strings.Repeat("zero ", 60) + ".", dedup.ReasonTooFewSentences, 1},
	} {
		d := &pipeline.Document{Text: tt.text}
		if drop := s.Edit(d, []uint32{0}); drop == nil || drop.Reason != tt.reason || drop.Value != tt.value {
			t.Errorf("%q: %+v, want %s with %v", tt.text, drop, tt.reason, tt.value)
		}
	}
	if _, err := dedup.NewSentence(pipeline.StageSpec{Name: dedup.Sentence, Params: func() map[string]string {
		p := dedup.SentenceSpec().Params
		p["n_sentences"] = "0"
		return p
	}()}); err == nil || !strings.Contains(err.Error(), "n_sentences") {
		t.Errorf("n_sentences = 0: error %v", err)
	}
}

// Over all documents no run of sentences is left that stands twice, where every
// sentence is unlike the others in form, and each run is somewhere.
func TestEveryRunStaysOnce(t *testing.T) {
	step := build(t, dedup.SentenceSpec(), lenient(map[string]string{"n_sentences": "1"}))
	rapid.Check(t, func(t *rapid.T) {
		documents := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 12), 1, 10), 1, 8).Draw(t, "documents")
		c := step.Compare(keysort.Options{})
		defer func() { _ = c.Close() }()
		all := make([]pipeline.Document, len(documents))
		want := make([]string, len(documents))
		seen := make(map[int]bool)
		for i, sentences := range documents {
			var left []string
			for _, n := range sentences {
				sentence := fmt.Sprintf("Sentence number %c stands here.", 'a'+rune(n))
				all[i].Text = strings.TrimSpace(all[i].Text + " " + sentence)
				if !seen[n] {
					left = append(left, sentence)
				}
				seen[n] = true
			}
			want[i] = strings.Join(left, " ")
			if err := c.Add(step.Keys(&all[i])); err != nil {
				t.Fatal(err)
			}
		}
		for r, err := range c.Repeats(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			step.(pipeline.Editor).Edit(&all[r.Document], r.Places)
		}
		for i := range all {
			if all[i].Text != want[i] {
				t.Fatalf("document %d is %q, want %q", i, all[i].Text, want[i])
			}
		}
	})
}
