package selftest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/selftest"
)

var update = flag.Bool("update", false, "write golden.json anew")

func run(t *testing.T) []selftest.Result {
	t.Helper()
	results, err := selftest.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func digest(t *testing.T, results []selftest.Result) string {
	t.Helper()
	d, err := selftest.Digest(results)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGolden compares every row with golden.json. Where a change of results is
// meant, pipeline.Version changes and -update writes the file anew.
func TestGolden(t *testing.T) {
	results := run(t)
	file, err := selftest.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		writeGolden(t, selftest.Golden{WARC: canon.Sum(file.Bytes), Digest: digest(t, results), Results: results})
		return
	}
	golden, err := selftest.Expected()
	if err != nil {
		t.Fatal(err)
	}
	if got := canon.Sum(file.Bytes); got != golden.WARC {
		t.Errorf("pages have changed: SHA-256 %s, want %s", got, golden.WARC)
	}
	differences, err := selftest.Compare(results, golden.Results)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Errorf("%s: %s row at %d, %s: column %s is %q, want %q", d.Recipe, d.Table, d.Offset, d.URL, d.Column, d.Got, d.Want)
	}
	if got := digest(t, results); got != golden.Digest {
		t.Errorf("digest %s, want %s", got, golden.Digest)
	}
}

// writeGolden writes a row a line.
func writeGolden(t *testing.T, g selftest.Golden) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	encode := func(v any) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		b.Truncate(b.Len() - 1) // without the line feed
	}
	fmt.Fprintf(&b, "{\"warc_sha256\": %q,\n\"digest\": %q,\n\"results\": [", g.WARC, g.Digest)
	for i, r := range g.Results {
		fmt.Fprintf(&b, "%s{\n\"Recipe\": %q,\n\"Ledger\": [\n", separator(i, ", "), r.Recipe)
		for i, row := range r.Ledger {
			b.WriteString(separator(i, ",\n"))
			encode(row)
		}
		b.WriteString("\n],\n\"Rows\": [\n")
		for i, row := range r.Rows {
			b.WriteString(separator(i, ",\n"))
			encode(row)
		}
		b.WriteString("\n]}")
	}
	b.WriteString("]}\n")
	if !json.Valid(b.Bytes()) {
		t.Fatal("not JSON")
	}
	if err := os.WriteFile("golden.json", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func separator(i int, s string) string {
	if i == 0 {
		return ""
	}
	return s
}

// TestPagesAreVarious holds the pages to what they are for: every stage drops
// some, near-duplicates are found, and enough are kept.
func TestPagesAreVarious(t *testing.T) {
	seen := make(map[string]map[string]int)
	for _, r := range run(t) {
		for _, row := range r.Ledger {
			if seen[row.Outcome] == nil {
				seen[row.Outcome] = make(map[string]int)
			}
			seen[row.Outcome][row.Reason]++
		}
		if n := r.Pages(); n < 40 || len(r.Rows) < 8 {
			t.Errorf("%s: %d pages, %d kept", r.Recipe, n, len(r.Rows))
		}
	}
	t.Log(seen)
	for _, outcome := range []string{
		"read", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb",
		contract.OutcomeMinHash, contract.OutcomeKept, contract.OutcomeSkipped, contract.OutcomeDamaged,
	} {
		if len(seen[outcome]) == 0 {
			t.Errorf("no row has the outcome %s", outcome)
		}
	}
}

func TestCompareNamesTheColumn(t *testing.T) {
	want, got := run(t), run(t)
	if d, err := selftest.Compare(got, want); err != nil || len(d) != 0 || digest(t, got) != digest(t, want) {
		t.Fatalf("two runs differ: %+v, error %v", d, err)
	}
	got[0].Rows[1].Text += "!"
	got[0].Ledger = got[0].Ledger[1:]
	differences, err := selftest.Compare(got, want)
	if err != nil || len(differences) != 2 {
		t.Fatalf("%+v, error %v", differences, err)
	}
	if d := differences[0]; d.Table != "ledger" || d.Column != "" || d.Offset != want[0].Ledger[0].Offset {
		t.Errorf("missing row: %+v", d)
	}
	if d := differences[1]; d.Table != "documents" || d.Column != "text" || d.URL != want[0].Rows[1].URL || d.Got != d.Want+"!" {
		t.Errorf("changed text: %+v", d)
	}
	if digest(t, got) == digest(t, want) {
		t.Error("the digest overlooks them")
	}
}
