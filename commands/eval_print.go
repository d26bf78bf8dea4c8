package commands

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"finest/eval/compare"
	"finest/roles/evaluator"
)

// announce says what an evaluation will take, and lets it take that.
func announce(c *invocation, e *evaluator.Evaluator, tier compare.Tier, arms, blocks int) error {
	estimate, err := e.Estimate(c.Context.Context, arms, blocks)
	if err != nil {
		return err
	}
	allowMemory(2 * estimate.Memory)
	line := fmt.Sprintf("tier %s: %s of %s tokens, %s scored after each", tier.Name, plural(estimate.Runs, "run"), thousands(estimate.Tokens), thousands(estimate.Scored))
	if estimate.Run > 0 {
		line += fmt.Sprintf("; about %s each, %s in all", roundTime(estimate.Run), roundTime(estimate.Total()))
	}
	c.out.note("%s, %s of memory; finished runs are not trained again", line, byteCount(estimate.Memory))
	return nil
}

// roundTime drops what an estimate does not know.
func roundTime(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

func documents(n int64) string {
	if n == 1 {
		return "1 document"
	}
	return thousands(n) + " documents"
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// evalProgress shows what is read and trained.
func evalProgress(out *printer) func(evaluator.Progress) {
	return func(p evaluator.Progress) {
		out.progress(func() string { return evalLine(p) })
	}
}

func evalLine(p evaluator.Progress) string {
	line := fmt.Sprintf("%-5s ", p.Phase)
	what := string(p.Role)
	if p.Blocks > 0 { // of a calibration
		line += fmt.Sprintf("block %d/%d  ", p.Block, p.Blocks)
		what = filepath.Base(p.Dataset)
	}
	switch p.Phase {
	case evaluator.PhaseCheck:
		return line + fmt.Sprintf("%s  file %d/%d", what, p.File+1, p.Files)
	case compare.PhaseRead:
		return line + fmt.Sprintf("%s  %s documents", what, thousands(p.Documents))
	case compare.PhaseTrain:
		line += fmt.Sprintf("run %d/%d  %s  step %d/%d  loss %.3f", p.Run, p.Runs, what, p.Training.Step, p.Training.Steps, p.Training.Loss)
		if speed := rate(p.Training.Tokens, p.Training.Elapsed); speed > 0 {
			line += fmt.Sprintf("  %s tokens/s", thousands(speed))
		}
	case compare.PhaseScore:
		line += fmt.Sprintf("run %d/%d  %s  example %d/%d", p.Run, p.Runs, what, p.Training.Example, p.Training.Examples)
	}
	if p.Left > 0 {
		line += "  " + p.Left.Round(time.Second).String() + " left"
	}
	return line
}

// evalResult is a report as people read it.
type evalResult struct {
	*evaluator.Report
	out string // where it was written to; empty for nowhere
}

func (r evalResult) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", r.Headline(), r.Reason)
	fmt.Fprintf(w, "%s\n", r.Meaning())
	if len(r.Arms[0].Runs) > 0 {
		fmt.Fprintln(w)
		r.printBits(w)
		fmt.Fprintln(w)
		r.printAccuracy(w)
	}
	fmt.Fprintln(w)
	r.printQuality(w)
	r.printData(w)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	if r.out != "" {
		fmt.Fprintf(w, "written to %s: %s, %s\n", r.out, evaluator.ReportFile, evaluator.ResultFile)
	}
}

// heads are the titles of a table with a column for each arm.
func (r evalResult) heads(first string) (row []string, right []bool) {
	row, right = []string{first, "weight"}, []bool{false, true}
	for _, a := range r.Arms {
		row, right = append(row, string(a.Role)), append(right, true)
	}
	if r.Difference != nil {
		row, right = append(row, "difference", "95 % interval"), append(right, true, false)
	}
	return row, right
}

func weightOf(thousandths int) string { return fmt.Sprintf("%.1f %%", float64(thousandths)/10) }

func (r evalResult) printBits(w io.Writer) {
	head, right := r.heads("bits per byte")
	rows := [][]string{head}
	for i, s := range r.Arms[0].Suites {
		row := []string{s.Name, weightOf(s.Weight)}
		for _, a := range r.Arms {
			row = append(row, fmt.Sprintf("%.4f", a.Suites[i].BitsPerByte))
		}
		if r.Difference != nil {
			d := r.Suites[i].Bits
			row = append(row, fmt.Sprintf("%+.4f", d.Delta), fmt.Sprintf("%+.4f to %+.4f", d.Low, d.High))
		}
		rows = append(rows, row)
	}
	total := []string{"the panel's score", ""}
	for _, a := range r.Arms {
		total = append(total, fmt.Sprintf("%.4f", a.Score))
	}
	if d := r.Difference; d != nil {
		total = append(total, fmt.Sprintf("%+.4f", d.Delta), fmt.Sprintf("%+.4f to %+.4f", d.Low, d.High))
	}
	printTable(w, right, append(rows, total))
}

func (r evalResult) printAccuracy(w io.Writer) {
	head, right := r.heads("accuracy")
	rows := [][]string{head}
	for i, s := range r.Arms[0].Suites {
		row := []string{s.Name, weightOf(s.Weight)}
		for _, a := range r.Arms {
			row = append(row, fmt.Sprintf("%.1f %%", 100*a.Suites[i].Accuracy))
		}
		if r.Difference != nil {
			d := r.Suites[i].Accuracy
			row = append(row, fmt.Sprintf("%+.1f", 100*d.Delta), fmt.Sprintf("%+.1f to %+.1f", 100*d.Low, 100*d.High))
		}
		rows = append(rows, row)
	}
	printTable(w, right, rows)
}

func (r evalResult) printQuality(w io.Writer) {
	switch q := r.Quality; {
	case q != nil && q.Same:
		fmt.Fprintf(w, "quality %.2f between naive text, 0, and the reference, 1; %.2f to %.2f, so not told apart from 1\n", q.Q, q.Low, q.High)
	case q != nil:
		fmt.Fprintf(w, "quality %.2f between naive text, 0, and the reference, 1; %.2f to %.2f\n", q.Q, q.Low, q.High)
	case r.NoQuality != "":
		fmt.Fprintf(w, "no quality: %s\n", r.NoQuality)
	}
}

// maxShownMatches bounds what is printed for people; the report has more.
const maxShownMatches = 5

func (r evalResult) printData(w io.Writer) {
	for i, a := range r.Arms {
		fmt.Fprintf(w, "%s %s: %s", a.Role, a.Name, documents(a.Documents))
		if len(a.Samples) > 0 {
			s := a.Samples[0]
			fmt.Fprintf(w, ", %s tokens of %s (%s of them cut) in a run, each trained on %.1f times", thousands(s.Tokens), documents(int64(s.Documents)), thousands(int64(s.Cut)), s.Epochs)
		}
		fmt.Fprintf(w, "; %s share text with the panel, %s of them accused\n", thousands(a.Overlap.Shared), thousands(a.Overlap.Accused))
		if d := r.Datasets[i]; d.TooLong+d.Repaired > 0 {
			fmt.Fprintf(w, "  %s too long, passed over; %s not in UTF-8, repaired\n", thousands(d.TooLong), thousands(d.Repaired))
		}
		if r.Outcome == compare.Refused && a.Role == compare.Candidate {
			for _, m := range a.Overlap.Matches[:min(len(a.Overlap.Matches), maxShownMatches)] {
				fmt.Fprintf(w, "  %s holds %d words of %s: %q\n", m.Document, m.Words, m.Source, m.Excerpt)
			}
		}
	}
}
