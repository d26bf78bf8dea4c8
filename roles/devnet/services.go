package devnet

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"finest/chain/devchain"
	"finest/chain/subtensor"
	"finest/chain/wallet"
	"finest/eval"
	"finest/hub/devhub"
	"finest/hub/localhub"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// services are what the roles of a devnet find around them, on loopback: a chain,
// a hub, a WARC server, a task server.
type services struct {
	at    Services
	chain *subtensor.Client
	// wait returns when the services have ended, with the ctx they began with.
	wait func() error
}

// start begins the services; they end with ctx. The configuration file is
// written anew, as their addresses change from one time to the next.
func (l Layout) start(ctx context.Context, o Options) (_ *services, err error) {
	var started closers
	defer func() {
		if err != nil {
			_ = started.close()
		}
	}()
	s := &services{}
	node, err := devchain.Open(l.chainDir(), devchain.Options{
		Seal: devchain.Every(l.BlockTime), Log: o.Log.With().Str("role", "chain").Logger(),
	})
	if err != nil {
		return nil, err
	}
	started.add(node.Close)
	if s.at.Chain, err = node.Listen(ctx, cmp.Or(o.ChainAddr, loopback)); err != nil {
		return nil, err
	}
	s.chain, err = subtensor.New(subtensor.Options{
		Endpoints: []string{s.at.Chain}, Log: o.Log.With().Str("role", "chain client").Logger(),
	})
	if err != nil {
		return nil, err
	}
	started.add(s.chain.Close)
	// Receipts name a final block after the first.
	if _, err := s.chain.WaitFinalized(ctx, 1); err != nil {
		return nil, err
	}
	if s.at.Hub, err = l.serveHub(ctx, o, &started); err != nil {
		return nil, err
	}
	files, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	started.add(files.Close)
	s.at.Files = "http://" + files.Addr().String() + "/"
	tasks, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	started.add(tasks.Close)
	s.at.Tasks = "http://" + tasks.Addr().String()
	store, err := sqlstore.Open(ctx, l.store(), sqlstore.Options{Existing: true})
	if err != nil {
		return nil, err
	}
	started.add(store.Close)
	server, err := l.taskServer(store, s.chain, o)
	if err != nil {
		return nil, err
	}
	// Only its user may read the file: the URL of a database may have a password.
	if err := durable.WriteBytes(l.Config(), 0o600, []byte(l.config(s.at))); err != nil {
		return nil, err
	}
	warcs := &http.Server{Handler: http.FileServer(http.Dir(l.crawlDir())), ReadHeaderTimeout: 5 * time.Second}
	var group sync.WaitGroup
	var serveErr, warcErr error
	group.Go(func() { serveErr = server.Serve(ctx, tasks) })
	group.Go(func() { warcErr = warcs.Serve(files) })
	stop := context.AfterFunc(ctx, func() { _ = warcs.Close() })
	s.wait = func() error {
		group.Wait()
		stop()
		for _, err := range []*error{&serveErr, &warcErr} {
			if errors.Is(*err, http.ErrServerClosed) {
				*err = nil
			}
		}
		return errors.Join(serveErr, warcErr, started.close())
	}
	return s, nil
}

// serveHub begins to serve the hub's folder until it is closed.
func (l Layout) serveHub(ctx context.Context, o Options, started *closers) (endpoint string, err error) {
	store, err := localhub.Open(l.hubDir())
	if err != nil {
		return "", err
	}
	server := devhub.New(store, devhub.Options{Log: o.Log.With().Str("role", "hub").Logger()})
	if endpoint, err = server.Listen(ctx, cmp.Or(o.HubAddr, loopback)); err != nil {
		return "", err
	}
	started.add(server.Close)
	return endpoint, durable.WriteBytes(l.tokenFile(), 0o600, []byte(token+"\n"))
}

func (l Layout) taskServer(store engine.Store, client *subtensor.Client, o Options) (*taskserver.Server, error) {
	_, recipe, err := reference()
	if err != nil {
		return nil, err
	}
	owner, err := wallet.Load(l.walletsDir(), walletName, ownerName)
	if err != nil {
		return nil, err
	}
	protocol := eval.Devnet()
	return taskserver.New(taskserver.Options{
		Store: store, Chain: client, Netuid: Netuid, Keys: []taskserver.Key{{Signer: owner}},
		Rules: engine.Rules{
			DeadlineBlocks: protocol.Deadline, ConfirmBlocks: 2 * protocol.Window, Slots: 1, ColdkeySlots: 1, MaxAttempts: maxAttempts,
			Recipes: []contract.RecipeActivation{{RecipeRef: recipe}},
		},
		BlockTime: l.BlockTime, HeadAge: l.headAge(), RetryAfter: time.Second,
		Log: o.Log.With().Str("role", "task-server").Logger(),
	})
}

// maxAttempts is how often a task may be leased for nothing.
const maxAttempts = 5

func listen(ctx context.Context) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", loopback)
}

// loopback is an address with a free port.
const loopback = "127.0.0.1:0"

// closers are closed last first.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() (err error) {
	for i := len(*c) - 1; i >= 0; i-- {
		if closeErr := (*c)[i](); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}
	return err
}

// Services are where the services of a devnet are found.
type Services struct {
	// Chain is a ws:// endpoint; Hub, Files and Tasks are http:// URLs of the hub,
	// of the WARC files, which ends with a slash, and of the task server.
	Chain, Hub, Files, Tasks string
}

// Serve runs the services of a prepared devnet without actors until ctx ends.
// ready is called when all of them answer.
func Serve(ctx context.Context, l Layout, o Options, ready func(Services) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := l.start(ctx, o)
	if err != nil {
		return err
	}
	if err = ready(s.at); err == nil {
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, s.wait())
}
