package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"finest/internal/contract"
	"finest/internal/durable"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/roles/taskserver"
	"finest/roles/taskserver/sqlite"
)

type cliFlag = cli.Flag

func taskServerSpec() spec {
	return spec{
		name: "task-server", summary: "split crawls into tasks and lease them",
		about: "Splits crawls into tasks, leases them to miners with signed receipts, and relays verdicts and fraud proofs.",
		subspecs: []spec{
			{
				name: "serve", summary: "answer miners and validators over HTTP",
				about:   "Serves the API under /v1, /healthz and /metrics. Receipts are signed with the hotkey,\nwhich must be the subnet owner's or one that validators know as a server key.",
				example: "finest task-server serve --addr 127.0.0.1:8733 --netuid 1 --subtensor.network local",
				exits:   []int{ExitFailed, ExitUsage, ExitLocked, ExitSignal},
				flags: join(roleFlags(), walletFlags(), chainFlags(), []cliFlag{
					stringFlag("addr", "127.0.0.1:8733", "`HOST:PORT` to listen on"),
					stringFlag("db", "", "`FILE` of the store (default: tasks.db in the data folder)"),
					&cli.StringSliceFlag{Name: "recipes", Value: cli.NewStringSlice(recipes.FineWeb), EnvVars: env("recipes"), Usage: "`NAME` of a recipe to lease tasks for; may be repeated"},
					intFlag("slots", taskserver.DefaultSlots, "`NUMBER` of leases a hotkey may hold at a time"),
					protocolFlag(),
					durationFlag("head-age", taskserver.DefaultHeadAge, "`TIME` that the known newest block may be old, well below a block's time"),
				}),
				run: runServe,
			},
			{
				name: "import", args: "CRAWL", summary: "add the WARC files of a crawl as tasks",
				about:   "Reads the list of WARC files from --from: a folder of WARC files, a warc.paths or\nwarc.paths.gz file; sizes that a list does not give are asked of --warc.base.\nImporting the same again changes nothing.",
				example: "finest task-server import --db tasks.db --from devnet/crawl DEVNET",
				exits:   []int{ExitFailed, ExitUsage, ExitSignal},
				flags: []cliFlag{
					stringFlag("db", "", "`FILE` of the store"),
					stringFlag("from", "", "`DIR|FILE` with the WARC files: a folder of them, or warc.paths(.gz)"),
					intFlag("files-per-task", taskserver.DefaultFilesPerTask, "`NUMBER` of WARC files in a task"),
					warcBaseFlag(), contactFlag(),
				},
				run: runImport,
			},
		},
	}
}

func runServe(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(c.String("addr")); err != nil {
		return usageError("--addr %q is not HOST:PORT", c.String("addr"))
	}
	protocol, err := protocolOf(c)
	if err != nil {
		return err
	}
	slots, err := number(c.Context, "slots", 1, contract.MaxSlot)
	if err != nil {
		return err
	}
	chainClient, netuid, err := openChain(c)
	if err != nil {
		return err
	}
	defer func() { _ = chainClient.Close() }()
	refs, err := recipeRefs(c.StringSlice("recipes"))
	if err != nil {
		return err
	}
	hotkey, dir, err := openIdentity(c, "task-server", netuid)
	if err != nil {
		return err
	}
	lock, err := durable.TryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return locked(c, dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	db := c.String("db")
	if db == "" {
		db = filepath.Join(dir, "tasks.db")
	}
	store, err := sqlite.Open(c.Context.Context, db)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	server, err := taskserver.New(taskserver.Options{
		Store: store, Chain: chainClient, Netuid: netuid, Signer: hotkey, DeadlineBlocks: protocol.Deadline,
		Slots: slots, Recipes: refs, HeadAge: c.Duration("head-age"), Log: c.log,
	})
	if err != nil {
		return usageError("%w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context.Context, "tcp", c.String("addr"))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.String("addr"), err)
	}
	c.log.Info().Str("addr", listener.Addr().String()).Str("server", hotkey.Address()).Str("db", db).Msg("task server listens")
	if err := server.Serve(c.Context.Context, listener); err != nil {
		return err
	}
	return c.Context.Err()
}

func recipeRefs(names []string) ([]contract.RecipeRef, error) {
	var refs []contract.RecipeRef
	for _, name := range names {
		r, err := recipes.Load(name)
		if err != nil {
			return nil, usageError("%w", err)
		}
		if err := recipes.Checkable(r); err != nil {
			return nil, usageError("task-server serve: %w", err)
		}
		hash, err := pipeline.HashRecipe(r)
		if err != nil {
			return nil, err
		}
		refs = append(refs, contract.RecipeRef{Name: r.Name, Hash: hash})
	}
	return refs, nil
}

// importResult is what task-server import --json prints: one object.
type importResult struct {
	Crawl     string `json:"crawl"`
	Catalogue string `json:"catalogue_sha256"`
	Files     int    `json:"files"`
	Bytes     int64  `json:"bytes"`
	Tasks     int    `json:"tasks"`
	Added     int    `json:"added"`
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
	from, err := required(c.Context, "from")
	if err != nil {
		return err
	}
	perTask, err := number(c.Context, "files-per-task", 1, taskserver.MaxFilesPerTask)
	if err != nil {
		return err
	}
	catalogue, err := readCatalogue(c, from)
	if err != nil {
		return err
	}
	store, err := sqlite.Open(c.Context.Context, db)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	done, err := taskserver.Import(c.Context.Context, store, crawl, catalogue.Files, catalogue.SHA256, perTask)
	if err != nil {
		return err
	}
	result := importResult{crawl, catalogue.SHA256, len(catalogue.Files), done.Bytes, done.Tasks, done.Added}
	return c.out.result(result, func(w io.Writer) {
		fmt.Fprintf(w, "crawl %s: %s in %s (%s), %d new; catalogue %s\n", crawl, plural(result.Files, "WARC file"),
			plural(result.Tasks, "task"), byteCount(result.Bytes), result.Added, result.Catalogue)
	})
}

// sizeTimeout bounds one question for a file's size.
const sizeTimeout = time.Minute

func readCatalogue(c *invocation, from string) (taskserver.Catalogue, error) {
	info, err := os.Stat(from)
	if err != nil {
		return taskserver.Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	if info.IsDir() {
		return taskserver.FolderCatalogue(from)
	}
	f, err := os.Open(from)
	if err != nil {
		return taskserver.Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	defer func() { _ = f.Close() }()
	catalogue, err := taskserver.ReadCatalogue(f)
	if err != nil {
		return catalogue, fmt.Errorf("read catalogue %s: %w", from, err)
	}
	crawl, err := openCrawl(c)
	if err != nil {
		return catalogue, err
	}
	err = catalogue.FillSizes(c.Context.Context, func(ctx context.Context, path string) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, sizeTimeout)
		defer cancel()
		size, err := crawl.Size(ctx, path)
		if errors.Is(err, polite.ErrNotFound) {
			err = withHint(err, "is %s the base that the paths in %s are relative to?", strings.TrimSuffix(crawl.String(), "/"), from)
		}
		return size, err
	})
	return catalogue, err
}
