package commands

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/chain/wallet"
	"finest/eval"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

type cliFlag = cli.Flag

func taskServerSpec() spec {
	return spec{
		name: "task-server", summary: "split crawls into tasks and lease them",
		about:    "Splits crawls into tasks, leases them to miners with signed receipts, and relays verdicts and fraud proofs.",
		subspecs: []spec{serveSpec(), importSpec(), checkSpec(), backupSpec(), adminSpec()},
	}
}

// Defaults of serve.
const (
	defaultSlots        = 4
	defaultColdkeySlots = 64
	defaultMaxAttempts  = 5
	// confirmWindows is for how many windows a publication must stay readable, so
	// that validators have at least as long to judge it.
	confirmWindows = 2
)

func serveSpec() spec {
	return spec{
		name: "serve", summary: "answer miners and validators over HTTP",
		about: `
Serves the API under /v1, /healthz, /readyz and /metrics, ends leases at their
deadline and looks at WARC files before they are leased. Receipts are signed with
the hotkey, which must be the subnet owner's or one that validators know as a
server key. Several servers may share one PostgreSQL database.`,
		example: "finest task-server serve --addr 127.0.0.1:8733 --netuid 1 --subtensor.network local",
		exits:   []int{ExitFailed, ExitUsage, ExitLocked, ExitSignal},
		flags: join(roleFlags(), walletFlags(), chainFlags(), []cliFlag{
			onceFlag(),
			stringFlag("addr", "127.0.0.1:8733", "`HOST:PORT` to listen on"),
			stringFlag("db", "", "`FILE|URL` of the store: a SQLite file, or postgres://… (default: tasks.db in the data folder)"),
			&cli.StringSliceFlag{Name: "recipes", Value: cli.NewStringSlice(recipes.FineWeb), EnvVars: env("recipes"), Usage: "`NAME[@BLOCK]` of a recipe to lease tasks for, from that block on; may be repeated"},
			intFlag("slots", defaultSlots, "`NUMBER` of leases a hotkey may hold at a time"),
			intFlag("coldkey-slots", defaultColdkeySlots, "`NUMBER` of leases all hotkeys of a coldkey may hold at a time"),
			intFlag("max-attempts", defaultMaxAttempts, "`NUMBER` of leases of a task that may lead to nothing before it is quarantined"),
			&cli.IntFlag{Name: "confirm-blocks", DefaultText: "two windows of the protocol", EnvVars: env("confirm-blocks"), Usage: "`NUMBER` of blocks after the deadline in which validators may accept a result"},
			protocolFlag(),
			stringFlag("next-hotkey", "", "`NAME` of the hotkey that signs from --next-from on"),
			intFlag("next-from", 0, "first `BLOCK` of --next-hotkey"),
			intFlag("min-client", 0, "lowest `VERSION` of the API that miners and validators may speak; older ones are told to update"),
			intFlag("anchor-every", 0, "write the head of the audit log on chain every so many `BLOCKS`; 0 for never"),
			intFlag("survey-ahead", catalogue.DefaultAhead, "`NUMBER` of tasks whose files are looked at ahead; 0 for none"),
			warcBaseFlag(), contactFlag(),
			intFlag("max-connections", taskserver.DefaultMaxConnections, "`NUMBER` of connections at a time"),
			durationFlag("block-time", taskserver.DefaultBlockTime, "`TIME` of a block, by which waits are told in seconds"),
			durationFlag("head-age", taskserver.DefaultHeadAge, "`TIME` that the known newest block may be old, well below a block's time"),
			durationFlag("drain-delay", 0, "`TIME` between being told to end and ending, in which load balancers look elsewhere"),
		}),
		run: runServe,
	}
}

func runServe(c *invocation) error {
	o, err := serveOptions(c)
	if err != nil {
		return err
	}
	chainClient, netuid, err := openChain(c)
	if err != nil {
		return err
	}
	defer func() { _ = chainClient.Close() }()
	o.Chain, o.Netuid = chainClient, netuid
	hotkey, dir, err := openIdentity(c, "task-server", netuid)
	if err != nil {
		return err
	}
	if o.Keys, err = serverKeyring(c, hotkey); err != nil {
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
	observe, err := taskserver.ObserveBatches(o.Registry)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(c.Context.Context, db, sqlstore.Options{Observe: observe})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	o.Store = store
	server, err := taskserver.New(o)
	if err != nil {
		return usageError("%w", err)
	}
	if c.Bool("once") {
		return serveOnce(c, server)
	}
	listener, err := (&net.ListenConfig{}).Listen(c.Context.Context, "tcp", c.String("addr"))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.String("addr"), err)
	}
	c.log.Info().Str("addr", listener.Addr().String()).Str("server", hotkey.Address()).Str("db", storeName(db)).Msg("task server listens")
	if err := server.Serve(c.Context.Context, listener); err != nil {
		return err
	}
	return c.Context.Err()
}

// serveOptions reads the flags that need neither chain nor key.
func serveOptions(c *invocation) (o taskserver.Options, err error) {
	if err := noArguments(c.Context); err != nil {
		return o, err
	}
	if _, _, err := net.SplitHostPort(c.String("addr")); err != nil {
		return o, usageError("--addr %q is not HOST:PORT", c.String("addr"))
	}
	if o.Rules, err = rulesOf(c); err != nil {
		return o, err
	}
	for _, n := range []struct {
		name  string
		least int
		to    *int
	}{{"min-client", 0, &o.MinClient}, {"survey-ahead", 0, &o.SurveyAhead}, {"max-connections", 1, &o.MaxConnections}} {
		if *n.to, err = number(c.Context, n.name, n.least, math.MaxInt32); err != nil {
			return o, err
		}
	}
	anchorEvery, err := number(c.Context, "anchor-every", 0, math.MaxInt32)
	if err != nil {
		return o, err
	}
	if o.SurveyAhead > 0 {
		if o.Crawls, err = openCrawl(c); err != nil {
			return o, err
		}
	}
	o.AnchorEvery, o.BlockTime, o.HeadAge, o.DrainDelay = uint64(anchorEvery), c.Duration("block-time"), c.Duration("head-age"), c.Duration("drain-delay")
	o.Registry, o.Log = newRegistry("task-server"), c.log
	return o, nil
}

// rulesOf reads the terms of the server.
func rulesOf(c *invocation) (r engine.Rules, err error) {
	protocol, err := protocolOf(c)
	if err != nil {
		return r, err
	}
	r.DeadlineBlocks = protocol.Deadline
	if r.Slots, err = number(c.Context, "slots", 1, contract.MaxSlot); err != nil {
		return r, err
	}
	if r.ColdkeySlots, err = number(c.Context, "coldkey-slots", 1, math.MaxInt32); err != nil {
		return r, err
	}
	if r.MaxAttempts, err = number(c.Context, "max-attempts", 1, math.MaxInt32); err != nil {
		return r, err
	}
	if r.ConfirmBlocks, err = confirmBlocks(c, protocol); err != nil {
		return r, err
	}
	if r.Recipes, err = activations(c.StringSlice("recipes")); err != nil {
		return r, err
	}
	if err := r.Validate(); err != nil {
		return r, usageError("%w", err)
	}
	return r, nil
}

func confirmBlocks(c *invocation, protocol eval.Protocol) (uint64, error) {
	n, err := number(c.Context, "confirm-blocks", 0, math.MaxInt32)
	if n == 0 {
		return confirmWindows * protocol.Window, err
	}
	return uint64(n), err
}

// activations reads NAME[@BLOCK] entries.
func activations(entries []string) (list []contract.RecipeActivation, err error) {
	for _, entry := range entries {
		name, from := entry, uint64(0)
		if i := strings.LastIndexByte(entry, '@'); i >= 0 {
			if from, err = strconv.ParseUint(entry[i+1:], 10, 63); err != nil {
				return nil, usageError("--recipes %q is not NAME[@BLOCK]", entry)
			}
			name = entry[:i]
		}
		ref, err := recipeRef(name)
		if err != nil {
			return nil, err
		}
		list = append(list, contract.RecipeActivation{RecipeRef: ref, FromBlock: from})
	}
	return list, nil
}

func recipeRef(name string) (contract.RecipeRef, error) {
	r, err := recipes.Load(name)
	if err != nil {
		return contract.RecipeRef{}, usageError("%w", err)
	}
	if err := recipes.Checkable(r); err != nil {
		return contract.RecipeRef{}, usageError("task-server serve: %w", err)
	}
	hash, err := pipeline.HashRecipe(r)
	return contract.RecipeRef{Name: r.Name, Hash: hash}, err
}

// serverKeyring returns the key that signs receipts, and the one that will.
func serverKeyring(c *invocation, hotkey *wallet.Hotkey) ([]taskserver.Key, error) {
	keys := []taskserver.Key{{Signer: hotkey}}
	name, from := c.String("next-hotkey"), c.Int("next-from")
	switch {
	case name == "" && from == 0:
		return keys, nil
	case name == "":
		return nil, usageError("--next-from %d is of a --next-hotkey, which is missing", from)
	case from < 1:
		return nil, usageError("--next-hotkey %q: --next-from says from which block on", name)
	}
	next, err := wallet.Load(c.String("wallet.path"), c.String("wallet.name"), name)
	if err != nil {
		return nil, usageError("--next-hotkey: %w", err)
	}
	return append(keys, taskserver.Key{Signer: next, FromBlock: uint64(from)}), nil
}

// storeName names a store in logs: a URL without user, password and parameters.
func storeName(where string) string {
	if !strings.Contains(where, "://") {
		return where
	}
	u, err := url.Parse(where)
	if err != nil {
		return "postgres"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// onceResult is what task-server serve --once --json prints: one object.
type onceResult struct {
	Block       uint64             `json:"block"`
	Ended       int                `json:"ended"`
	Surveyed    int                `json:"surveyed"`
	Quarantined int                `json:"quarantined"`
	Confirmed   int                `json:"confirmed"`
	Refuted     int                `json:"refuted"`
	Undecided   int                `json:"undecided"`
	Anchor      *contract.Anchored `json:"anchor,omitempty"`
}

// serveOnce does one round of what a server does beside answering.
func serveOnce(c *invocation, server *taskserver.Server) error {
	r, err := server.Once(c.Context.Context)
	if err != nil {
		return errors.Join(err, c.Context.Err())
	}
	s := r.Survey
	result := onceResult{r.Block, r.Ended, s.Surveyed, s.Quarantined, s.Confirmed, s.Refuted, s.Undecided, r.Anchor}
	return c.out.result(result, func(w io.Writer) {
		fmt.Fprintf(w, "block %d: %s ended; %s surveyed, %d quarantined; %s confirmed, %d refuted; %d undecided\n", r.Block,
			plural(r.Ended, "task"), plural(s.Surveyed, "task"), s.Quarantined, plural(s.Confirmed, "excuse"), s.Refuted, s.Undecided)
		if r.Anchor != nil {
			fmt.Fprintf(w, "entry %d of the audit log is on chain in block %d: %s\n", r.Anchor.Seq, r.Anchor.Block, r.Anchor.Hash)
		}
	})
}
