package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/recipes"
	"finest/roles/refiner"
)

const manifestFile = "manifest.json"

func refineSpec() spec {
	return spec{
		name: "refine", args: "WARC...", summary: "refine WARC files into Parquet shards, without account or chain",
		about: `
Reads WARC files (files, folders or URLs), runs a recipe over their pages, and
writes under --out:

   data/{dump}/      Parquet shards of the kept documents
   ledger/{dump}/    what became of every page, and why
   manifest.json     inputs, recipe, files, counts and hashes (unsigned)
   run.json          how long it took

The same input and recipe give the same bytes for any number of workers and
after any crash. A run that was stopped goes on where it was.

The recipe fineweb needs lists that "finest assets pull" gets; fineweb-nolists
needs nothing. --print-recipe shows a recipe whole and needs no WARC file.`,
		example: "finest refine --recipe fineweb-nolists --out out -j 2 sample/",
		exits:   []int{ExitFailed, ExitUsage, ExitLocked, ExitSignal},
		flags: []cli.Flag{
			stringFlag("out", "", "`FOLDER` to write to"),
			workersFlag(),
			stringFlag("recipe", recipes.FineWeb, "recipe: `NAME` ("+strings.Join(recipes.Names(), ", ")+") or TOML file"),
			&cli.BoolFlag{Name: "print-recipe", Usage: "print the recipe as TOML, with all parameters, assets and its hash, and exit", DisableDefaultText: true},
			stringFlag("dump", "", "`NAME` of the crawl in rows and paths (default: what the WARC files say, else local)"),
			stringFlag("warc.base", "", "`DIR|URL` that paths in rows are relative to"),
			assetsFlag(),
			contactFlag(),
		},
		run: runRefine,
	}
}

// refineResult is what refine --json prints: one object.
type refineResult struct {
	Out          string             `json:"out"`
	Dump         string             `json:"dump"`
	Recipe       contract.RecipeRef `json:"recipe"`
	Files        int                `json:"files"`
	Bytes        int64              `json:"bytes"`
	Records      int64              `json:"records"`
	Pages        int64              `json:"pages"`
	Kept         int64              `json:"kept"`
	TextBytes    int64              `json:"text_bytes"`
	Funnel       []contract.Count   `json:"funnel"`
	Damage       map[string]int64   `json:"damage"`
	Skipped      map[string]int64   `json:"skipped"`
	Seconds      float64            `json:"seconds"`
	StageSeconds map[string]float64 `json:"stage_seconds"`
	PeakMemory   int64              `json:"peak_memory"`
	RowsRoot     string             `json:"rows_root"`
	LedgerRoot   string             `json:"ledger_root"`
}

func runRefine(c *invocation) error {
	if c.Bool("print-recipe") {
		return printRecipe(c)
	}
	out, err := required(c.Context, "out")
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return withHint(usageError("refine: no WARC file given"), "try: %s", refineSpec().example)
	}
	if dump := c.String("dump"); dump != "" && !contract.ValidCrawl(dump) {
		return usageError("refine: --dump %q: letters, digits, dots, dashes and underscores only", dump)
	}
	runner, err := buildRunner(c, c.String("recipe"))
	if err != nil {
		return err
	}
	inputs, err := refiner.ExpandInputs(c.Args().Slice(), c.String("warc.base"), polite.NewClient(userAgent(c)))
	if err != nil {
		return err
	}
	lock, err := durable.TryLock(filepath.Join(out, ".lock"))
	if errors.Is(err, durable.ErrLocked) {
		return withCode(ExitLocked, fmt.Errorf("refine into %s: %w", out, err))
	}
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }()

	// Until the new manifest is whole, none may stand beside files it does not
	// describe.
	if err := os.Remove(filepath.Join(out, manifestFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the manifest: %w", err)
	}
	work := filepath.Join(out, ".work")
	report, err := refiner.Refine(c.Context.Context, refiner.Options{
		Inputs: inputs, Runner: runner, Dump: c.String("dump"), Task: contract.LocalTask,
		OutDir: out, WorkDir: work, Progress: refineProgress(c.out), Log: c.log,
	})
	if errors.Is(err, context.Canceled) {
		return withHint(err, "the same command goes on where it was")
	}
	if err != nil {
		return err
	}
	raw, err := canon.Marshal(report.Manifest)
	if err != nil {
		return err
	}
	if err := durable.WriteBytes(filepath.Join(out, manifestFile), 0o644, raw); err != nil {
		return err
	}
	if err := removeStale(out, report.Manifest); err != nil {
		return fmt.Errorf("remove the files of an earlier run: %w", err)
	}
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("remove intermediate results: %w", err)
	}
	result, err := newRefineResult(out, report)
	if err != nil {
		return err
	}
	return c.out.result(result, result.print)
}

// removeStale deletes the shards and ledgers that an earlier run into the same
// folder left, of another dump or with more files.
func removeStale(out string, m contract.Manifest) error {
	written := make(map[string]bool)
	for _, f := range m.Files {
		written[filepath.Join(out, filepath.FromSlash(f.Path))] = true
	}
	for _, kind := range []string{"data", "ledger"} {
		found, err := fs.Glob(os.DirFS(out), kind+"/*/"+contract.LocalTask+"-[0-9][0-9][0-9][0-9][0-9].parquet")
		if err != nil {
			return err
		}
		for _, name := range found {
			if path := filepath.Join(out, filepath.FromSlash(name)); !written[path] {
				if err := os.Remove(path); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// buildRunner makes the runner of a recipe; what is wrong with it is a mistake
// of the caller.
func buildRunner(c *invocation, recipe string) (*pipeline.Runner, error) {
	r, err := recipes.Load(recipe)
	if err != nil {
		return nil, usageError("%w", err)
	}
	return buildRecipe(c, r)
}

func buildRecipe(c *invocation, r contract.Recipe) (*pipeline.Runner, error) {
	spareAssets(r, c.String("assets"))
	runner, err := recipes.Build(r, c.String("assets"))
	var missing *assets.MissingError
	if errors.As(err, &missing) {
		return nil, missingAssets(c, r, err)
	}
	if err != nil {
		return nil, usageError("%w", err)
	}
	if c.IsSet("workers") || c.Int("workers") > 0 {
		runner.Workers = c.Int("workers")
	}
	if runner.Workers < 1 {
		return nil, usageError("--workers %d: at least one is needed", runner.Workers)
	}
	runner.Now = time.Now
	return runner, nil
}

func refineProgress(out *printer) func(refiner.Progress) {
	start := out.now()
	return func(p refiner.Progress) {
		out.progress(func() string {
			elapsed := out.now().Sub(start)
			line := fmt.Sprintf("%-8s file %d/%d", p.Phase, min(p.File+1, p.Files), p.Files)
			if p.BytesTotal > 0 {
				line += fmt.Sprintf("  %3d %%", 100*p.Bytes/p.BytesTotal)
			}
			line += fmt.Sprintf("  %s/s  %s, %d kept so far", byteCount(rate(p.Bytes, elapsed)), plural(int(p.Pages), "page"), p.Kept)
			if p.BytesTotal > 0 && p.Bytes > 0 {
				left := time.Duration(float64(elapsed) * float64(p.BytesTotal-p.Bytes) / float64(p.Bytes))
				line += "  " + left.Round(time.Second).String() + " left"
			}
			return line
		})
	}
}

func newRefineResult(out string, r *refiner.Report) (refineResult, error) {
	hash, err := pipeline.HashRecipe(r.Manifest.Recipe)
	if err != nil {
		return refineResult{}, err
	}
	result := refineResult{
		Out: out, Dump: r.Manifest.Dump, Recipe: contract.RecipeRef{Name: r.Manifest.Recipe.Name, Hash: hash},
		Files: len(r.Manifest.Inputs), TextBytes: r.TextBytes, Funnel: r.Manifest.Counts,
		Damage: r.Damage, Skipped: r.Skipped, Seconds: r.Elapsed.Seconds(), StageSeconds: r.StageSeconds, PeakMemory: peakMemory(),
		RowsRoot: r.Manifest.RowsRoot, LedgerRoot: r.Manifest.LedgerRoot,
	}
	for _, in := range r.Manifest.Inputs {
		result.Bytes += in.Bytes
		result.Records += in.Records
		result.Pages += in.Pages
	}
	for _, c := range r.Manifest.Counts {
		if c.Outcome == contract.OutcomeKept {
			result.Kept += c.Rows
		}
	}
	return result, nil
}

func (r refineResult) print(w io.Writer) {
	elapsed := time.Duration(r.Seconds * float64(time.Second))
	fmt.Fprintf(w, "%d of %s kept from %s (%s) in %s with recipe %s\n\n", r.Kept, plural(int(r.Pages), "page"),
		plural(r.Files, "WARC file"), byteCount(r.Bytes), elapsed.Round(time.Millisecond), r.Recipe.Name)
	var rows [][]string
	for _, c := range r.Funnel {
		share := 0.0
		if r.Pages > 0 {
			share = 100 * float64(c.Rows) / float64(r.Pages)
		}
		rows = append(rows, []string{fmt.Sprint(c.Rows), fmt.Sprintf("%.1f %%", share), fate(c)})
	}
	if len(rows) > 0 {
		printTable(w, []bool{true, true, false}, rows)
		fmt.Fprintln(w)
	}
	printCauses(w, "damaged spans", r.Damage)
	printCauses(w, "records without a page", r.Skipped)
	fmt.Fprintf(w, "peak memory: %s\n", byteCount(r.PeakMemory))
	fmt.Fprintf(w, "written to %s: data, ledger, %s\n", r.Out, manifestFile)
}

// fate names an outcome and its reason, which some stages have only one of.
func fate(c contract.Count) string {
	if c.Reason == "" || c.Reason == c.Outcome {
		return c.Outcome
	}
	return c.Outcome + " " + c.Reason
}

func printCauses(w io.Writer, title string, causes map[string]int64) {
	if len(causes) == 0 {
		return
	}
	var parts []string
	for cause, n := range causes {
		parts = append(parts, fmt.Sprintf("%s %d", cause, n))
	}
	slices.Sort(parts)
	fmt.Fprintf(w, "%s: %s\n", title, strings.Join(parts, ", "))
}
