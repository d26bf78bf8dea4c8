package evaluator_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/internal/contract"
	"finest/roles/evaluator"
	"finest/roles/evaluator/dataset"
)

// comparison invents a result with arms of two runs.
func comparison(outcome compare.Outcome, roles ...compare.Role) *compare.Comparison {
	tier, err := compare.TierNamed("quick")
	if err != nil {
		panic(err)
	}
	c := &compare.Comparison{
		Version: compare.Version, Outcome: outcome, Reason: "models of one are " + string(outcome), Evidence: tier.Evidence,
		Notes: []string{"a note about <this>"}, Tier: tier, SpecHash: strings.Repeat("5", 64), Kernel: "native/avx2-fma",
		Tokenizer: compare.TokenizerFacts{Name: "bpe-2048/1", Hash: strings.Repeat("7", 64)},
		Panel:     compare.PanelFacts{Name: "public-quick", Hash: strings.Repeat("9", 64), Examples: 1234, Tokens: 98765}, ExcessLimit: 0.01,
	}
	suites := []compare.SuiteScore{
		{Name: "pages", Kind: panel.Text, Weight: 300, Units: 150, BitsPerByte: 2.31, Accuracy: 0.21},
		{Name: "books", Kind: panel.Text, Weight: 300, Units: 60, BitsPerByte: 2.45, Accuracy: 0.19},
		{Name: "arc_easy", Kind: panel.Choice, Weight: 200, Units: 100, BitsPerByte: 3.3, Accuracy: 0.27},
		{Name: "lambada", Kind: panel.Cloze, Weight: 200, Units: 100, BitsPerByte: 2.6, Accuracy: 0.01},
	}
	for n, role := range roles {
		a := compare.Arm{Role: role, Name: "data/" + string(role) + ".jsonl", Documents: 12345, Empty: 7, Score: 2.5 + 0.03*float64(n)}
		a.Overlap = compare.Overlap{Shared: 12, Accused: 3, Matches: []compare.Match{{
			Document: "<urn:uuid:1>", URL: "http://example.org/<script>alert(1)</script>", Accused: true, Source: "lambada/17", Words: 31, Excerpt: "she said & left <b>",
		}}}
		for i := range 2 {
			run := compare.Run{Key: strings.Repeat("ab", 32), Score: a.Score, Tokens: 301056, TrainSeconds: 31.2, EvalSeconds: 4, Cached: i == 0}
			for step := 1; step <= 147; step++ {
				run.Losses = append(run.Losses, lm.Point{Step: step, Loss: 4.2 + 0.1*float64(n) + 3.4*math.Exp(-float64(step)/20) + 0.05*math.Sin(float64(step*(i+3)))})
			}
			for _, s := range suites {
				s.BitsPerByte += 0.04 * float64(n)
				run.Suites = append(run.Suites, s)
			}
			a.Runs = append(a.Runs, run)
			a.Samples = append(a.Samples, compare.SampleFacts{Documents: 400, Cut: 3, Bytes: 900_000, Tokens: 301_000, Epochs: 1, Held: 2000})
			a.Suites = run.Suites
		}
		c.Arms = append(c.Arms, a)
	}
	if outcome == compare.Refused {
		for i := range c.Arms {
			c.Arms[i].Runs, c.Arms[i].Samples, c.Arms[i].Suites = nil, nil, nil
		}
		c.Excess = 0.031
		return c
	}
	difference := stats.Difference{Delta: -0.03, Low: -0.045, High: -0.015, Resolved: true}
	c.Calibration = &stats.Calibration{Tier: "quick", Data: "c4, 8 blocks of 5 parts", Deviation: 0.012, Freedom: 64, Comparisons: 160, Called: 7, Accuracies: []string{"pages"}}
	c.Difference = &difference
	for i, s := range suites {
		d := stats.SuiteDifference{Name: s.Name, Kind: s.Kind, Weight: s.Weight, Bits: difference, Accuracy: stats.Difference{Delta: 0.01, Low: -0.02, High: 0.04}}
		d.Bits.High += 0.02 * float64(i)
		d.Bits.Resolved = d.Bits.High < 0
		c.Suites = append(c.Suites, d)
	}
	if len(roles) > 2 {
		c.Quality = &stats.Quality{Q: 1.34, Low: 1.02, High: 1.81}
	}
	return c
}

func report(c *compare.Comparison) *evaluator.Report {
	r := &evaluator.Report{
		Comparison: c, PanelFiles: []contract.Asset{{Name: "arc_easy.jsonl", SHA256: strings.Repeat("c", 64)}},
		Program: "v1", Command: "finest eval data/candidate.jsonl --against data/reference.jsonl", Seconds: 143, PeakMemory: 300e6,
	}
	for _, a := range c.Arms {
		r.Datasets = append(r.Datasets, evaluator.Dataset{Role: a.Role, Path: a.Name, Bytes: 31e6, Stats: dataset.Stats{Files: 1, Documents: 12345, TooLong: 1}})
	}
	return r
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func render(t *testing.T, r *evaluator.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b, now); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageShowsWhatDecides(t *testing.T) {
	t.Parallel()
	all := []compare.Role{compare.Candidate, compare.Reference, compare.Naive}
	for name, tc := range map[string]struct {
		r    *evaluator.Report
		want []string
		not  []string
	}{
		"better, three arms": {
			r: report(comparison(compare.Better, all...)),
			want: []string{
				"<strong>better</strong>", "<p>Models of one are better.</p>", "<li>A note about &lt;this&gt;.</li>", "naive, 2</td>", "q = 1.34", "1.02 to 1.81", "−0.0300", "2.3900", "&#43;1.0", "12\u202F345",
				"finest eval data/candidate.jsonl --against data/reference.jsonl", "bpe-2048/1", "public-quick", "2026-01-02 03:04 UTC", "arc_easy.jsonl", "whose accuracy was found", "gross faults",
			},
			not: []string{"refused</strong>"},
		},
		"worse, two arms":  {r: report(comparison(compare.Worse, all[:2]...)), want: []string{"<strong>worse</strong>"}, not: []string{"q = ", `class="naive"`, "0 naive text"}},
		"refused, no runs": {r: report(comparison(compare.Refused, all[:2]...)), want: []string{"<strong>refused</strong>", "3.1 %", "<details open>", "</span>: 1 of 12 documents, those with most in common</summary>", "lambada/17", "she said &amp; left &lt;b&gt;"}, not: []string{"<h2>Panel</h2>", "polyline class"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := render(t, tc.r)
			for _, want := range tc.want {
				if !strings.Contains(page, want) {
					t.Errorf("the page does not show %q", want)
				}
			}
			for _, not := range append(tc.not, "<script", "NaN", "Inf", "ZgotmplZ", "%!") {
				if strings.Contains(page, not) {
					t.Errorf("the page shows %q", not)
				}
			}
			if dir := os.Getenv("FINEST_PAGES"); dir != "" {
				if err := os.WriteFile(dir+"/"+strings.ReplaceAll(name, " ", "-")+".html", []byte(page), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Without calibration there are models, and nothing is said of differences.
func TestPageWithoutCalibration(t *testing.T) {
	t.Parallel()
	c := comparison(compare.Unresolved, compare.Candidate, compare.Reference)
	c.Calibration, c.Difference, c.Suites = nil, nil, nil
	c.Arms[0].Overlap.Shared = 1
	c.Arms[1].Overlap.Matches = append(c.Arms[1].Overlap.Matches, c.Arms[1].Overlap.Matches[0])
	c.Arms[1].Overlap.Shared = 2
	c.Arms[0].Runs = c.Arms[0].Runs[:1]
	c.Arms[0].Runs[0].Losses = []lm.Point{{Step: 1, Loss: 7}}
	page := render(t, report(c))
	if !strings.Contains(page, "not resolved") || !strings.Contains(page, "2.3100") || strings.Contains(page, "95 % interval") {
		t.Errorf("the page shows other than models:\n%s", page)
	}
	for _, list := range []string{"candidate</span>: one document</summary>", "reference</span>: 2 documents</summary>"} {
		if !strings.Contains(page, list) {
			t.Errorf("the page does not show %q", list)
		}
	}
}

// The page needs nothing else: no address is loaded, and every element ends.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	page := render(t, report(comparison(compare.Better, compare.Candidate, compare.Reference, compare.Naive)))
	if loads := regexp.MustCompile(`\b(src|href)\s*=|url\(`).FindString(page); loads != "" {
		t.Errorf("the page loads something: %q", loads)
	}
	_, body, _ := strings.Cut(page, "<body>")
	body, _, _ = strings.Cut(body, "</body>")
	d := xml.NewDecoder(strings.NewReader("<body>" + body + "</body>"))
	d.Strict, d.Entity, d.AutoClose = true, xml.HTMLEntity, xml.HTMLAutoClose
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
	}
}

// The JSON is that of the comparison with a few fields more.
func TestReportJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(report(comparison(compare.Better, compare.Candidate, compare.Reference)))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "outcome", "reason", "arms", "difference", "quality", "datasets", "panel_files", "program", "command", "seconds", "peak_memory"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("no field %s", name)
		}
	}
	if string(fields["outcome"]) != `"better"` {
		t.Errorf("outcome %s", fields["outcome"])
	}
}
