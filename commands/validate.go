package commands

import (
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline"
	"finest/pipeline/shard/guard"
	"finest/roles/submission"
	"finest/roles/taskserver/client"
	"finest/roles/validator"
)

func validateSpec() spec {
	return spec{
		name: "validate", summary: "follow claims, check them against the crawl, set weights",
		about: `
Follows the claims on chain, checks each against the crawl itself, and sets
weights from quality, work and elapsed time. What could not be checked is
undecided and tried again; no weights are set while nothing is accepted.

Recipes other than the reference are judged when a window of blocks is over, by
small models trained on what was published with them; until then they count with
their last quality. That needs the panel ("finest assets pull --panel") and
minutes to hours, by tier, beside which claims are checked and weights are set.`,
		example: "finest validate --once --netuid 1 --protocol devnet --start-block 1 \\\n" +
			"      --subtensor.network local --hub http://127.0.0.1:8734 --warc.base devnet/crawl",
		exits: []int{ExitFailed, ExitUsage, ExitLocked, ExitSignal},
		flags: join(roleFlags(), walletFlags(), chainFlags(), hubFlags(), judgeFlags(), []cliFlag{
			onceFlag(),
			stringFlag("task-server", "", "`URL` of the task server that verdicts and fraud proofs are shared through (default: none)"),
			intFlag("every-blocks", 100, "least `NUMBER` of blocks between two settings of weights"),
			&cli.IntFlag{
				Name: "start-block", Value: -1, DefaultText: "the newest", EnvVars: env("start-block"),
				Usage: "first `BLOCK` that a new validator reads claims of",
			},
			intFlag("cache-bytes", submission.DefaultCacheBytes, "most `BYTES` of publications to keep on disk; one with a larger file cannot be checked"),
			boolFlag("burn", "give what was not earned to the subnet owner's uid"),
			metricsFlag(),
		}, qualityFlags()),
		run: runValidate,
	}
}

func runValidate(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	protocol, servers, err := judgement(c)
	if err != nil {
		return err
	}
	if err := checkMetrics(c); err != nil {
		return err
	}
	every, err := number(c.Context, "every-blocks", 0, math.MaxInt32)
	if err != nil {
		return err
	}
	start, err := number(c.Context, "start-block", -1, math.MaxInt)
	if err != nil {
		return err
	}
	cache, err := number(c.Context, "cache-bytes", 1, math.MaxInt)
	if err != nil {
		return err
	}
	server, err := serverURL(c.Context)
	if err != nil {
		return err
	}
	var dir string
	quality, err := qualityOf(c, protocol, &dir)
	if err != nil {
		return err
	}
	net, err := openNetwork(c)
	if err != nil {
		return err
	}
	defer net.close()
	var hotkey *wallet.Hotkey
	hotkey, dir, err = openIdentity(c, "validate", net.netuid)
	if err != nil {
		return err
	}
	lock, err := durable.TryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return locked(c, dir, err)
	}
	defer func() { _ = lock.Unlock() }()
	registry := newRegistry("validate")
	metrics := validator.NewMetrics(registry)
	options := validator.Options{
		Chain: net.chain, Hub: net.hub, Signer: hotkey, Netuid: net.netuid, Crawl: net.crawl,
		Runner:   func(r contract.Recipe) (*pipeline.Runner, error) { return buildRecipe(c, r) },
		Protocol: protocol, Servers: servers, DataDir: dir, CacheBytes: int64(cache), Guard: &guard.Guard{}, EveryBlocks: uint64(every),
		Quality: quality,
		Burn:    c.Bool("burn"), Log: c.log, Metrics: metrics,
		Progress: func(done, total int) {
			c.out.progress(func() string { return fmt.Sprintf("checking submission %d of %d", done+1, total) })
		},
	}
	if start >= 0 {
		first := uint64(start)
		options.StartBlock = &first
	}
	if server != "" {
		options.Board = client.New(server, hotkey, nil, nil)
	}
	v, err := validator.New(options)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	unwatch, err := serveMetrics(c, registry, metrics.Ready)
	if err != nil {
		return err
	}
	defer unwatch()
	if c.Bool("once") {
		round, err := v.Once(c.Context.Context)
		if err != nil {
			return err
		}
		return c.out.result(round, func(w io.Writer) { printRound(w, round) })
	}
	shown := ""
	return v.Run(c.Context.Context, func(round validator.Round) {
		// Between two settings of weights nothing new is to be told.
		if state := fmt.Sprint(round.WeightsBlock, len(round.Submissions), round.Pending); state != shown {
			shown = state
			_ = c.out.result(round, func(w io.Writer) { printRound(w, round) })
		}
	})
}

func printRound(w io.Writer, r validator.Round) {
	fmt.Fprintf(w, "block %d: %s", r.Block, plural(len(r.Submissions), "submission"))
	if r.Pending > 0 {
		fmt.Fprintf(w, ", %d not settled", r.Pending)
	}
	switch {
	case r.WeightsSet:
		fmt.Fprintf(w, "; weights set in block %d\n", r.WeightsBlock)
	default:
		fmt.Fprintf(w, "; no weights set: %s\n", r.WeightsReason)
	}
	if len(r.Submissions) == 0 {
		return
	}
	rows := [][]string{{"uid", "task", "gen", "verdict", "elapsed", "timeliness", "quality", "score", "weight", "reason"}}
	for _, s := range r.Submissions {
		rows = append(rows, []string{
			fmt.Sprint(s.UID), s.Task, fmt.Sprint(s.Generation), string(s.Outcome), fmt.Sprint(s.Elapsed),
			fmt.Sprintf("%.2f", s.Timeliness), fmt.Sprintf("%.2f", s.Quality), fmt.Sprintf("%.0f", s.Score), fmt.Sprint(s.Weight), s.Reason,
		})
	}
	printTable(w, []bool{true, false, true, false, true, true, true, true, true, false}, rows)
}
