package dedup_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/dedup"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/stagetest"
)

func build(t testing.TB, spec pipeline.StageSpec, change map[string]string) pipeline.Across {
	t.Helper()
	for name, v := range change {
		spec.Params[name] = v
	}
	constructors := map[string]func(pipeline.StageSpec) (pipeline.Stage, error){
		dedup.URL: dedup.NewURL, dedup.Exact: dedup.NewExact, dedup.Sentence: dedup.NewSentence,
	}
	s, err := constructors[spec.Name](spec)
	if err != nil {
		t.Fatal(err)
	}
	return s.(pipeline.Across)
}

func TestContract(t *testing.T) {
	for _, tt := range []struct {
		spec pipeline.StageSpec
		keys int
	}{{dedup.URLSpec(), 1}, {dedup.ExactSpec(), 1}, {dedup.SentenceSpec(), 8}} {
		t.Run(tt.spec.Name, func(t *testing.T) { stagetest.Across(t, build(t, tt.spec, nil), tt.keys) })
	}
}

// after returns what a step leaves of texts: "" where it drops one.
func after(t testing.TB, step pipeline.Across, documents []pipeline.Document) []pipeline.Document {
	t.Helper()
	c := step.Compare(keysort.Options{})
	defer func() { _ = c.Close() }()
	for i := range documents {
		if err := c.Add(step.Keys(&documents[i])); err != nil {
			t.Fatal(err)
		}
	}
	out := slices.Clone(documents)
	for r, err := range c.Repeats(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		d := &out[r.Document]
		if editor, ok := step.(pipeline.Editor); !ok || editor.Edit(d, r.Places) != nil {
			*d = pipeline.Document{}
		}
	}
	return out
}

func TestURL(t *testing.T) {
	documents := []pipeline.Document{
		{ID: "0", URL: "https://example.org/a"}, {ID: "1", URL: "https://example.org/A"}, {ID: "2", URL: "https://example.org/b"},
		{ID: "3", URL: "https://example.org/a"}, {ID: "4"}, {ID: "5"}, {ID: "6", URL: "https://example.org/b?"},
	}
	for lower, want := range map[string]string{"false": "01_2_45_6", "true": "02_45_6"} {
		var kept string
		for _, d := range after(t, build(t, dedup.URLSpec(), map[string]string{"lower_case": lower}), documents) {
			kept += d.ID
		}
		if want = strings.ReplaceAll(want, "_", ""); kept != want {
			t.Errorf("lower_case = %s: kept %s, want %s", lower, kept, want)
		}
	}
}

// datatrove's own test of exact deduplication: three of five documents differ.
func TestExact(t *testing.T) {
	var documents []pipeline.Document
	for i, text := range []string{"one", "two", "one", "three", "one "} {
		documents = append(documents, pipeline.Document{ID: string(rune('0' + i)), Text: text})
	}
	for _, hash := range []string{"xxhash64", "sha1-64"} {
		var kept string
		for _, d := range after(t, build(t, dedup.ExactSpec(), map[string]string{"hash": hash}), documents) {
			kept += d.ID
		}
		if kept != "0134" {
			t.Errorf("%s: kept %s, want 0134", hash, kept)
		}
	}
}

// What a comparison of whole documents finds is what a map would.
func TestWholesAreThoseOfAMap(t *testing.T) {
	step := build(t, dedup.ExactSpec(), nil)
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.Uint64Range(0, 20)).Draw(t, "keys")
		c := step.Compare(keysort.Options{})
		first := make(map[uint64]uint32)
		var want []pipeline.Repeat
		for i, k := range keys {
			if err := c.Add([]uint64{k}); err != nil {
				t.Fatal(err)
			}
			if keeper, ok := first[k]; ok {
				want = append(want, pipeline.Repeat{Document: uint32(i), Keeper: keeper})
			} else {
				first[k] = uint32(i)
			}
		}
		var got []pipeline.Repeat
		for r, err := range c.Repeats(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if !slices.EqualFunc(got, want, func(a, b pipeline.Repeat) bool { return a.Document == b.Document && a.Keeper == b.Keeper }) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}
