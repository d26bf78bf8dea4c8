package commands

import (
	"errors"
	"io"
	"math"
	"os"

	"finest/eval/audit"
	"finest/internal/contract"
	"finest/pipeline/shard/guard"
	"finest/roles/inspector"
	"finest/roles/submission"
	validators "finest/roles/validator"
)

func inspectSpec() spec {
	return spec{
		name: "inspect-commit", args: "UID|HOTKEY|CLAIM", summary: "explain one claim, end to end",
		about: `
Reads a claim (of a uid, of a hotkey's SS58 address, or owner/repo@commit) from
chain and hub, makes every check that a validator would, an audit included, and
tells what it found. It needs no key. A claim that is rejected is a story well
told, so the exit status is 0; --json gives the outcome.`,
		example: "finest inspect-commit 4 --config devnet/config.toml",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: join(chainFlags(), hubFlags(), judgeFlags(), []cliFlag{
			stringFlag("validator", "", "SS58 `ADDRESS` of the validator whose slices are looked at (default: nobody's)"),
			intFlag("from-block", 0, "`BLOCK` from which on claims are followed (default: one window before the newest)"),
			intFlag("tasks", inspector.DefaultTasks, "`NUMBER` of tasks to look into, newest first"),
			stringFlag("judgements", "", "`FOLDER` of a validator's state, whose judgements of recipes are shown (default: none)"),
		}),
		logLevel: "warn",
		run:      runInspect,
	}
}

func runInspect(c *invocation) error {
	target, err := oneArgument(c.Context, "UID, HOTKEY or CLAIM")
	if err != nil {
		return err
	}
	protocol, servers, err := judgement(c)
	if err != nil {
		return err
	}
	validator, err := optionalKey(c, "validator")
	if err != nil {
		return err
	}
	from, err := number(c.Context, "from-block", 0, math.MaxInt)
	if err != nil {
		return err
	}
	tasks, err := number(c.Context, "tasks", 1, math.MaxInt)
	if err != nil {
		return err
	}
	net, err := openNetwork(c)
	if err != nil {
		return err
	}
	defer net.close()
	cache, err := os.MkdirTemp("", "finest-inspect-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(cache) }()
	resolver := &submission.Resolver{
		Chain: net.chain, Hub: net.hub, Netuid: net.netuid, Crawl: net.crawl, Protocol: protocol, Servers: servers,
		CacheDir: cache, Guard: &guard.Guard{},
		Scanner: func(r contract.Recipe) (audit.Scanner, error) { return buildRecipe(c, r) },
	}
	defer func() { _ = resolver.Close() }()
	if dir := c.String("judgements"); dir != "" {
		known, err := validators.ReadJudgements(dir)
		if err != nil {
			return err
		}
		resolver.Judged = validators.Checks(known, protocol)
	}
	story, err := inspector.Inspect(c.Context.Context, inspector.Options{
		Resolver: resolver, Chain: net.chain, Hub: net.hub, Netuid: net.netuid, Validator: validator,
		FromBlock: uint64(from), Tasks: tasks,
	}, target)
	if errors.Is(err, inspector.ErrUnknownTarget) && from == 0 {
		return withHint(err, "a claim older than one window is found with --from-block")
	}
	if err != nil {
		return err
	}
	return c.out.result(story, func(w io.Writer) { _ = story.Print(w) })
}
