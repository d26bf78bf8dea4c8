package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/eval/compare"
	"finest/eval/stats"
	"finest/internal/durable"
	"finest/roles/evaluator"
)

func calibrateSpec() spec {
	return spec{
		name: "calibrate", args: "DATASET", summary: "measure how much models of the same data differ at a tier",
		about: `
Cuts DATASET into parts that hold no page in common, trains models on each with
the same seeds, and measures by how much they differ: what a difference between
two datasets has to exceed. Then it compares all parts with each other and counts
how often they would be called different. With --naive, plain text of the same
pages, it finds the suites whose accuracy carries a signal.

It trains blocks × (parts + 1 with --naive) × seeds models. --into is for a panel,
tier or kernel that the program has no calibration for, and "finest eval
--calibration" takes the file.`,
		example: "finest eval calibrate data.jsonl --tier quick --blocks 8 --parts 5 --into mine.json",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: join([]cliFlag{
			&cli.StringFlag{Name: "naive", Usage: "`DATASET` of plain text of the same pages"},
			&cli.IntFlag{Name: "blocks", Value: 8, Usage: "`NUMBER` of times, each with seeds and held-out texts of its own"},
			&cli.IntFlag{Name: "parts", Value: 5, Usage: "`NUMBER` of parts of the dataset"},
			&cli.StringFlag{Name: "into", Usage: "`FILE` to write the calibration to, in place of the tier's that is there"},
		}, evalFlags()),
		run: runCalibrate,
	}
}

func runCalibrate(c *invocation) error {
	data, err := oneArgument(c.Context, "DATASET")
	if err != nil {
		return err
	}
	plan := compare.CalibrationPlan{Blocks: c.Int("blocks"), Parts: c.Int("parts")}
	if err := plan.Validate(); err != nil {
		return usageError("eval calibrate: %w", err)
	}
	options, err := evalOptions(c)
	if err != nil {
		return err
	}
	options.Candidate, options.Naive = data, c.String("naive")
	known, err := knownCalibrations(c)
	if err != nil {
		return err
	}
	e, err := evaluator.New(options)
	if err != nil {
		return usageError("eval calibrate: %w", err)
	}
	arms := plan.Parts
	if options.Naive != "" {
		arms++
	}
	if err := announce(c, e, options.Tier, arms, plan.Blocks); err != nil {
		return err
	}
	found, err := e.Calibrate(c.Context.Context, plan)
	if errors.Is(err, context.Canceled) {
		return withHint(err, "the same command goes on where it was")
	}
	if err != nil {
		return fmt.Errorf("eval calibrate: %w", err)
	}
	if shown := c.out.result(found, func(w io.Writer) { printCalibration(w, found) }); shown != nil {
		return shown
	}
	if into := c.String("into"); into != "" {
		if err := writeCalibrations(into, known, found); err != nil {
			return fmt.Errorf("eval calibrate: write the calibration: %w", err)
		}
	}
	return nil
}

// knownCalibrations are those in the file of --into, which need not be there.
func knownCalibrations(c *invocation) ([]stats.Calibration, error) {
	if _, err := os.Stat(c.String("into")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return calibrationsIn(c, "into")
}

// writeCalibrations replaces the calibration of the same tier and training spec.
func writeCalibrations(file string, known []stats.Calibration, found stats.Calibration) error {
	all := slices.DeleteFunc(slices.Clone(known), func(c stats.Calibration) bool { return c.Tier == found.Tier && c.Spec == found.Spec })
	raw, err := json.MarshalIndent(append(all, found), "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteBytes(file, 0o644, append(raw, '\n'))
}

func printCalibration(w io.Writer, c stats.Calibration) {
	fmt.Fprintf(w, "tier %s on %s, panel %s: %s\n\n", c.Tier, c.Kernel, c.Panel, c.Data)
	rows := [][]string{{"deviation of a difference", "bits per byte", "accuracy", "signal"}}
	for _, name := range slices.Sorted(maps.Keys(c.Suites)) {
		s := c.Suites[name]
		rows = append(rows, []string{name, fmt.Sprintf("%.4f", float64(s.Bits)), fmt.Sprintf("%.4f", float64(s.Accuracy)), fmt.Sprintf("%.1f", float64(s.Signal))})
	}
	rows = append(rows, []string{"the panel's score", fmt.Sprintf("%.4f", float64(c.Deviation)), "", ""})
	printTable(w, []bool{false, true, true, true}, rows)
	fmt.Fprintf(w, "\n%d degrees of freedom\n", c.Freedom)
	fmt.Fprintf(w, "accuracies that enter the score: %s\n", cmp.Or(strings.Join(c.Accuracies, ", "), "none"))
	fmt.Fprintf(w, "%d of %s between samples of the same data called different\n", c.Called, plural(c.Comparisons, "comparison"))
}
