package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/roles/refiner"
)

func verifySpec() spec {
	return spec{
		name: "verify", args: "SHARD[:ROW]", summary: "recompute rows of a shard from the crawl's own bytes",
		about: `
Reads the WARC record of a row (counted from 0), or of every row, again by its
byte range, runs the recipe over it and compares all columns. The recipe is
taken from the manifest beside the shard, or from --recipe. Whether a row should
have been dropped as a duplicate, no row tells; where a recipe cuts repeated
sentences out of texts, no row can be recomputed, and verify says so.

SHARD is a file, or one on the hub: OWNER/NAME[@REVISION]:data/….parquet. Of that
only the metadata and what holds the row are downloaded, and checked against
the hashes in the publication's manifest.`,
		example: "finest verify out/data/SAMPLE-2026-01/local-00000.parquet:3 --warc.base sample",
		exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
		flags: join(hubFlags(), []cliFlag{
			warcBaseFlag(), contactFlag(), assetsFlag(), workersFlag(),
			stringFlag("recipe", "", "recipe: `NAME` or TOML file (default: that of the manifest)"),
		}),
		run: runVerify,
	}
}

func runVerify(c *invocation) error {
	target, err := oneArgument(c.Context, "SHARD[:ROW]")
	if err != nil {
		return err
	}
	name, row := splitRow(target)
	shard, err := openShard(c, name)
	if err != nil {
		return err
	}
	defer func() { _ = shard.close() }()
	runner, err := verifyRunner(c, shard)
	if err != nil {
		return err
	}
	crawl, err := openCrawl(c)
	if err != nil {
		return err
	}
	if unchecked := uncheckedSteps(runner); len(unchecked) > 0 && len(runner.Passes()) == 1 {
		c.log.Warn().Strs("stages", unchecked).Msg("rows are recomputed; whether these stages should have dropped any of them cannot be checked")
	}
	counts := make(map[string]int)
	err = refiner.Verify(c.Context.Context, refiner.VerifyOptions{
		Name: shard.name, Shard: shard.reader, Size: shard.size, Row: row, Base: crawl, Runner: runner,
	},
		func(check refiner.RowCheck) error {
			counts[check.Outcome]++
			c.out.progress(func() string { return fmt.Sprintf("verified %s", plural(int(check.Row+1), "row")) })
			if row < 0 && check.Outcome == refiner.RowEqual && !c.out.json {
				return nil
			}
			return c.out.result(check, func(w io.Writer) { printCheck(w, check) })
		})
	if errors.Is(err, hub.ErrCorrupt) {
		return withCode(ExitVerification, err)
	}
	if err != nil {
		return err
	}
	if !c.out.json && row < 0 {
		err := c.out.result(counts, func(w io.Writer) {
			fmt.Fprintf(w, "%s equal, %d different, %d without a range\n", plural(counts[refiner.RowEqual], "row"),
				counts[refiner.RowDiffers], counts[refiner.RowNoRange])
		})
		if err != nil {
			return err
		}
	}
	if n := counts[refiner.RowDiffers]; n > 0 {
		return withCode(ExitVerification, fmt.Errorf("verify %s: %s not what the recipe makes of the WARC record", shard.name, plural(n, "row")))
	}
	return nil
}

// uncheckedSteps names the stages that compare all documents, other than MinHash,
// whose verdicts the ledger explains.
func uncheckedSteps(r *pipeline.Runner) []string {
	var names []string
	for _, step := range r.Across() {
		if step.Name() != contract.OutcomeMinHash {
			names = append(names, step.Name())
		}
	}
	return names
}

// splitRow cuts a row number off; −1 stands for all rows.
func splitRow(target string) (shard string, row int64) {
	path, number, ok := strings.Cut(target, ".parquet:")
	if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil && n >= 0 {
		return path + ".parquet", n
	}
	return target, -1
}

func printCheck(w io.Writer, r refiner.RowCheck) {
	fmt.Fprintf(w, "row %d: %s\n  url    %s\n  record %s", r.Row, strings.ReplaceAll(r.Outcome, "_", " "), r.URL, r.ID)
	if r.Offset >= 0 {
		fmt.Fprintf(w, " at bytes %d to %d", r.Offset, r.Offset+int64(r.Length))
	}
	fmt.Fprintf(w, " of %s\n", r.FilePath)
	if r.Reason != "" {
		fmt.Fprintf(w, "  why    %s\n", r.Reason)
	}
}

// openShard opens a shard in a folder or on the hub.
func openShard(c *invocation, name string) (source, error) {
	f, err := os.Open(name)
	if err != nil {
		if match := published.FindStringSubmatch(name); match != nil {
			return openPublished(c, match[1], match[2])
		}
		return source{}, fmt.Errorf("verify: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return source{}, fmt.Errorf("verify: %w", err)
	}
	recipe, err := manifestBeside(name)
	if err != nil {
		_ = f.Close()
		return source{}, err
	}
	return source{name: name, reader: f, size: info.Size(), close: f.Close, recipe: recipe}, nil
}

// verifyRunner builds the recipe of a shard: the one that is named, or that of
// its manifest.
func verifyRunner(c *invocation, shard source) (*pipeline.Runner, error) {
	if name := c.String("recipe"); name != "" {
		return buildRunner(c, name)
	}
	if shard.recipe == nil {
		return nil, withHint(usageError("verify: no manifest found for %s, so its recipe is not known", shard.name), "name it with --recipe")
	}
	return buildRecipe(c, *shard.recipe)
}

// manifestBeside returns the recipe of the manifest that lies where refine or a
// publication puts it; nil without one.
func manifestBeside(shard string) (*contract.Recipe, error) {
	absolute, err := filepath.Abs(shard)
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(absolute))) // ROOT/data/{dump}/{task}-00000.parquet
	task := taskOfShard(filepath.ToSlash(absolute))
	for _, path := range []string{filepath.Join(root, manifestFile), filepath.Join(root, filepath.FromSlash(contract.ManifestPath(task)))} {
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var m contract.Manifest
		if err := canon.Unmarshal(raw, &m); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		return &m.Recipe, nil
	}
	return nil, nil
}
