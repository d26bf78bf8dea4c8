package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/internal/polite"
	catalogue "finest/pipeline/assets"
	"finest/pipeline/recipes"
	"finest/roles/assets"
)

func assetsSpec() spec {
	return spec{
		name: "assets", summary: "get and check the models and lists that recipes pin, and what models are judged by",
		about: `
Models and lists that are too large for the program, or whose licence does not go
with it. Recipes pin them by SHA-256; they lie in one folder, --assets. So do the
texts and questions of the panel, which "finest eval" and "finest validate" judge
models by; keep them out of every dataset.`,
		subspecs: []spec{
			{
				name: "list", args: "[NAME...]", summary: "show what there is, and what is here",
				about: `
Shows all assets, or those named, with size, licence and state: present,
missing, or corrupt, which is a file of that name with another content.`,
				example: "finest assets list --json",
				exits:   []int{ExitFailed, ExitUsage, ExitSignal},
				flags:   []cliFlag{assetsFlag()},
				run: func(c *invocation) error {
					want := catalogue.Catalogue()
					if c.NArg() > 0 {
						var err error
						if want, err = namedAssets(c); err != nil {
							return err
						}
					}
					_, err := listAssets(c, want)
					return err
				},
			},
			{
				name: "check", args: "[NAME...]", summary: "compare assets with what the recipe pins",
				about: `
Reads the named assets, or those of --recipe or --panel, and ends with exit code 4
unless all are present.`,
				example: "finest assets check --recipe fineweb",
				exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
				flags:   []cliFlag{assetsFlag(), assetsRecipeFlag(), assetsPanelFlag()},
				run:     runAssetsCheck,
			},
			{
				name: "pull", args: "[NAME...]", summary: "download assets, or take them from a file",
				about: `
Gets the named assets, or those of --recipe or --panel, from their origin, or from
--mirror. What is present is not fetched again; a download that was stopped goes
on where it was. Nothing is kept that differs from what the catalogue pins.

--from works without network. FILE may be an asset, a tar, zip or Python wheel
that holds assets, such as datatrove-0.2.0-py3-none-any.whl, or a folder. Without
NAME, --recipe and --panel it takes all the assets that are there.`,
				example: "finest assets pull --recipe fineweb",
				exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitLocked, ExitSignal},
				flags: []cliFlag{
					assetsFlag(), assetsRecipeFlag(), assetsPanelFlag(),
					&cli.StringFlag{Name: "from", Usage: "`FILE|FOLDER` to take assets from instead of downloading them"},
					stringFlag("mirror", "", "`DIR|URL` of a copy of the assets folder to download from"),
					contactFlag(),
				},
				run: runAssetsPull,
			},
		},
	}
}

func assetsRecipeFlag() cliFlag {
	return stringFlag("recipe", recipes.FineWeb, "recipe, by `NAME` or TOML file, whose assets are meant where none are named")
}

func assetsPanelFlag() cliFlag {
	return &cli.BoolFlag{
		Name: "panel", Usage: "the files that models are judged by are meant, and those of --recipe only where it is given, too", DisableDefaultText: true,
	}
}

// assetResult is what assets --json prints: one object an asset.
type assetResult struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
	Licence string `json:"licence"`
	Origin  string `json:"origin"`
	State   string `json:"state"`
	Path    string `json:"path"`
	// From is where a fetched asset came from.
	From string `json:"from,omitempty"`
}

const stateFetched = "fetched"

func newAssetResult(dir string, a catalogue.Asset, state catalogue.State) assetResult {
	return assetResult{
		Name: a.Name, Bytes: a.Bytes, SHA256: a.SHA256, Licence: a.Licence, Origin: a.Origin,
		State: string(state), Path: filepath.Join(dir, a.Name),
	}
}

// namedAssets returns the assets that the arguments name.
func namedAssets(c *invocation) ([]catalogue.Asset, error) {
	list, err := catalogue.Named(c.Args().Slice()...)
	if err != nil {
		return nil, withHint(usageError("%s: %w", commandPath(c.Context), err), "finest assets list shows them")
	}
	return list, nil
}

// wantedAssets returns the assets that the arguments or else panel and recipe
// name, and the files of the recipe's own, which nothing gets.
func wantedAssets(c *invocation) (known, own []catalogue.Asset, err error) {
	switch {
	case c.NArg() > 0 && c.Bool("panel"):
		return nil, nil, usageError("%s: --panel and names", commandPath(c.Context))
	case c.NArg() > 0:
		known, err = namedAssets(c)
		return known, nil, err
	case c.Bool("panel") && !c.IsSet("recipe"):
		return catalogue.Panel(), nil, nil
	}
	r, err := recipes.Load(c.String("recipe"))
	if err != nil {
		return nil, nil, usageError("%w", err)
	}
	known, pins := catalogue.Pinned(r)
	if c.Bool("panel") {
		known = append(known, catalogue.Panel()...)
	}
	for _, pin := range pins {
		a, err := catalogue.Own(c.String("assets"), pin)
		if err != nil {
			return nil, nil, usageError("%s: recipe %s: %w", commandPath(c.Context), r.Name, err)
		}
		a.Origin = "recipe " + r.Name
		own = append(own, a)
	}
	if len(known)+len(own) == 0 {
		c.out.note("recipe %s needs no assets", r.Name)
	}
	return known, own, nil
}

// ownMissing is the error of files that only the recipe pins and that are absent
// or other files; nil if there are none.
func ownMissing(c *invocation, own []catalogue.Asset) error {
	var names []string
	for _, a := range own {
		state, err := catalogue.Check(c.String("assets"), a.File)
		if err != nil {
			return err
		}
		if state != catalogue.Present {
			names = append(names, a.Name+" ("+string(state)+")")
		}
	}
	if len(names) == 0 {
		return nil
	}
	err := usageError("%s: the recipe alone pins %s", commandPath(c.Context), strings.Join(names, ", "))
	return withHint(err, "put such files into %s yourself", c.String("assets"))
}

// listAssets prints the states of assets and returns how many are not present.
func listAssets(c *invocation, want []catalogue.Asset) (absent int, err error) {
	dir := c.String("assets")
	rows := [][]string{{"name", "size", "licence", "state"}}
	for _, a := range want {
		if err := c.Context.Context.Err(); err != nil {
			return 0, err
		}
		state, err := catalogue.Check(dir, a.File)
		if err != nil {
			return 0, err
		}
		if state != catalogue.Present {
			absent++
		}
		rows = append(rows, []string{a.Name, byteCount(a.Bytes), a.Licence, string(state)})
		if c.out.json {
			if err := c.out.result(newAssetResult(dir, a, state), nil); err != nil {
				return 0, err
			}
		}
	}
	if c.out.json {
		return absent, nil
	}
	return absent, c.out.result(nil, func(w io.Writer) {
		fmt.Fprintf(w, "assets in %s\n", dir)
		printTable(w, []bool{false, true, false, false}, rows)
	})
}

func runAssetsCheck(c *invocation) error {
	known, own, err := wantedAssets(c)
	want := slices.Concat(known, own)
	if err != nil || len(want) == 0 {
		return err
	}
	absent, err := listAssets(c, want)
	if err == nil && absent > 0 {
		err = withCode(ExitVerification, fmt.Errorf("assets check: %d of %s not present in %s", absent, plural(len(want), "asset"), c.String("assets")))
		switch {
		case len(own) == 0:
			err = withHint(err, "%s gets them", pullLike(c))
		case len(known) == 0:
			err = withHint(err, "put such files into %s yourself", c.String("assets"))
		default:
			err = withHint(err, "%s gets those of the catalogue, the others are for you to put there", pullLike(c))
		}
	}
	return err
}

// pullLike is the command that gets what this one checks.
func pullLike(c *invocation) string {
	pull := "finest assets pull"
	for _, name := range []string{"assets", "recipe"} {
		if c.IsSet(name) && (name != "recipe" || c.NArg() == 0) {
			pull += " --" + name + " " + c.String(name)
		}
	}
	if c.Bool("panel") {
		pull += " --panel"
	}
	return strings.Join(append([]string{pull}, c.Args().Slice()...), " ")
}

func runAssetsPull(c *invocation) error {
	some := c.NArg() == 0 && c.String("from") != "" && !c.IsSet("recipe") && !c.Bool("panel")
	want := catalogue.Catalogue()
	var own []catalogue.Asset
	if !some {
		var err error
		if want, own, err = wantedAssets(c); err != nil {
			return err
		}
		if len(want) == 0 {
			return ownMissing(c, own)
		}
	}
	options := assets.Options{
		Dir: c.String("assets"), Want: want, Client: polite.NewClient(userAgent(c)), Mirror: c.String("mirror"), Log: c.log,
		Progress: downloadProgress(c.out),
	}
	var results []assets.Result
	var err error
	if from := c.String("from"); from != "" {
		results, err = assets.Import(options, from, some)
	} else {
		results, err = assets.Pull(c.Context.Context, options)
	}
	for _, r := range results {
		if err := printPulled(c, options.Dir, r); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return withHint(err, "the same command goes on where it was")
	case errors.Is(err, durable.ErrLocked):
		return withCode(ExitLocked, err)
	case errors.Is(err, catalogue.ErrContent):
		return withCode(ExitVerification, err)
	case errors.Is(err, polite.ErrUnavailable), errors.Is(err, polite.ErrUnexpectedContent):
		return withHint(err, "--from FILE takes assets from a file at hand, --mirror URL from a copy")
	case err == nil:
		return ownMissing(c, own)
	}
	return err
}

// downloadProgress shows how far the download of a file is; what an earlier run
// left of it does not count for the rate.
func downloadProgress(out *printer) func(file string, done, total int64) {
	var current string
	var first int64
	var start time.Time
	return func(file string, done, total int64) {
		if file != current {
			current, first, start = file, done, out.now()
		}
		out.progress(func() string {
			elapsed := out.now().Sub(start)
			line := fmt.Sprintf("download %s  %s", file, byteCount(done))
			if total > 0 {
				line += fmt.Sprintf(" of %s", byteCount(total))
			}
			line += fmt.Sprintf("  %s/s", byteCount(rate(done-first, elapsed)))
			if total > 0 && done > first {
				left := time.Duration(float64(elapsed) * float64(total-done) / float64(done-first))
				line += "  " + left.Round(time.Second).String() + " left"
			}
			return line
		})
	}
}

func printPulled(c *invocation, dir string, r assets.Result) error {
	result := newAssetResult(dir, r.Asset, catalogue.Present)
	if r.From != "" {
		result.State, result.From = stateFetched, r.From
	}
	return c.out.result(result, func(w io.Writer) {
		if r.From == "" {
			fmt.Fprintf(w, "%s is present\n", r.Name)
			return
		}
		fmt.Fprintf(w, "%s (%s) from %s\n  licence %s; origin: %s\n", r.Name, byteCount(r.Bytes), r.From, r.Licence, r.Origin)
	})
}

// missingAssets is the error of a recipe whose assets are not all there.
func missingAssets(c *invocation, r contract.Recipe, err error) error {
	err = usageError("%w", err)
	if !slices.Contains(recipes.Names(), r.Name) {
		return err
	}
	pull := "finest assets pull --recipe " + r.Name
	if c.IsSet("assets") {
		pull += " --assets " + c.String("assets")
	}
	switch c.Command.Name {
	case "refine", "mine":
		return withHint(err, "%s gets all that the recipe needs; --recipe %s needs none", pull, recipes.FineWebNoLists)
	}
	return withHint(err, "%s gets all that the recipe needs", pull)
}
