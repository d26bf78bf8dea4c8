package commands

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/internal/durable"
	"finest/pipeline/shard/guard"
	"finest/roles/evaluator"
	"finest/roles/evaluator/dataset"
)

func evalSpec() spec {
	return spec{
		name: "eval", args: "DATASET", summary: "train small models on two datasets and say which is better",
		about: `
Trains the same small models on the same pages of DATASET and of --against, and
compares how well they predict held-out text and the answers of benchmarks. With
--naive, plain text of the same pages ("finest refine --recipe naive"), it says
also where DATASET stands between that, 0, and --against, 1.

A dataset is a file or a folder: Parquet of any schema with a column of texts,
JSON lines, or plain text. Columns or fields named id or url tell pages apart.

Tiers, from seconds to hours: tiny shows that an installation works, quick and cpu
see gross faults, cpu-long tells good data from mediocre data, gpu ranks. A
stopped evaluation goes on with the same command; finished runs are kept in --runs
and serve every later evaluation that needs them.

A DATASET with more of the text that models are judged by than --against has is
refused before anything is trained: exit status 4. Any other verdict is 0.`,
		example: "finest eval refined/ --against other.jsonl.gz --naive naive/ --tier cpu --out report",
		exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitLocked, ExitSignal},
		flags: join([]cliFlag{
			&cli.StringFlag{Name: "against", Usage: "`DATASET` to compare with"},
			&cli.StringFlag{Name: "naive", Usage: "`DATASET` of plain text of the same pages, as 0 of the scale of quality"},
			&cli.StringFlag{Name: "out", Usage: "`FOLDER` for report.html and result.json", DefaultText: "none"},
			calibrationFlag(),
		}, evalFlags()),
		subspecs: []spec{calibrateSpec()},
		run:      runEval,
	}
}

// evalFlags are those of whatever trains models on a dataset.
func evalFlags() []cliFlag {
	return []cliFlag{
		stringFlag("tier", "quick", "`TIER`: "+tierNames()),
		&cli.IntFlag{Name: "seeds", Usage: "`NUMBER` of runs for each dataset, at least 2", DefaultText: "that of the tier"},
		&cli.StringFlag{Name: "seed", Value: "finest", Usage: "`TEXT`, or 64 hex digits, that all random choices come from"},
		&cli.StringFlag{Name: "text-column", Value: dataset.DefaultTextColumn, Usage: "`NAME` of the column or field with the text"},
		&cli.StringFlag{Name: "panel", Usage: "TOML `FILE` of a panel of one's own, whose files lie beside it", DefaultText: "the public one, of --assets"},
		trainerFlag(),
		&cli.StringFlag{
			Name: "runs", Value: defaultRuns(), DefaultText: "$XDG_CACHE_HOME/finest/runs", EnvVars: env("runs"),
			Usage: "`FOLDER` of finished runs, at most 1 GB, the least used going first",
		},
		assetsFlag(), trainingWorkersFlag(),
	}
}

func defaultRuns() string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "finest", "runs")
	}
	return "runs"
}

func runEval(c *invocation) error {
	candidate, err := oneArgument(c.Context, "DATASET")
	if err != nil {
		return err
	}
	reference, err := required(c.Context, "against")
	if err != nil {
		return err
	}
	calibrations, err := calibrationsIn(c, "calibration")
	if err != nil {
		return err
	}
	options, err := evalOptions(c)
	if err != nil {
		return err
	}
	options.Candidate, options.Reference, options.Naive, options.Out = candidate, reference, c.String("naive"), c.String("out")
	options.Command, options.Calibrations = evalCommand(c), calibrations
	e, err := evaluator.New(options)
	if err != nil {
		return usageError("eval: %w", err)
	}
	if options.Out != "" {
		lock, err := durable.TryLock(filepath.Join(options.Out, ".lock"))
		if errors.Is(err, durable.ErrLocked) {
			return withCode(ExitLocked, fmt.Errorf("eval into %s: %w", options.Out, err))
		}
		if err != nil {
			return fmt.Errorf("eval into %s: %w", options.Out, err)
		}
		defer func() { _ = lock.Unlock() }()
	}
	arms := 2
	if options.Naive != "" {
		arms++
	}
	if err := announce(c, e, options.Tier, arms, 1); err != nil {
		return err
	}
	report, err := e.Evaluate(c.Context.Context)
	if errors.Is(err, context.Canceled) {
		return withHint(err, "the same command goes on where it was")
	}
	if report == nil {
		return fmt.Errorf("eval: %w", err)
	}
	written := options.Out
	if err != nil {
		written = ""
	}
	if shown := c.out.result(report, evalResult{report, written}.print); shown != nil {
		return shown
	}
	if err != nil {
		return fmt.Errorf("eval: write the report: %w", err)
	}
	if report.Outcome == compare.Refused {
		return withCode(ExitVerification, fmt.Errorf("eval: %s holds text that models are judged by", candidate))
	}
	return nil
}

// evalOptions are what flags say of any evaluation.
func evalOptions(c *invocation) (evaluator.Options, error) {
	collectForEval()
	tier, err := compare.TierNamed(c.String("tier"))
	if err != nil {
		return evaluator.Options{}, usageError("--tier: %w", err)
	}
	if c.IsSet("seeds") {
		if tier.Seeds, err = number(c.Context, "seeds", stats.LeastSeeds, 64); err != nil {
			return evaluator.Options{}, err
		}
	}
	o := evaluator.Options{
		TextColumn: c.String("text-column"), Guard: &guard.Guard{}, Tier: tier, Seed: seedOf(c.String("seed")),
		Program: Version(), Progress: evalProgress(c.out), Log: c.log, Now: time.Now, PeakMemory: peakMemory,
	}
	if o.Panel, o.PanelDir, err = evalPanel(c, tier); err != nil {
		return evaluator.Options{}, err
	}
	if o.Runs, err = compare.OpenRuns(c.String("runs")); err != nil {
		return evaluator.Options{}, err
	}
	o.Trainer, err = trainerOf(c, tier, filepath.Join(c.String("runs"), "torch"))
	return o, err
}

// evalPanel is the public panel, or that of a file.
func evalPanel(c *invocation, tier compare.Tier) (panel.Definition, string, error) {
	file := c.String("panel")
	if file == "" {
		return panel.Public(tier.Panel), c.String("assets"), nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return panel.Definition{}, "", usageError("--panel: %w", err)
	}
	d, err := panel.ParseDefinition(raw)
	if err != nil {
		return panel.Definition{}, "", usageError("--panel %s: %w", file, err)
	}
	return d, filepath.Dir(file), nil
}

// seedOf reads a seed: 64 hex digits are one, of any other text it is the SHA-256.
func seedOf(text string) eval.Seed {
	var seed eval.Seed
	if seed.UnmarshalText([]byte(text)) == nil {
		return seed
	}
	return eval.Seed(sha256.Sum256([]byte(text)))
}

// evalCommand is a line that repeats the evaluation.
func evalCommand(c *invocation) string {
	words := []string{"finest", commandPath(c.Context), quoted(c.Args().First())}
	for _, name := range []string{"against", "naive", "tier", "seeds", "seed", "text-column", "panel", "calibration", "trainer"} {
		if c.IsSet(name) || name == "tier" || name == "seed" {
			words = append(words, "--"+name, quoted(fmt.Sprint(c.Value(name))))
		}
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// quoted spells a word for a shell.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
