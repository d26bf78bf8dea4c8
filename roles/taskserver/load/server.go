package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/subtensor"
	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// What the run and its server agree on.
const (
	netuid    = 1
	crawl     = "CC-LOAD-2024-10"
	serverURI = "//LoadServer"
	loopback  = "127.0.0.1:0"
	// slots that a hotkey uses: so many that each rests for two blocks between a
	// lease and its submission at the default rate. It may use more, as nobody
	// judges its results.
	slots = 8
	// lasting is a number of blocks that no run takes: nothing ends by itself.
	lasting = 1 << 20
	// fileBytes is the size of a WARC file of a task.
	fileBytes = 1 << 30
)

var recipe = contract.RecipeRef{Name: "fineweb", Hash: strings.Repeat("f", 64)}

// setup is what a server is told on its standard input.
type setup struct {
	DB             string        `json:"db"`
	Tasks          int           `json:"tasks"`
	Chain          string        `json:"chain"`
	BlockTime      time.Duration `json:"block_time"`
	Rate           float64       `json:"rate"` // of one hotkey
	MaxConnections int           `json:"max_connections"`
}

// serving is what it answers on its standard output, once it answers requests.
type serving struct {
	Addr string `json:"addr"`
}

// serve is a task server that ends with its standard input.
func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) (err error) {
	decoder := json.NewDecoder(stdin)
	var s setup
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("read the setup of the server: %w", err)
	}
	store, err := sqlstore.Open(ctx, s.DB, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, err := subtensor.New(subtensor.Options{Endpoints: []string{s.Chain}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	server, err := newServer(s, store, client)
	if err != nil {
		return err
	}
	if err := addTasks(ctx, store, server.Engine(), s.Tasks); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // ends when the run closes it, or is gone
		cancel()
	}()
	if err := json.NewEncoder(stdout).Encode(serving{Addr: listener.Addr().String()}); err != nil {
		return errors.Join(err, listener.Close())
	}
	return server.Serve(ctx, listener)
}

func newServer(s setup, store engine.Store, client *subtensor.Client) (*taskserver.Server, error) {
	key, err := wallet.FromURI(serverURI)
	if err != nil {
		return nil, err
	}
	return taskserver.New(taskserver.Options{
		Store: store, Chain: client, Netuid: netuid, Keys: []taskserver.Key{{Signer: key}},
		Rules: engine.Rules{DeadlineBlocks: lasting, ConfirmBlocks: lasting, Slots: contract.MaxSlot, ColdkeySlots: 1 << 20, MaxAttempts: 5,
			Recipes: []contract.RecipeActivation{{RecipeRef: recipe}}},
		BlockTime: s.BlockTime, HeadAge: s.BlockTime / 2, MaxConnections: s.MaxConnections,
		Rate: max(taskserver.DefaultRate, 2*s.Rate),
		Log:  zerolog.New(os.Stderr).Level(zerolog.WarnLevel).With().Timestamp().Logger(),
	})
}

// addTasks imports a crawl of so many files, one a task, into an empty store.
func addTasks(ctx context.Context, store engine.Store, e *engine.Engine, n int) error {
	if err := checkEmpty(ctx, store); err != nil {
		return err
	}
	files := make([]contract.InputFile, n)
	for i := range files {
		files[i] = contract.InputFile{Path: fmt.Sprintf("crawl-data/%s/segments/1/warc/%s-%06d.warc.gz", crawl, crawl, i), Bytes: fileBytes}
	}
	list, err := catalogue.New(files)
	if err != nil {
		return err
	}
	c, tasks, err := catalogue.Tasks(crawl, list, 1)
	if err != nil {
		return err
	}
	_, err = e.Import(ctx, 1, c, tasks)
	return err
}

func checkEmpty(ctx context.Context, store engine.Store) error {
	return store.View(ctx, func(v engine.View) error {
		crawls, err := v.Crawls()
		if err == nil && len(crawls) > 0 {
			err = errors.New("the store of a run must be empty, and this one has tasks")
		}
		return err
	})
}
