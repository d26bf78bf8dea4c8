package miner_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/wallet"
	"finest/hub/devhub/devhubtest"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/miner"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
)

const (
	netuid   = 7
	repo     = "owner/data"
	crawl    = "CC-TEST-2026-47"
	deadline = 1000 // blocks after the receipt
)

// clock passes at once whatever is waited for, except hours: nobody beats the
// heart of a miner under test. The chain makes a block for every second that
// passes.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	node *devchain.Node
	tick func(name string, op func()) // a step of the world
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	if d >= time.Hour {
		return fired
	}
	c.tick("clock", func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pass(d)
		fired <- c.now
	})
	return fired
}

// pass lets time pass; c.mu is held, or nobody else has the clock.
func (c *clock) pass(d time.Duration) {
	before := c.now.Unix()
	c.now = c.now.Add(d)
	c.node.Seal(int(c.now.Unix() - before))
}

// crash is what the world panics with when it kills the miner.
type crash struct{ step string }

// How a step is killed.
const (
	before = iota // without effect
	after         // with its effect, but nobody learns of it
	torn          // half-way, for what is written to disk
	sent          // while an extrinsic waits for its block
)

// fault counts the steps of a miner and kills it at one of them.
type fault struct {
	mu      sync.Mutex
	steps   int
	kills   int
	at, way int    // at 0 kills nothing
	name    string // instead of at: the first step of this name
	names   []string
}

func (f *fault) step(name string, op func()) {
	hit := f.count(name) // op may take steps of its own
	if hit && f.way != after && f.way != sent {
		panic(crash{name})
	}
	op()
	if hit {
		panic(crash{name})
	}
}

func (f *fault) count(name string) (hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps++
	f.names = append(f.names, name)
	hit = f.steps == f.at || f.name == name
	if hit {
		f.name = ""
		f.kills++
	}
	return hit
}

// world is all that outlives a miner: chain, hub, task server and disk.
type world struct {
	t         testing.TB
	fault     *fault
	clock     *clock
	node      *devchain.Node
	endpoint  string
	dataDir   string
	hub       *devhubtest.World
	ahead     *ahead
	server    *wallet.Hotkey
	hotkey    *wallet.Hotkey
	recipe    contract.Recipe
	tasks     int // in the crawl
	shards    int // of each task
	submitted map[string]contract.SubmitRequest
	released  map[string]contract.ReleaseRequest
	refined   map[string]int // times each WARC file was refined

	// What a test may bend.
	tamperReceipt func(*contract.Receipt)
	refineErr     func(ctx context.Context) error
	hubErr        func(op string) error
	renewErr      error
	leaseErr      func() error
	submitErr     error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, fault: &fault{}, dataDir: filepath.Join(t.TempDir(), "data"), tasks: 2, shards: 1,
		submitted: map[string]contract.SubmitRequest{}, released: map[string]contract.ReleaseRequest{}, refined: map[string]int{},
		server: hotkey(t, "//Server"), hotkey: hotkey(t, "//Miner"),
		recipe: contract.Recipe{Name: "plain", PipelineVersion: 1, Stages: []contract.StageSpec{
			{Name: "extract", Params: map[string]string{}, Assets: []contract.Asset{}},
		}},
	}
	w.hub, w.ahead = devhubtest.Serve(t), &ahead{done: make(chan any)}
	genesis := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w.node = devchaintest.Start(t, runtime.Config{
		Start: genesis, BlockTime: time.Second, Drand: runtime.Beacon{Genesis: uint32(genesis.Unix()), Period: 3600}, // rounds are dear
		Subnets: []runtime.Subnet{{
			Netuid: netuid, Owner: w.server.PublicKey(), Tempo: 100, Neurons: []runtime.Neuron{{Hotkey: w.hotkey.PublicKey()}},
		}},
	})
	w.endpoint = devchaintest.Listen(t, w.node)
	w.clock = &clock{now: genesis, node: w.node, tick: func(name string, op func()) { w.fault.step(name, op) }}
	w.clock.pass(100 * time.Second) // blocks to look back on
	return w
}

func hotkey(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	h, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// openChain connects to the chain as a new process does.
func (w *world) openChain() chain.Client {
	w.t.Helper()
	return devchaintest.Eager(w.node, devchaintest.Dial(w.t, w.endpoint))
}

func (w *world) recipeRef() contract.RecipeRef {
	raw, err := canon.Marshal(w.recipe)
	if err != nil {
		w.t.Fatal(err)
	}
	return contract.RecipeRef{Name: w.recipe.Name, Hash: canon.Sum(raw)}
}

// options are those of a miner that lives in w.
func (w *world) options() miner.Options {
	client := w.openChain()
	w.ahead.failed = false
	return miner.Options{
		Chain: &faultyChain{client, w}, Hub: &faultyHub{devhubtest.Dial(w.t, w.hub.Endpoint), w}, Tasks: &tasks{w, client}, Signer: w.hotkey,
		Refine: w.refine, Netuid: netuid, Repo: repo, Recipe: w.recipeRef(), DataDir: w.dataDir,
		Log: zerolog.Nop(), Clock: w.clock, Rand: func() float64 { return 0.5 }, Heartbeat: 1000 * time.Hour,
	}
}

// live runs a miner until it ends or is killed.
func (w *world) live(run func(m *miner.Miner) error, change ...func(*miner.Options)) (err error, killed bool) {
	w.t.Helper()
	o := w.options()
	for _, c := range change {
		c(&o)
	}
	m, err := miner.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	m.WrapJournal(func(path string, j miner.Journal) miner.Journal { return &faultyJournal{path, j, w} })
	// As the operating system does for a process that is killed.
	defer func() { _ = m.Close() }()
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			killed = true
		}
	}()
	return run(m), false
}

// once runs a miner for one unit of work, which must not be killed.
func (w *world) once(change ...func(*miner.Options)) (out miner.Outcome, err error) {
	w.t.Helper()
	err, killed := w.live(func(m *miner.Miner) (err error) {
		out, err = m.Once(w.t.Context())
		return err
	}, change...)
	if killed {
		w.t.Fatal("killed")
	}
	return out, err
}

// refine stands for the pipeline: it does one file after the other, marks what
// is done, and its result depends on the receipt alone.
func (w *world) refine(ctx context.Context, r contract.Receipt, outDir string, finished func(contract.OutputFile)) (*refiner.Report, error) {
	if w.refineErr != nil {
		if err := w.refineErr(ctx); err != nil {
			return nil, err
		}
	}
	m := contract.Manifest{
		Version: 1, PipelineVersion: 1, Task: r.Task, Dump: r.Crawl, Recipe: w.recipe,
		Counts:   []contract.Count{{Outcome: "extract", Reason: "empty", Rows: 3}, {Outcome: contract.OutcomeKept, Rows: 2}},
		RowsRoot: canon.Sum([]byte("rows")), LedgerRoot: canon.Sum([]byte("ledger")),
	}
	for _, f := range r.Files {
		mark := filepath.Join(miner.WorkDir(outDir), canon.Sum([]byte(f.Path)))
		if _, err := os.Stat(mark); err != nil {
			w.fault.step("refine "+f.Path, func() {
				w.refined[f.Path]++
				if err := durable.WriteBytes(mark, 0o644, nil); err != nil {
					w.t.Error(err)
				}
			})
		}
		m.Inputs = append(m.Inputs, contract.Input{Path: f.Path, Bytes: f.Bytes, SHA256: canon.Sum([]byte(f.Path)), Records: 9, Pages: 5})
	}
	paths := []string{contract.LedgerPath(r.Crawl, r.Task, 0)}
	for i := range w.shards {
		paths = append(paths, contract.ShardPath(r.Crawl, r.Task, i))
	}
	for _, path := range paths {
		content := bytes.Repeat([]byte(path+"\n"), 20)
		var err error
		w.fault.step("write "+path, func() {
			err = durable.WriteBytes(filepath.Join(outDir, filepath.FromSlash(path)), 0o644, content)
		})
		if err != nil {
			return nil, err
		}
		n := int64(len(content))
		m.Files = append(m.Files, contract.OutputFile{
			Path: path, Rows: 2, Bytes: n, SHA256: canon.Sum(content),
			RowGroups: []contract.RowGroup{{Offset: 4, Length: n - 14, Rows: 2, SHA256: canon.Sum(content[4 : n-10])}},
			Footer:    contract.Span{Offset: n - 10, Length: 10, SHA256: canon.Sum(content[n-10:])},
		})
		w.ahead.finish(finished, m.Files[len(m.Files)-1])
	}
	return &refiner.Report{Manifest: m, Tokens: 7, TextBytes: 40, Languages: map[string]int64{"en": 2}}, nil
}

// tasks is a task server with one slot and one task after the other.
type tasks struct {
	w     *world
	chain chain.Client
}

func (s *tasks) Lease(ctx context.Context, slot int, recipe string) (r contract.Receipt, err error) {
	s.w.fault.step("lease", func() { r, err = s.lease(ctx, slot, recipe) })
	return r, err
}

func (s *tasks) lease(ctx context.Context, slot int, recipe string) (contract.Receipt, error) {
	w := s.w
	if w.leaseErr != nil {
		if err := w.leaseErr(); err != nil {
			return contract.Receipt{}, err
		}
	}
	number := len(w.submitted) + len(w.released)
	if number >= w.tasks || slot != 1 || recipe != w.recipe.Name {
		return contract.Receipt{}, fmt.Errorf("lease: %w", client.ErrNoTask)
	}
	// The block of a lease does not change when it is asked for again.
	block, err := s.chain.BlockAt(ctx, uint64(50+number))
	if err != nil {
		return contract.Receipt{}, err
	}
	r := contract.Receipt{
		V: 1, Task: contract.TaskID(crawl, number), Crawl: crawl, CatalogueSHA256: canon.Sum(nil),
		Files:  []contract.InputFile{{Path: fmt.Sprintf("a%d.warc.gz", number), Bytes: 1000}, {Path: fmt.Sprintf("b%d.warc.gz", number), Bytes: 2000}},
		Recipe: w.recipeRef(), Hotkey: w.hotkey.Address(), Generation: 3,
		Block: block.Number, BlockHash: block.Hash.String(), DeadlineBlock: block.Number + deadline, Server: w.server.Address(),
	}
	if w.tamperReceipt != nil {
		w.tamperReceipt(&r)
	}
	by := chain.Signer(w.server)
	if r.Server != w.server.Address() {
		by = w.hotkey
	}
	return signed(w.t, r, by), nil
}

func signed(t testing.TB, r contract.Receipt, by chain.Signer) contract.Receipt {
	t.Helper()
	raw, err := canon.Marshal(r.Unsigned())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := by.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	r.Signature = hex.EncodeToString(sig[:])
	return r
}

func (s *tasks) Renew(context.Context, string, int64) error { return s.w.renewErr }

func (s *tasks) Release(_ context.Context, r contract.ReleaseRequest) error {
	s.w.fault.step("release", func() { s.w.released[r.Task] = r })
	r.Op = contract.OpRelease
	return r.Validate()
}

func (s *tasks) Submit(_ context.Context, r contract.SubmitRequest) (err error) {
	if s.w.submitErr != nil {
		return s.w.submitErr
	}
	s.w.fault.step("submit", func() {
		if old, ok := s.w.submitted[r.Task]; ok && old != r {
			err = fmt.Errorf("task %s is submitted twice: %v, then %v", r.Task, old, r)
			return
		}
		s.w.submitted[r.Task] = r
	})
	return errors.Join(err, r.Validate())
}
