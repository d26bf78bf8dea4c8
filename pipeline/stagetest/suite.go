// Package stagetest states the contract of pipeline.Stage as tests that every
// stage passes.
package stagetest

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"finest/pipeline"
)

// Suite runs the contract against the stage that build makes of spec, and of
// specs with a parameter more or less.
func Suite(t *testing.T, spec pipeline.StageSpec, build func(pipeline.StageSpec) (pipeline.Stage, error)) {
	stage, err := build(spec)
	if err != nil {
		t.Fatal(err)
	}
	if stage.Name() != spec.Name {
		t.Errorf("the stage is called %q, its spec %q", stage.Name(), spec.Name)
	}
	t.Run("parameters", func(t *testing.T) { parameters(t, spec, build) })
	for name, d := range documents() {
		t.Run(name, func(t *testing.T) { document(t, stage, d) })
	}
}

// parameters checks that a recipe names every parameter of a stage, and no
// other.
func parameters(t *testing.T, spec pipeline.StageSpec, build func(pipeline.StageSpec) (pipeline.Stage, error)) {
	for name := range spec.Params {
		less := spec
		less.Params = maps.Clone(spec.Params)
		delete(less.Params, name)
		if _, err := build(less); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without parameter %s: error %v, want one that names it", name, err)
		}
	}
	more := spec
	more.Params = maps.Clone(spec.Params)
	if more.Params == nil {
		more.Params = make(map[string]string)
	}
	more.Params["no_such_parameter"] = "1"
	if _, err := build(more); err == nil || !strings.Contains(err.Error(), "no_such_parameter") {
		t.Errorf("with an unknown parameter: error %v, want one that names it", err)
	}
}

// document checks that the fate of a document depends on it alone, also beside
// others, and that what comes out is well formed.
func document(t *testing.T, stage pipeline.Stage, d pipeline.Document) {
	want := d
	drop := stage.Process(&want)
	switch {
	case drop != nil && drop.Reason == "":
		t.Error("dropped without a reason")
	case drop != nil && (math.IsNaN(drop.Value) || math.IsInf(drop.Value, 0)):
		t.Errorf("dropped as %s with value %v", drop.Reason, drop.Value)
	}
	if want.ID != d.ID || want.URL != d.URL || want.Date != d.Date {
		t.Error("the record's fields were changed")
	}
	if !utf8.ValidString(want.Text) || !utf8.ValidString(want.Language) {
		t.Error("text or language is not UTF-8")
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			again := d
			dropAgain := stage.Process(&again)
			if !reflect.DeepEqual(dropAgain, drop) {
				t.Errorf("dropped as %v, then as %v", drop, dropAgain)
			}
			if outcome(again) != outcome(want) {
				t.Errorf("the same document came out as %s and as %s", outcome(want), outcome(again))
			}
		})
	}
	group.Wait()
}

func outcome(d pipeline.Document) string {
	return fmt.Sprintf("%q %q %q %q %q %q %x %x %d", d.ID, d.URL, d.Date, d.HTML, d.Text, d.Language,
		math.Float64bits(d.LanguageScore), d.BandKeys, d.TokenCount)
}

// documents are pages as they come: ordinary, empty, broken and hostile.
func documents() map[string]pipeline.Document {
	article := strings.Repeat("The river that runs below the old mill was measured by two engineers, and both of them wrote to the council. ", 12) + "\n" +
		strings.Repeat("Nobody had expected that the bridge would have to be closed for the winter; mail ann@example.com or 8.8.4.4. ", 9)
	texts := map[string]string{
		"article":       article,
		"empty":         "",
		"white space":   " \n\t\r\n\u00a0\u2028 ",
		"one letter":    "a",
		"punctuation":   strings.Repeat(".,;:!?-…", 200),
		"one long word": strings.Repeat("x", 1<<16),
		"many lines":    strings.Repeat("a b\n", 1<<12),
		"other scripts": "Ελληνικά 漢字仮名交じり文 العربية हिन्दी ไทย \u0301\u0301\U0001F600 ſ İ ǅ",
		"controls":      "a\x00b\x01c\x7f\u0085\u200b\ufeff\ufffd",
	}
	out := make(map[string]pipeline.Document)
	for name, text := range texts {
		out[name] = pipeline.Document{
			ID: "<urn:uuid:00000000-0000-4000-8000-000000000001>", URL: "https://site.invalid/" + name, Date: "2026-01-01T00:00:00Z",
			HTML: "<html><body><p>" + strings.ReplaceAll(text, "\n", "</p><p>") + "</p></body></html>", Text: text,
			Language: "en", LanguageScore: 0.9,
		}
	}
	odd := out["article"]
	odd.ID, odd.URL, odd.HTML = "", "::not a url\x00", strings.Repeat("<div>", 1<<14)+"<table><tr><td"
	out["odd record"] = odd
	return out
}
