package evaluator

import (
	"encoding/json"
	"io"
	"path/filepath"
	"time"

	"finest/eval/compare"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/evaluator/dataset"
)

// Names of the files that are written to Options.Out.
const (
	ResultFile = "result.json"
	ReportFile = "report.html"
)

// Report is a comparison with what it was made of. Its JSON is stable: that of
// the comparison and these fields.
type Report struct {
	*compare.Comparison
	// Datasets are in the order of the arms.
	Datasets []Dataset `json:"datasets"`
	// PanelFiles are what the panel was read from.
	PanelFiles []contract.Asset `json:"panel_files"`
	Program    string           `json:"program"`
	Command    string           `json:"command"`
	Seconds    float64          `json:"seconds"`
	PeakMemory int64            `json:"peak_memory"`
}

// Dataset is where an arm's documents come from.
type Dataset struct {
	Role compare.Role `json:"role"`
	Path string       `json:"path"`
	// Bytes are those of the files as they are stored.
	Bytes int64 `json:"bytes"`
	dataset.Stats
}

func (e *Evaluator) report(c *compare.Comparison) *Report {
	c.Notes = append(append([]string{}, e.notes...), c.Notes...)
	r := &Report{Comparison: c, PanelFiles: e.panel.Files(), Program: e.o.Program, Command: e.o.Command, PeakMemory: e.o.PeakMemory()}
	for i, a := range e.arms {
		r.Datasets = append(r.Datasets, Dataset{Role: a.role, Path: c.Arms[i].Name, Bytes: a.set.Bytes(), Stats: a.stats})
	}
	return r
}

// write writes the report for programs and for people.
func (r *Report) write(dir string, now time.Time) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteBytes(filepath.Join(dir, ResultFile), 0o644, append(raw, '\n')); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, ReportFile), 0o644, func(w io.Writer) error { return r.WriteHTML(w, now) })
}
