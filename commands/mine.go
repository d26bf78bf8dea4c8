package commands

import (
	"errors"
	"fmt"
	"io"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/roles/miner"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
)

func mineSpec() spec {
	return spec{
		name: "mine", summary: "lease tasks, refine them, publish, claim on chain",
		about: `
Leases a task from the task server, refines its WARC files, publishes shards,
ledger and manifest in the hotkey's dataset repository on the Hugging Face Hub,
writes the claim on chain and tells the task server. The Hub wants a token that
may write to the repository: HF_TOKEN, or --hub-token-file. A miner that is
killed at any moment goes on where it was: no finished WARC file is refined
again, and each task is published and claimed once.`,
		example: "finest mine --once --netuid 1 --repo alice/finest --task-server http://127.0.0.1:8733 \\\n" +
			"      --subtensor.network local --hub http://127.0.0.1:8734 --warc.base devnet/crawl",
		exits: []int{ExitFailed, ExitUsage, ExitResumable, ExitLocked, ExitSignal},
		flags: join(roleFlags(), walletFlags(), chainFlags(), hubFlags(), []cliFlag{
			onceFlag(),
			stringFlag("repo", "", "dataset repository `OWNER/NAME` of this hotkey"),
			stringFlag("task-server", "", "`URL` of the task server"),
			intFlag("slot", 1, "`NUMBER` of the lease this process works for, from 1"),
			stringFlag("recipe", recipes.FineWeb, "`NAME` of the recipe to ask for"),
			serverKeyFlag(), warcBaseFlag(), contactFlag(), workersFlag(), assetsFlag(), metricsFlag(),
		}),
		run: runMine,
	}
}

func runMine(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	repo, err := required(c.Context, "repo")
	if err != nil {
		return err
	}
	if err := contract.ValidateRepo(repo); err != nil {
		return usageError("--repo: %w", err)
	}
	if err := checkMetrics(c); err != nil {
		return err
	}
	if _, err := required(c.Context, "task-server"); err != nil {
		return err
	}
	server, err := serverURL(c.Context)
	if err != nil {
		return err
	}
	slot, err := number(c.Context, "slot", 1, contract.MaxSlot)
	if err != nil {
		return err
	}
	runner, err := buildRunner(c, c.String("recipe"))
	if err != nil {
		return err
	}
	if err := recipes.Checkable(runner.Recipe); err != nil {
		return usageError("mine: %w", err)
	}
	hash, err := pipeline.HashRecipe(runner.Recipe)
	if err != nil {
		return err
	}
	net, err := openNetwork(c)
	if err != nil {
		return err
	}
	defer net.close()
	if err := requireToken(c); err != nil {
		return err
	}
	hotkey, dir, err := openIdentity(c, "mine", net.netuid)
	if err != nil {
		return err
	}
	servers, err := serverKeys(c)
	if err != nil {
		return err
	}
	registry := newRegistry("mine")
	metrics, shown := miner.NewMetrics(registry), refineProgress(c.out)
	progress := func(p refiner.Progress) {
		metrics.Progress(p)
		shown(p)
	}
	m, err := miner.New(miner.Options{
		Chain: net.chain, Hub: net.hub, Tasks: client.New(server, hotkey, nil, nil), Signer: hotkey,
		Refine: miner.NewRefiner(net.crawl, runner, progress, c.log), Netuid: net.netuid, Repo: repo,
		Recipe:  contract.RecipeRef{Name: runner.Recipe.Name, Hash: hash},
		DataDir: dir, Slot: slot, ServerKeys: servers, Log: c.log, Metrics: metrics,
	})
	if err != nil {
		return locked(c, dir, err)
	}
	defer func() { _ = m.Close() }()
	unwatch, err := serveMetrics(c, registry, metrics.Ready)
	if err != nil {
		return err
	}
	defer unwatch()
	if err := mayPublish(c, net.hub); err != nil {
		return err
	}
	if !c.Bool("once") {
		return outdatedIsUsage(m.Run(c.Context.Context))
	}
	outcome, err := m.Once(c.Context.Context)
	var full *miner.SpaceError
	if errors.As(err, &full) {
		return withCode(ExitResumable, err)
	}
	if err != nil {
		return outdatedIsUsage(err)
	}
	return c.out.result(outcome, func(w io.Writer) { printOutcome(w, outcome) })
}

// outdatedIsUsage says what to do when the task server wants a newer version.
func outdatedIsUsage(err error) error {
	if !errors.Is(err, miner.ErrOutdated) {
		return err
	}
	return withHint(withCode(ExitUsage, err), "install a newer version; it goes on with the lease under way")
}

func printOutcome(w io.Writer, o miner.Outcome) {
	switch {
	case o.Status == miner.NoTask && o.Reason != "":
		fmt.Fprintf(w, "no task for this hotkey now: %s\n", o.Reason)
	case o.Status == miner.NoTask:
		fmt.Fprintln(w, "no task is available now")
	case o.Claim == "":
		fmt.Fprintf(w, "%s task %s generation %d: %s\n", o.Status, o.Task, o.Generation, o.Reason)
	default:
		fmt.Fprintf(w, "%s task %s generation %d in block %d as %s\n", o.Status, o.Task, o.Generation, o.Block, o.Claim)
	}
}
