package devnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/localchain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/hub/localhub"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/recipes"
	"finest/roles/miner"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/sqlite"
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
	chain    *localchain.Chain
	hub      *localhub.Hub
	keys     map[string]*wallet.Hotkey
	runner   *pipeline.Runner
	recipe   contract.RecipeRef
	protocol eval.Protocol
	crawl    polite.Base
	server   string
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

func newWorld(l Layout, workers int, log zerolog.Logger) (*world, error) {
	w := &world{
		Layout: l, keys: make(map[string]*wallet.Hotkey), protocol: eval.Devnet(), log: log,
		outcomes: make(map[string]outcome), claimed: make(map[string]chan struct{}),
	}
	var err error
	if w.chain, err = localchain.Open(l.Chain(), localchain.SystemClock{}); err != nil {
		return nil, err
	}
	if w.hub, err = localhub.Open(l.Hub()); err != nil {
		return nil, err
	}
	for _, name := range keyNames() {
		if w.keys[name], err = wallet.Load(l.Wallets(), walletName, name); err != nil {
			return nil, err
		}
		w.claimed[name] = make(chan struct{})
	}
	recipe, err := recipes.Named(w.protocol.ReferenceRecipe)
	if err != nil {
		return nil, err
	}
	if w.runner, err = recipes.Build(recipe, ""); err != nil {
		return nil, err
	}
	w.runner.Workers = workers
	hash, err := pipeline.HashRecipe(recipe)
	w.recipe = contract.RecipeRef{Name: recipe.Name, Hash: hash}
	return w, err
}

// serve runs the WARC server and the task server on loopback until ctx ends.
// The returned function waits for them.
func (w *world) serve(ctx context.Context, blockTime time.Duration) (wait func() error, err error) {
	files, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	tasks, err := listen(ctx)
	if err != nil {
		return nil, errors.Join(err, files.Close())
	}
	store, err := sqlite.Open(ctx, w.Tasks())
	if err != nil {
		return nil, errors.Join(err, files.Close(), tasks.Close())
	}
	server, err := taskserver.New(taskserver.Options{
		Store: store, Chain: w.chain, Netuid: Netuid, Signer: w.keys[ownerName], DeadlineBlocks: w.protocol.Deadline,
		Recipes: []contract.RecipeRef{w.recipe}, HeadAge: headAge(blockTime), RetryAfter: time.Second,
		Log: w.log.With().Str("role", "task-server").Logger(),
	})
	if err != nil {
		return nil, errors.Join(err, files.Close(), tasks.Close(), store.Close())
	}
	client := polite.NewClient("finest-devnet")
	client.Interval = loopbackPause
	if w.crawl, err = polite.OpenBase("http://"+files.Addr().String()+"/", client); err != nil {
		return nil, errors.Join(err, files.Close(), tasks.Close(), store.Close())
	}
	w.server = "http://" + tasks.Addr().String()

	warcs := &http.Server{Handler: http.FileServer(http.Dir(w.Crawl())), ReadHeaderTimeout: 5 * time.Second}
	var group sync.WaitGroup
	var serveErr, warcErr error
	group.Go(func() { serveErr = server.Serve(ctx, tasks) })
	group.Go(func() { warcErr = warcs.Serve(files) })
	stop := context.AfterFunc(ctx, func() { _ = warcs.Close() })
	return func() error {
		group.Wait()
		stop()
		if errors.Is(warcErr, http.ErrServerClosed) {
			warcErr = nil
		}
		return errors.Join(serveErr, warcErr, store.Close())
	}, nil
}

func listen(ctx context.Context) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
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
	working := func(ctx context.Context, r contract.Receipt, outDir string) (*refinerReport, error) {
		defer done()
		return work(ctx, r, outDir)
	}
	key := w.keys[a.name]
	m, err := miner.New(miner.Options{
		Chain: w.chain, Hub: w.hub, Tasks: client.New(w.server, key, nil, nil), Signer: key,
		Refine: a.behave(w, working), Netuid: Netuid, Repo: a.name + "/finest", Recipe: w.recipe,
		DataDir: w.State(a.name), Heartbeat: heartbeat, Log: log,
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
func (w *world) validator(name string, everyBlocks uint64) (*validator.Validator, error) {
	first := uint64(1)
	key := w.keys[name]
	return validator.New(validator.Options{
		Chain: w.chain, Hub: w.hub, Board: client.New(w.server, key, nil, nil), Signer: key, Netuid: Netuid,
		Crawl: w.crawl, Runner: func(contract.Recipe) (*pipeline.Runner, error) { return w.runner, nil },
		Protocol: w.protocol, DataDir: w.State(name), StartBlock: &first, EveryBlocks: everyBlocks,
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
