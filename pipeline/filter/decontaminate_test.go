package filter_test

import (
	"maps"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
)

// items are made up. With n-grams of 5 words they are: a question of 7 words with
// an answer of 6, an answer that is too short, and one without a question.
const items = `{"text": "one two three four five six", "query": "Where do the seven gulls sleep?", "task": "birds"}

{"text": "at night", "metadata": {"query": "When does the lamp of the tower burn?", "task": "lamps"}}
{"text": "Red, green and blue mixed evenly.", "gold": 1}
`

func decontaminate(t testing.TB, params map[string]string, files ...string) (pipeline.Stage, error) {
	t.Helper()
	dir := t.TempDir()
	spec := filter.DecontaminateSpec()
	spec.Params["n_grams"] = "5"
	maps.Copy(spec.Params, params)
	for i, content := range files {
		spec.Assets = append(spec.Assets, pin(t, dir, string(rune('a'+i))+".jsonl", content))
	}
	return filter.NewDecontaminate(spec, dir)
}

func TestDecontaminate(t *testing.T) {
	var (
		answer      = "He counted one two three four five and went on."
		lastOne     = "… TWO, three; four (five) six!"
		question    = "where do the seven gulls"
		overlap     = "do not ask: seven gulls sleep one two"
		metadata    = "of the tower burn at"
		tooShort    = "It burns at night in the rain."
		noQuestion  = "red green and blue mixed"
		harmless    = "one two three four. Then five more gulls came."
		withoutAll  = map[string]string{"find_overlap_ngrams": "false"}
		withQueries = map[string]string{"find_query_ngrams": "true"}
	)
	for _, tt := range []struct {
		params map[string]string
		text   string
		found  bool
		value  float64
	}{
		{nil, answer, true, 2},
		{nil, lastOne, true, 0},
		{nil, question, false, 0},
		{withQueries, question, true, 0},
		{nil, overlap, true, 3},
		{withoutAll, overlap, false, 0},
		{nil, metadata, true, 0},
		{nil, tooShort, false, 0},
		{nil, noQuestion, true, 0},
		{nil, harmless, false, 0},
		{nil, "", false, 0},
		{map[string]string{"words": "nltk", "normalization": "release"}, answer, true, 2},
		{map[string]string{"words": "unicode"}, answer, true, 2},
		{map[string]string{"n_grams": "6"}, answer, false, 0},
		{map[string]string{"n_grams": "2"}, tooShort, true, 2},
		{map[string]string{"n_grams": "1"}, "blue", true, 0},
	} {
		stage, err := decontaminate(t, tt.params, items)
		if err != nil {
			t.Fatal(err)
		}
		drop := stage.Process(&pipeline.Document{Text: tt.text})
		switch {
		case !tt.found && drop != nil:
			t.Errorf("%v %q is dropped: %+v", tt.params, tt.text, *drop)
		case tt.found && (drop == nil || drop.Reason != "contaminated" || drop.Value != tt.value):
			t.Errorf("%v %q: %v, want contaminated after %v words", tt.params, tt.text, drop, tt.value)
		}
	}
}

func TestDecontaminateKeepsTheContract(t *testing.T) {
	dir := t.TempDir()
	spec := filter.DecontaminateSpec()
	spec.Assets = []contract.Asset{pin(t, dir, "items.jsonl", items)}
	stagetest.Suite(t, spec, func(s pipeline.StageSpec) (pipeline.Stage, error) { return filter.NewDecontaminate(s, dir) })
}

func TestDecontaminateRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		params map[string]string
		files  []string
		want   string
	}{
		"no asset":   {nil, nil, "pins no asset"},
		"no JSON":    {nil, []string{items, "one two\n"}, "asset b.jsonl: line 1"},
		"no text":    {nil, []string{items + `{"query": "why?"}`}, "asset a.jsonl: line 5: it has no text"},
		"no n-grams": {map[string]string{"n_grams": "0"}, []string{items}, "n_grams"},
	} {
		if _, err := decontaminate(t, tt.params, tt.files...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
}
