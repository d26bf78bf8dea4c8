package evaluator

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"finest/eval/compare"
	"finest/eval/panel"
	"finest/eval/stats"
)

//go:embed report.html.tmpl
var reportTemplate string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"bits":     func(v float64) string { return fmt.Sprintf("%.4f", v) },
	"signed":   func(v float64) string { return minus(fmt.Sprintf("%+.4f", v)) },
	"q":        func(v float64) string { return minus(fmt.Sprintf("%.2f", v)) },
	"percent":  func(v float64) string { return minus(fmt.Sprintf("%.1f %%", 100*v)) },
	"points":   func(v float64) string { return minus(fmt.Sprintf("%+.1f", 100*v)) },
	"weight":   func(v int) string { return fmt.Sprintf("%.1f %%", float64(v)/10) },
	"count":    count,
	"next":     func(i int) int { return i + 1 },
	"sentence": sentence,
	"megabyte": func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) },
	"seconds":  func(s float64) string { return time.Duration(s * float64(time.Second)).Round(time.Second).String() },
	"short":    func(hash string) string { return hash[:min(len(hash), 12)] },
}).Parse(reportTemplate))

// view is a report as the page shows it.
type view struct {
	*Report
	Candidate, Reference *compare.Arm
	Losses               *lossChart
	Ruler                *ruler
	Bits, Accuracy       []suiteRow
	Total                *suiteRow
	Spec                 string
	Date                 string
	RunHeads             []int
}

// suiteRow is one suite in a table: a value for each arm, and the difference of
// the first two.
type suiteRow struct {
	Name       string
	Kind       panel.Kind
	Weight     int
	Units      int
	Values     []float64
	Difference *stats.Difference
	Whisker    whisker
}

var meanings = map[compare.Evidence]string{
	compare.EvidenceNone:    "This tier shows that the installation works. It says nothing about data.",
	compare.EvidenceSmoke:   "This tier sees gross faults of data, such as boilerplate, shuffled words or repeated pages. It does not rank good data.",
	compare.EvidenceGate:    "This tier tells good data from mediocre data. It does not rank data that are nearly as good.",
	compare.EvidenceRanking: "Models of this size predict the ranking of larger ones for about four pairs of datasets in five.",
}

// Meaning says in a sentence what a verdict of this tier may be used for.
func (r *Report) Meaning() string { return meanings[r.Evidence] }

var headlines = map[compare.Outcome]string{
	compare.Better: "better", compare.Worse: "worse", compare.Unresolved: "not resolved", compare.Refused: "refused",
}

// Headline is the outcome in a word or two.
func (r *Report) Headline() string { return headlines[r.Outcome] }

// WriteHTML writes the report as one page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer, now time.Time) error {
	spec, err := json.MarshalIndent(r.Tier, "", "  ")
	if err != nil {
		return err
	}
	v := view{
		Report: r, Candidate: r.Arm(compare.Candidate), Reference: r.Arm(compare.Reference),
		Losses: r.losses(), Ruler: r.ruler(), Spec: string(spec), Date: now.UTC().Format("2006-01-02 15:04 MST"),
	}
	v.Bits, v.Total = r.bitRows()
	v.Accuracy = r.accuracyRows()
	return page.Execute(w, v)
}

// bitRows are the suites by bits per byte, and the panel's score.
func (r *Report) bitRows() (rows []suiteRow, total *suiteRow) {
	most := 0.0
	for _, s := range r.Suites {
		most = max(most, reach(s.Bits))
	}
	if r.Difference != nil {
		most = max(most, reach(*r.Difference))
	}
	rows = r.suiteRows(func(s compare.SuiteScore) float64 { return s.BitsPerByte })
	if len(rows) == 0 {
		return nil, nil
	}
	for i, s := range r.Suites {
		rows[i].compare(s.Bits, most, true)
	}
	total = &suiteRow{Name: "the panel’s score"}
	for _, a := range r.Arms {
		total.Values = append(total.Values, a.Score)
	}
	if r.Difference != nil {
		total.compare(*r.Difference, most, true)
	}
	return rows, total
}

// accuracyRows are the suites by accuracy.
func (r *Report) accuracyRows() []suiteRow {
	most := 0.0
	for _, s := range r.Suites {
		most = max(most, reach(s.Accuracy))
	}
	rows := r.suiteRows(func(s compare.SuiteScore) float64 { return s.Accuracy })
	for i, s := range r.Suites {
		rows[i].compare(s.Accuracy, most, false)
	}
	return rows
}

// compare adds the difference of the first two values, drawn as one of those that
// reach as far as most.
func (s *suiteRow) compare(d stats.Difference, most float64, lessIsBetter bool) {
	s.Difference, s.Whisker = &d, newWhisker(d, most, lessIsBetter)
}

func (r *Report) suiteRows(value func(compare.SuiteScore) float64) []suiteRow {
	var rows []suiteRow
	for i, s := range r.Arms[0].Suites {
		row := suiteRow{Name: s.Name, Kind: s.Kind, Weight: s.Weight, Units: s.Units}
		for _, a := range r.Arms {
			row.Values = append(row.Values, value(a.Suites[i]))
		}
		rows = append(rows, row)
	}
	return rows
}

// sentence writes a sentence as it stands alone.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// minus spells negative numbers as print does.
func minus(number string) string { return strings.Replace(number, "-", "−", 1) }

// count writes a number with spaces between thousands.
func count(n any) string {
	s := fmt.Sprint(n)
	if f, ok := n.(float64); ok {
		s = fmt.Sprintf("%.0f", f)
	}
	digits := len(s)
	if digits > 0 && s[0] == '-' {
		digits--
	}
	for i := len(s) - 3; i > len(s)-digits; i -= 3 {
		s = s[:i] + "\u202F" + s[i:]
	}
	return s
}
