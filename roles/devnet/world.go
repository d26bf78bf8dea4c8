package devnet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/wallet"
	"finest/eval"
	"finest/hub"
	"finest/hub/huggingface"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/roles/miner"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
	"finest/roles/validator"
)

const (
	// heartbeat is well below a devnet's deadline of 30 s.
	heartbeat = 2 * time.Second
	// loopbackPause is the time between two requests to one loopback server.
	loopbackPause = time.Millisecond
)

// world is a running devnet.
type world struct {
	Layout
	*services
	hub      hub.Hub
	keys     map[string]*wallet.Hotkey
	runner   *pipeline.Runner
	recipe   contract.RecipeRef
	protocol eval.Protocol
	crawl    polite.Base
	turn     sync.Mutex
	log      zerolog.Logger

	mu       sync.Mutex
	outcomes map[string]outcome
	claimed  map[string]chan struct{}
}

// outcome is how an actor ended.
type outcome struct {
	claim contract.Claim
	task  string
	err   error
}

// newWorld returns a devnet whose services have yet to begin.
func newWorld(l Layout, workers int, log zerolog.Logger) (*world, error) {
	w := &world{
		Layout: l, keys: make(map[string]*wallet.Hotkey), protocol: eval.Devnet(), log: log,
		outcomes: make(map[string]outcome), claimed: make(map[string]chan struct{}),
	}
	var err error
	for _, name := range keyNames() {
		if w.keys[name], err = wallet.Load(l.walletsDir(), walletName, name); err != nil {
			return nil, err
		}
		w.claimed[name] = make(chan struct{})
	}
	recipe, ref, err := reference()
	if err != nil {
		return nil, err
	}
	if w.runner, err = recipes.Build(recipe, ""); err != nil {
		return nil, err
	}
	w.runner.Workers, w.recipe = workers, ref
	return w, nil
}

// reference is the recipe of all tasks.
func reference() (contract.Recipe, contract.RecipeRef, error) {
	recipe, err := recipes.Named(eval.Devnet().ReferenceRecipe)
	if err != nil {
		return recipe, contract.RecipeRef{}, err
	}
	hash, err := pipeline.HashRecipe(recipe)
	return recipe, contract.RecipeRef{Name: recipe.Name, Hash: hash}, err
}

// begin starts the services.
func (w *world) begin(ctx context.Context, o Options) (err error) {
	if w.services, err = w.start(ctx, o); err != nil {
		return err
	}
	client := polite.NewClient("finest-devnet")
	client.Interval = loopbackPause
	if w.crawl, err = polite.OpenBase(w.at.Files, client); err != nil {
		return err
	}
	w.hub, err = huggingface.New(huggingface.Options{
		Endpoint: w.at.Hub, Token: token, HTTP: client, Log: w.log.With().Str("role", "hub client").Logger(),
	})
	return err
}

// play starts every actor, in order. Those that work take turns from lease to
// result, as a lease that waits for the processor would lose time it did not
// use; waiting and publishing need no turn.
func (w *world) play(ctx context.Context, ended func(actor, error)) (wait func()) {
	var group sync.WaitGroup
	group.Go(func() {
		for _, a := range actors {
			w.turn.Lock()
			done := sync.OnceFunc(w.turn.Unlock)
			group.Go(func() {
				defer done()
				if a.after != "" {
					done()
					select {
					case <-w.claimed[a.after]:
					case <-ctx.Done():
						return
					}
				}
				ended(a, w.act(ctx, a, done))
			})
		}
	})
	return group.Wait
}

// act runs one actor through its task; done is called when its work is done.
func (w *world) act(ctx context.Context, a actor, done func()) error {
	log := w.log.With().Str("actor", a.name).Logger()
	work := miner.NewRefiner(w.crawl, w.runner, nil, log)
	working := func(ctx context.Context, r contract.Receipt, outDir string, finished func(contract.OutputFile)) (*refiner.Report, error) {
		defer done()
		return work(ctx, r, outDir, finished)
	}
	key := w.keys[a.name]
	m, err := miner.New(miner.Options{
		Chain: w.chain, Hub: w.hub, Tasks: client.New(w.at.Tasks, key, nil, nil), Signer: key,
		Refine: a.behave(w, working), Netuid: Netuid, Repo: a.name + "/finest", Recipe: w.recipe,
		DataDir: w.stateDir(a.name), Heartbeat: heartbeat, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	out, err := m.Once(ctx)
	if err != nil {
		return err
	}
	if out.Status != miner.Submitted {
		return fmt.Errorf("%s: %s", out.Status, out.Reason)
	}
	w.finish(a.name, out)
	return nil
}

func (w *world) finish(name string, out miner.Outcome) {
	repo, commit, _ := cutClaim(out.Claim)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes[name] = outcome{claim: contract.Claim{Repo: repo, Commit: commit}, task: out.Task}
	close(w.claimed[name])
}

// validator opens a validator of the devnet.
func (w *world) validator(name string, o Options) (*validator.Validator, error) {
	first := uint64(1)
	key := w.keys[name]
	return validator.New(validator.Options{
		Chain: w.chain, Hub: w.hub, Board: client.New(w.at.Tasks, key, nil, nil), Signer: key, Netuid: Netuid,
		Crawl: w.crawl, Runner: func(contract.Recipe) (*pipeline.Runner, error) { return w.runner, nil },
		Protocol: w.protocol, DataDir: w.stateDir(name), StartBlock: &first, EveryBlocks: o.EveryBlocks, Guard: o.Guard,
		Log: w.log.With().Str("role", name).Logger(),
	})
}

// published returns what an actor claimed.
func (w *world) published(name string) (contract.Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, ok := w.outcomes[name]
	if !ok {
		return contract.Claim{}, fmt.Errorf("%s has claimed nothing yet", name)
	}
	return o.claim, nil
}

func (w *world) taskOf(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outcomes[name].task
}
