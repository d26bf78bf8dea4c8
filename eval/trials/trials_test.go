package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"finest/eval/panel"
	"finest/internal/contract"
	"finest/pipeline/recipes"
	"finest/pipeline/shard"
)

// world is a corpus of made-up pages, two of each host.
func world() *corpus {
	var pages []page
	for i := range 600 {
		var text strings.Builder
		for j := range 20 {
			fmt.Fprintf(&text, "Page %d says one thing of its own, which is number %d. Then it stops, as it has nothing more to say here.\n", i, j*i)
		}
		pages = append(pages, page{
			ID: fmt.Sprintf("id%03d", i), URL: fmt.Sprintf("http://host%d.example/%d", i/2, i), Text: strings.TrimSpace(text.String()),
			Visible: "Home | About\n" + text.String(), Source: "<body><p>" + text.String(),
		})
	}
	return newCorpus(pages, seedOf("x"))
}

func made(t *testing.T, c *corpus, name string) []document {
	t.Helper()
	for _, s := range sets() {
		if s.name == name {
			return s.make(c, seedOf("x").Sub(name))
		}
	}
	t.Fatalf("no set %s", name)
	return nil
}

func TestSetsSpoilWhatTheySay(t *testing.T) {
	c := world()
	clean := made(t, c, "clean")
	for _, tc := range []struct {
		name    string
		changed int // of 400
		same    func(string) string
	}{
		{"shuf30", 120, func(s string) string { w := strings.Fields(s); slices.Sort(w); return strings.Join(w, " ") }},
		{"raw", 400, nil},
		{"raw30", 120, nil},
		{"trunc600", 400, func(s string) string { return s[:600] }},
		{"markov20", 80, nil},
		{"noise", 400, nil},
		{"repeat30", 120, func(s string) string { return s[:500] }},
		{"cipher20", 80, func(s string) string { return fmt.Sprint(len(s), strings.Count(s, " ")) }},
		{"flat", 400, func(s string) string { return flattened(text{page: page{Text: s}}) }},
		{"html30", 120, nil},
		{"leak2", 8, nil},
	} {
		got, changed := made(t, c, tc.name), 0
		if len(got) != len(clean) {
			t.Errorf("%s has %d documents, clean %d", tc.name, len(got), len(clean))
			continue
		}
		for i, d := range got {
			if d.ID != clean[i].ID || d.URL != clean[i].URL || !utf8.ValidString(d.Text) {
				t.Errorf("%s: document %d is %+v", tc.name, i, d)
			}
			if d.Text != clean[i].Text {
				changed++
			}
			if tc.same != nil && tc.same(d.Text) != tc.same(clean[i].Text) {
				t.Errorf("%s: %q of %q has changed more than it may", tc.name, d.Text, clean[i].Text)
			}
		}
		if changed != tc.changed {
			t.Errorf("%s: %d documents differ from clean, want %d", tc.name, changed, tc.changed)
		}
	}
}

func TestRepeatedDocumentsFillTheSet(t *testing.T) {
	c := world()
	got, ids, texts := made(t, c, "dup2"), map[string]bool{}, map[string]bool{}
	for _, d := range got {
		ids[d.ID], texts[d.Text] = true, true
	}
	if len(ids) != len(got) || len(texts) != 8 {
		t.Errorf("%d documents, %d IDs, %d texts", len(got), len(ids), len(texts))
	}
	if a, b := size(got), size(made(t, c, "clean")); a < b || a > b+2000 {
		t.Errorf("%d bytes, clean has %d", a, b)
	}
}

func TestHeldOutPagesAreInNoSet(t *testing.T) {
	c := world()
	hosts := make(map[string]bool)
	for _, d := range heldOutSet(c, seedOf("")) {
		hosts[hostOf(d.URL)] = true
	}
	if len(c.held) != heldOut {
		t.Errorf("%d pages are held out", len(c.held))
	}
	for _, s := range sets() {
		for _, d := range s.make(c, seedOf("y")) {
			if hosts[hostOf(d.URL)] {
				t.Fatalf("%s has %s, a host held out", s.name, d.URL)
			}
		}
	}
}

func TestSetsAreThoseOfTheirSeed(t *testing.T) {
	one, two := world(), world()
	for _, s := range sets() {
		a, b := s.make(one, seedOf("a")), s.make(two, seedOf("a"))
		if !slices.Equal(a, b) {
			t.Errorf("%s differs from itself", s.name)
		}
		if s.name != "clean" && s.name != "raw" && s.name != "flat" && s.name != "trunc600" && slices.Equal(a, s.make(one, seedOf("b"))) {
			t.Errorf("%s is the same for another seed", s.name)
		}
	}
}

func TestPanelOfHeldOutPagesLoads(t *testing.T) {
	folder := t.TempDir()
	c := world()
	if err := writeLines(filepath.Join(folder, heldOutName+".jsonl"), heldOutSet(c, seedOf(""))); err != nil {
		t.Fatal(err)
	}
	d, err := panel.ParseDefinition([]byte(panelDefinition))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := panel.Load(folder, d); err != nil {
		t.Error(err)
	}
}

func TestRecipesCanBeBuilt(t *testing.T) {
	files, err := filepath.Glob("recipes/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d recipes, %v", len(files), err)
	}
	for _, file := range files {
		r, err := recipes.Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := "trial-" + strings.TrimSuffix(filepath.Base(file), ".toml"); r.Name != want {
			t.Errorf("%s is called %s", file, r.Name)
		}
		if _, err := recipes.Build(r, t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}

func TestSplit(t *testing.T) {
	folder := t.TempDir()
	rows := func(name string, ids ...string) string {
		out := filepath.Join(folder, name)
		seq := func(yield func(contract.Row, error) bool) {
			for _, id := range ids {
				if !yield(contract.Row{ID: id, URL: "http://" + id, Text: id + " of " + name}, nil) {
					return
				}
			}
		}
		if _, _, err := shard.WriteRows(out, "data/x/", iter.Seq2[contract.Row, error](seq), func(contract.OutputFile) {}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	a, b, out := rows("a", "one", "two", "three"), rows("b", "two"), filepath.Join(folder, "out")
	if err := run(context.Background(), []string{"split", a, b, out}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"kept": {"two of a"}, "dropped": {"one of a", "three of a"}} {
		raw, err := os.ReadFile(filepath.Join(out, name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for lines := json.NewDecoder(bytes.NewReader(raw)); ; {
			var d document
			if err := lines.Decode(&d); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(got, d.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"sets"}, {"split", "a", "b"}, {"make", "x"}, {"sets", "-web", t.TempDir(), t.TempDir()}, {"split", t.TempDir(), t.TempDir(), t.TempDir()}} {
		if err := run(context.Background(), args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

// A page of the test data has all that sets are made of.
func TestReadPages(t *testing.T) {
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" || testing.Short() {
		t.Skip("FINEST_TESTDATA is not set, or -short: no pages to read")
	}
	folder := t.TempDir() // one of the four files: all of them take a while
	for _, name := range []string{"wcxb-dev-00003.warc.gz", "wcxb-dev-truth.jsonl"} {
		if err := os.Symlink(filepath.Join(data, "web", name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := readPages(context.Background(), folder)
	if err != nil || len(pages) < 140 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	empty := 0
	for _, p := range pages {
		if p.Visible == "" {
			empty++
		}
		if p.ID == "" || p.Text == "" || !strings.HasPrefix(p.Source, "<") || len(p.Source) > len(p.Text) {
			t.Errorf("page %q of %q: text %.20q, source %.20q", p.ID, p.URL, p.Text, p.Source)
		}
	}
	if empty > len(pages)/20 {
		t.Errorf("%d of %d pages have no visible text", empty, len(pages))
	}
}
