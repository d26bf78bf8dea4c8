package oracle_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/pipeline/oracle"
)

// reference names a folder with texts that the reference extracted,
// web-PROFILE.jsonl, and its decisions on them, web-PROFILE.golden.jsonl.gz.
var reference = flag.String("reference", "", "`FOLDER` with the reference's own texts and its decisions on them")

// assetsDir is where the lists of the URL filter are; without them its checks
// are left out.
func assetsDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FINEST_ASSETS")
	if dir == "" {
		t.Log("FINEST_ASSETS is not set: no lists for the URL filter")
	}
	return dir
}

func testdata(t testing.TB, names ...string) string {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set: no texts of others to compare")
	}
	return filepath.Join(append([]string{dir}, names...)...)
}

// eachProfile compares a corpus in every profile.
func eachProfile(t *testing.T, corpus string, load func(t *testing.T, profile string) ([]document, string)) {
	for _, profile := range oracle.Profiles {
		t.Run(profile, func(t *testing.T) {
			stages, err := oracle.New(profile, assetsDir(t))
			if err != nil {
				t.Fatal(err)
			}
			docs, path := load(t, profile)
			g := readGolden(t, path)
			c := comparison{t: t, corpus: corpus, profile: profile, stages: stages}
			c.run(join(t, docs, g), g)
		})
	}
}

// join gives documents their decisions and leaves out those whose text is not
// the one that the reference saw: the extractor has changed since.
func join(t *testing.T, docs []document, g golden) []document {
	t.Helper()
	if len(docs) != len(g.rows) {
		t.Fatalf("%d documents and decisions on %d: make the decisions anew", len(docs), len(g.rows))
	}
	changed := 0
	for i := range docs {
		d := &docs[i]
		d.golden = g.rows[i]
		if d.id != d.golden.ID {
			t.Fatalf("document %d is %s, the decision on %s", i, d.id, d.golden.ID)
		}
		if oracle.Hash(d.text) != d.golden.Text {
			changed++
			d.left = true
		}
	}
	if changed > 0 {
		t.Logf("%d of %d texts are not those that the reference saw and are left out", changed, len(docs))
	}
	if changed > len(docs)/10 {
		t.Errorf("%d of %d texts have changed: make the decisions anew", changed, len(docs))
	}
	return docs
}

// TestOwn compares texts of our own, which lie around every threshold.
func TestOwn(t *testing.T) {
	eachProfile(t, "own", func(t *testing.T, profile string) ([]document, string) {
		return readTexts(t, "testdata/own.jsonl"), "testdata/golden/own-" + profile + ".jsonl.gz"
	})
}

// TestOwnHasEveryReason says that the texts of our own lie on both sides of every
// rule: the reference gives each reason, and none.
func TestOwnHasEveryReason(t *testing.T) {
	for _, profile := range oracle.Profiles {
		seen := make(map[string]bool)
		for _, d := range readGolden(t, "testdata/golden/own-"+profile+".jsonl.gz").rows {
			for stage, v := range map[string]verdict{"repetition": d.Repetition, "quality": d.Quality, "c4": d.C4, "fineweb": d.FineWeb} {
				seen[stage+" "+v.reason] = true
			}
		}
		for stage, reasons := range map[string]string{
			"repetition": "dup_para_frac dup_para_char_frac dup_line_frac dup_line_char_frac top_2_gram top_3_gram top_4_gram " +
				"duplicated_5_n_grams duplicated_6_n_grams duplicated_7_n_grams duplicated_8_n_grams duplicated_9_n_grams duplicated_10_n_grams",
			"quality": "gopher_short_doc gopher_long_doc gopher_below_avg_threshold gopher_above_avg_threshold gopher_too_many_hashes " +
				"gopher_too_many_ellipsis gopher_too_many_bullets gopher_too_many_end_ellipsis gopher_below_alpha_threshold gopher_enough_stop_words",
			"c4":      "lorem_ipsum curly_bracket too_few_sentences",
			"fineweb": "line_punct_ratio short_line_ratio char_dup_ratio list_ratio",
		} {
			for _, reason := range append(strings.Fields(reasons), "") {
				if !seen[stage+" "+reason] {
					t.Errorf("%s: no text of our own that %s drops for %q", profile, stage, reason)
				}
			}
		}
	}
}

// TestC4 compares documents of C4.
func TestC4(t *testing.T) {
	path := testdata(t, "text", "c4_sample.jsonl")
	eachProfile(t, "c4", func(t *testing.T, profile string) ([]document, string) {
		return readTexts(t, path), "testdata/golden/c4-" + profile + ".jsonl.gz"
	})
}

// TestWeb compares what the pipeline extracts from web pages. Pages without text
// are left out: no stage behind extraction sees them.
func TestWeb(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "web"), "*.warc.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		t.Skip("extracts every page")
	}
	pages, err := oracle.Extract(files...)
	if err != nil {
		t.Fatal(err)
	}
	eachProfile(t, "web", func(_ *testing.T, profile string) ([]document, string) {
		docs := make([]document, len(pages))
		for i, p := range pages {
			docs[i] = document{id: p.ID, url: p.URL, text: p.Text, left: p.Text == ""}
		}
		return docs, "testdata/golden/web-" + profile + ".jsonl.gz"
	})
}

// TestReference compares the texts that the reference extracts from web pages,
// where there are any.
func TestReference(t *testing.T) {
	if *reference == "" {
		t.Skip("no flag -reference: no texts of the reference")
	}
	eachProfile(t, "reference", func(t *testing.T, profile string) ([]document, string) {
		base := filepath.Join(*reference, "web-"+profile)
		docs := readTexts(t, base+".jsonl")
		for i := range docs {
			docs[i].left = docs[i].text == ""
		}
		return docs, base + ".golden.jsonl.gz"
	})
}
