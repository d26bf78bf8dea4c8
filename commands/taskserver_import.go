package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

func importSpec() spec {
	return spec{
		name: "import", args: "CRAWL", summary: "add the WARC files of a crawl as tasks",
		about: `
Reads the list of WARC files from --from: a folder of WARC files, a warc.paths or
warc.paths.gz file, or the URL of one. For the crawls of Common Crawl
(CC-MAIN-2024-10) it is by default the list below --warc.base. Importing the same
again changes nothing; another list under the same name is refused.

Files whose size the list does not say are looked at by the server before it
leases them, or with --survey by this command, at once: four requests a second.
Stopped, it goes on with the same command.`,
		example: "finest task-server import --db tasks.db --from devnet/crawl DEVNET",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: []cliFlag{
			dbFlag(),
			&cli.StringFlag{Name: "from", EnvVars: env("from"), DefaultText: "for CC-MAIN-…, its list below --warc.base", Usage: "`DIR|FILE|URL` with the WARC files: a folder of them, or warc.paths(.gz)"},
			intFlag("files-per-task", catalogue.DefaultFilesPerTask, "`NUMBER` of WARC files in a task"),
			&cli.BoolFlag{Name: "survey", Usage: "look at all files now", DisableDefaultText: true},
			warcBaseFlag(), contactFlag(),
		},
		run: runImport,
	}
}

func dbFlag() cli.Flag {
	return stringFlag("db", "", "`FILE|URL` of the store: a SQLite file, or postgres://…")
}

// importResult is what task-server import --json prints: one object.
type importResult struct {
	Crawl     string `json:"crawl"`
	Catalogue string `json:"catalogue_sha256"`
	Files     int    `json:"files"`
	// Bytes are those of files whose size is known.
	Bytes int64 `json:"bytes"`
	Tasks int   `json:"tasks"`
	Added int   `json:"added"`
	// Ready tasks can be leased; Surveyed and Quarantined are what --survey found.
	Ready       int64 `json:"ready"`
	Surveyed    int   `json:"surveyed"`
	Quarantined int   `json:"quarantined"`
}

func runImport(c *invocation) error {
	crawl, err := oneArgument(c.Context, "CRAWL")
	if err != nil {
		return err
	}
	if !contract.ValidCrawl(crawl) {
		return usageError("task-server import: crawl %q: letters, digits, dots, dashes and underscores only", crawl)
	}
	db, err := required(c.Context, "db")
	if err != nil {
		return err
	}
	perTask, err := number(c.Context, "files-per-task", 1, catalogue.MaxFilesPerTask)
	if err != nil {
		return err
	}
	list, err := loadCatalogue(c, crawl)
	if err != nil {
		return err
	}
	division, tasks, err := catalogue.Tasks(crawl, list, perTask)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(c.Context.Context, db, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	o := operator{store: store}
	result := importResult{Crawl: crawl, Catalogue: list.SHA256, Files: division.Files, Tasks: division.Tasks}
	if result.Added, err = o.add(c.Context.Context, division, tasks); err != nil {
		return o.explainConflict(c.Context.Context, division, err)
	}
	if result.Added > 0 {
		if err := store.Analyze(c.Context.Context); err != nil {
			c.log.Warn().Err(err).Msg("the crawl is imported, but its tables are not analysed yet")
		}
	}
	if c.Bool("survey") {
		if err := surveyNow(c, o, &result); err != nil {
			return err
		}
	}
	if err := o.measure(c.Context.Context, &result); err != nil {
		return err
	}
	return c.out.result(result, result.print)
}

func (r importResult) print(w io.Writer) {
	size := ""
	if r.Bytes > 0 {
		size = " (" + byteCount(r.Bytes) + ")"
	}
	fmt.Fprintf(w, "crawl %s: %s in %s%s, %d new, %d ready; catalogue %s\n", r.Crawl, plural(r.Files, "WARC file"),
		plural(r.Tasks, "task"), size, r.Added, r.Ready, r.Catalogue)
	if r.Surveyed+r.Quarantined > 0 {
		fmt.Fprintf(w, "%s surveyed, %d quarantined\n", plural(r.Surveyed, "task"), r.Quarantined)
	}
}

// loadCatalogue reads --from, or where Common Crawl keeps the list of this crawl.
func loadCatalogue(c *invocation, crawl string) (catalogue.Catalogue, error) {
	client := polite.NewClient(userAgent(c))
	if from := c.String("from"); from != "" {
		list, err := catalogue.Load(c.Context.Context, from, client)
		return list, explainBadFiles(from, err)
	}
	path, ok := catalogue.ListOf(crawl)
	if !ok {
		return catalogue.Catalogue{}, usageError("task-server import: --from says where the WARC files of %s are listed", crawl)
	}
	base, err := openCrawl(c)
	if err != nil {
		return catalogue.Catalogue{}, err
	}
	return catalogue.ReadFrom(c.Context.Context, base, path)
}

// explainBadFiles says what can be done about files that no task can have.
func explainBadFiles(from string, err error) error {
	var bad *catalogue.BadFilesError
	switch {
	case !errors.As(err, &bad):
		return err
	case errors.Is(err, catalogue.ErrNoRanges):
		return withHint(err, "nothing was imported: write one gzip member a record (warcio recompress does), or move the files out of %s", from)
	}
	return withHint(err, "nothing was imported: mend the files, or move them out of %s", from)
}

// surveyNow looks at the files of all tasks that are not ready.
func surveyNow(c *invocation, o operator, result *importResult) error {
	base, err := openCrawl(c)
	if err != nil {
		return err
	}
	surveyor, err := catalogue.NewSurveyor(catalogue.SurveyOptions{Tables: o.store, Decider: engine.ForOperator(o.store), Base: base, Block: o.block, Log: c.log})
	if err != nil {
		return err
	}
	start := c.out.now()
	report, err := surveyor.Whole(c.Context.Context, result.Crawl, func(done, total int) {
		c.out.progress(func() string {
			left := c.out.now().Sub(start).Seconds() / float64(max(done, 1)) * float64(total-done)
			return fmt.Sprintf("survey   task %d/%d  %.0f s left", done, total, left)
		})
	})
	result.Surveyed, result.Quarantined = report.Surveyed, report.Quarantined
	if errors.Is(err, polite.ErrUnavailable) || errors.Is(err, context.Canceled) {
		what := "all of it"
		if from := c.String("from"); from != "" {
			what = from
		}
		err = withHint(err, "the same command goes on; is %s the base that the paths in %s are relative to?",
			strings.TrimSuffix(base.String(), "/"), filepath.Base(what))
	}
	return err
}

// operator does what an operator does to a store, beside its servers.
type operator struct{ store *sqlstore.Store }

// block returns that of the newest entry of the audit log: the newest that is
// known without a chain.
func (o operator) block(ctx context.Context) (block uint64, err error) {
	err = o.store.View(ctx, func(v engine.View) error {
		head, err := v.AuditHead()
		block = head.Block
		return err
	})
	return block, err
}

// add adds a crawl.
func (o operator) add(ctx context.Context, crawl engine.Crawl, tasks []engine.Task) (added int, err error) {
	block, err := o.block(ctx)
	if err != nil {
		return 0, err
	}
	return engine.ForOperator(o.store).Import(ctx, block, crawl, tasks)
}

// explainConflict says what can be done where another crawl has the name.
func (o operator) explainConflict(ctx context.Context, wanted engine.Crawl, err error) error {
	if !errors.Is(err, engine.ErrConflict) {
		return err
	}
	var known engine.Crawl
	viewErr := o.store.View(ctx, func(v engine.View) (err error) {
		known, err = v.Crawl(wanted.Name)
		return err
	})
	switch {
	case viewErr != nil:
		return errors.Join(err, viewErr)
	case known.CatalogueSHA256 == wanted.CatalogueSHA256:
		return withHint(err, "a crawl keeps its division: --files-per-task %d imports it as it is there", known.FilesPerTask)
	}
	return withHint(err, "a crawl keeps its list of files: another list needs another name than %s", wanted.Name)
}

// measure counts what can be leased, and the bytes that are known.
func (o operator) measure(ctx context.Context, r *importResult) error {
	return o.store.View(ctx, func(v engine.View) error {
		counts, err := engine.Leasable(v)
		if err != nil {
			return err
		}
		r.Ready, r.Bytes = 0, 0
		for _, n := range counts {
			if n.Crawl == r.Crawl && n.State == contract.TaskAvailable && n.Ready {
				r.Ready += n.Tasks
			}
		}
		for after := ""; ; {
			tasks, err := v.Tasks(r.Crawl, "", after, measurePage)
			if err != nil || len(tasks) == 0 {
				return err
			}
			for _, t := range tasks {
				r.Bytes += t.Bytes()
				after = t.ID
			}
		}
	})
}

// measurePage is how many tasks are read at a time.
const measurePage = 1000
