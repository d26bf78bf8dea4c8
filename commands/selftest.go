package commands

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"finest/internal/canon"
	"finest/pipeline"
	"finest/pipeline/selftest"
)

func selftestSpec() spec {
	return spec{
		name: "selftest", args: "[DIGEST]", summary: "tell whether this installation makes the rows it should",
		about: `
Runs the recipes fineweb-nolists and fineweb-head (without its URL filter) over
pages that lie in the program, and prints the SHA-256 over all rows of ledger and
shards. Two installations that print the same digest make the same rows of the
same bytes. DIGEST is what another installation printed; without it the digest
must be the one that this version was released with. The rows that differ from
that version's are listed.`,
		example: "finest selftest --json",
		exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
		run:     runSelftest,
	}
}

// selftestResult is what selftest --json prints: one object.
type selftestResult struct {
	Version         string `json:"version"`
	PipelineVersion int    `json:"pipeline_version"`
	Go              string `json:"go"`
	OS              string `json:"os"`
	Arch            string `json:"arch"`
	// Level is GOAMD64 or GOARM64 of the build; empty if unknown.
	Level       string                `json:"level"`
	Recipes     []selftestRecipe      `json:"recipes"`
	Digest      string                `json:"digest"`
	Expected    string                `json:"expected"`
	OK          bool                  `json:"ok"`
	Differences []selftest.Difference `json:"differences"`
}

type selftestRecipe struct {
	Name  string `json:"name"`
	Pages int    `json:"pages"`
	Kept  int    `json:"kept"`
}

// maxDifferences bounds what is printed for people.
const maxDifferences = 10

func runSelftest(c *invocation) error {
	if c.NArg() > 1 {
		return usageError("selftest: one DIGEST expected, %d given", c.NArg())
	}
	expect := c.Args().First()
	if expect != "" {
		if _, err := canon.ParseHash(expect); err != nil {
			return usageError("selftest: %q is no digest: %w", expect, err)
		}
	}
	results, err := selftest.Run(c.Context.Context)
	if err != nil {
		return err
	}
	r := selftestResult{
		Version: Version(), PipelineVersion: pipeline.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Level: buildSetting("GO" + archVariable()), Differences: []selftest.Difference{},
	}
	for _, result := range results {
		r.Recipes = append(r.Recipes, selftestRecipe{result.Recipe, result.Pages(), len(result.Rows)})
	}
	golden, err := selftest.Expected()
	if err != nil {
		return err
	}
	if r.Digest, err = selftest.Digest(results); err != nil {
		return err
	}
	if r.Digest != golden.Digest {
		if r.Differences, err = selftest.Compare(results, golden.Results); err != nil {
			return err
		}
	}
	r.Expected = cmp.Or(expect, golden.Digest)
	r.OK = r.Digest == r.Expected
	if err := c.out.result(r, r.print); err != nil {
		return err
	}
	if !r.OK {
		return withCode(ExitVerification, errors.New("selftest: this installation makes other rows than it should"))
	}
	return nil
}

// archVariable is the name of the environment variable, without GO, that says
// which instructions a build may use.
func archVariable() string {
	if runtime.GOARCH == "arm64" {
		return "ARM64"
	}
	return "AMD64"
}

// buildSetting returns what the binary was built with, or "".
func buildSetting(name string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == name {
			return s.Value
		}
	}
	return ""
}

func (r selftestResult) print(w io.Writer) {
	fmt.Fprintf(w, "finest %s, pipeline version %d, %s/%s %s, %s\n", r.Version, r.PipelineVersion, r.OS, r.Arch, r.Level, r.Go)
	for _, recipe := range r.Recipes {
		fmt.Fprintf(w, "recipe %s: %d of %s kept\n", recipe.Name, recipe.Kept, plural(recipe.Pages, "page"))
	}
	fmt.Fprintf(w, "digest %s\n", r.Digest)
	if r.OK {
		fmt.Fprintln(w, "ok")
		return
	}
	fmt.Fprintf(w, "failed: expected %s\n", r.Expected)
	for i, d := range r.Differences {
		if i == maxDifferences {
			fmt.Fprintf(w, "  and %s more\n", plural(len(r.Differences)-i, "row"))
			break
		}
		if d.Column == "" {
			fmt.Fprintf(w, "  %s: %s: one row too many or too few at %d %s\n", d.Recipe, d.Table, d.Offset, d.URL)
			continue
		}
		fmt.Fprintf(w, "  %s: %s: %s of %s is %.60q, expected %.60q\n", d.Recipe, d.Table, d.Column, cmp.Or(d.URL, fmt.Sprint(d.Offset)), d.Got, d.Want)
	}
}
