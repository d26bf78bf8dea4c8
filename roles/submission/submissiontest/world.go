// Package submissiontest is a small world for tests of roles that look at
// claims: a devchain whose blocks pass when somebody waits for them, a devhub, a
// crawl in memory, a task server's key, and miners that claim what a test wants
// them to claim. Chain and hub are reached with the clients that roles have.
package submissiontest

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/subtensor"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/roles/submission"
)

// What all worlds have in common.
const (
	Netuid    = 7
	Crawl     = "CC-TEST-2026-47"
	blockTime = time.Second
	lag       = 2 // blocks of finality
)

// Names of the hotkeys that are registered from the start, in uid order. The
// first is the subnet's owner and task server.
var names = []string{"//Server", "//Validator", "//Other", "//Anna", "//Bert", "//Cora"}

// World is everything that outlives a role under test.
type World struct {
	T testing.TB
	// Node is the chain, which listens at Endpoint; Client is a connection to it,
	// and Chain the same with blocks that pass when somebody waits for them.
	Node     *devchain.Node
	Endpoint string
	Client   *subtensor.Client
	Chain    chain.Client
	ChainDir string
	// Hub is a client of HubServer, whose repositories lie in HubDir.
	Hub       hub.Hub
	HubServer *devhub.Server
	HubDir    string
	WARC      *Files
	Protocol  eval.Protocol
	Server    *wallet.Hotkey
	// Recipe is that of leases, ToyRecipe unless a test sets another; Runner does
	// its work.
	Recipe contract.Recipe
	Runner func(contract.Recipe) (*pipeline.Runner, error)
	// Page is the body of the pages of new WARC files, Pages how many a file has.
	Page  func(path string, i int) string
	Pages int
	tasks int
}

// New returns a world at block 20. change may alter the subnet.
func New(t testing.TB, change ...func(*runtime.Subnet)) *World {
	t.Helper()
	served := devhubtest.Serve(t)
	w := &World{
		T: t, ChainDir: filepath.Join(t.TempDir(), "chain"),
		Hub: devhubtest.Dial(t, served.Endpoint), HubServer: served.Server, HubDir: served.Dir,
		WARC: &Files{data: make(map[string][]byte)}, Protocol: eval.Devnet(), Server: Key(t, "//Server"),
		Recipe: ToyRecipe(), Runner: Runner, Page: page, Pages: Pages,
	}
	w.Protocol.ReferenceRecipe = toyName
	subnet := runtime.Subnet{Netuid: Netuid, Owner: w.Server.PublicKey(), Tempo: 1000}
	for i, name := range names {
		key := Key(t, name).PublicKey()
		subnet.Neurons = append(subnet.Neurons, runtime.Neuron{Hotkey: key, Coldkey: key, Permit: i < 3})
	}
	for _, c := range change {
		c(&subnet)
	}
	w.must(devchain.Create(w.ChainDir, devchain.Options{
		Genesis: runtime.Config{
			Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), BlockTime: blockTime, Subnets: []runtime.Subnet{subnet},
		},
		FinalityLag: lag,
	}))
	w.connect()
	w.Blocks(20)
	return w
}

// connect opens the chain in ChainDir.
func (w *World) connect() {
	w.T.Helper()
	w.Node = devchaintest.Reopen(w.T, w.ChainDir)
	w.Endpoint = devchaintest.Listen(w.T, w.Node)
	w.Client = devchaintest.Dial(w.T, w.Endpoint)
	w.Chain = devchaintest.Eager(w.Node, w.Client)
}

// Clone returns a world with the same past, whose chain goes on by itself. The
// hub and the crawl are shared.
func (w *World) Clone(t testing.TB) *World {
	t.Helper()
	clone := *w
	clone.T, clone.ChainDir = t, filepath.Join(t.TempDir(), "chain")
	clone.must(os.CopyFS(clone.ChainDir, os.DirFS(w.ChainDir)))
	clone.connect()
	return &clone
}

// Key returns the key of a URI such as "//Anna".
func Key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	key, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *World) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

// Blocks lets n blocks pass.
func (w *World) Blocks(n int) { w.Node.Seal(n) }

// Send lets write send an extrinsic, which the chain does not take into a block
// for a few blocks, and ends write as if its process were killed.
func (w *World) Send(write func(context.Context)) {
	w.T.Helper()
	devchaintest.Abandon(w.T, w.Node, write)
}

// Final returns the newest final block.
func (w *World) Final() chain.Block {
	w.T.Helper()
	b, err := w.Chain.Finalized(context.Background())
	w.must(err)
	return b
}

// AwaitFinal lets blocks pass until this one is final.
func (w *World) AwaitFinal(number uint64) {
	w.T.Helper()
	_, err := w.Chain.WaitFinalized(context.Background(), number)
	w.must(err)
}

// Lease returns a receipt for a task of one new WARC file.
func (w *World) Lease(to *wallet.Hotkey) contract.Receipt {
	w.T.Helper()
	task := contract.TaskID(Crawl, w.tasks)
	path := fmt.Sprintf("crawl-data/%s/%05d.warc.gz", Crawl, w.tasks)
	w.WARC.data[path] = warcFile(w.T, path, w.Pages, w.Page)
	w.tasks++
	block := w.Final()
	hash, err := pipeline.HashRecipe(w.Recipe)
	w.must(err)
	return w.Sign(contract.Receipt{
		V: 1, Task: task, Crawl: Crawl, CatalogueSHA256: canon.Sum(nil), Hotkey: to.Address(), Generation: 1,
		Files:  []contract.InputFile{{Path: path, Bytes: int64(len(w.WARC.data[path]))}},
		Recipe: contract.RecipeRef{Name: w.Recipe.Name, Hash: hash},
		Block:  block.Number, BlockHash: block.Hash.String(), DeadlineBlock: block.Number + w.Protocol.Deadline,
		Server: w.Server.Address(),
	})
}

// Sign signs a receipt as the task server does.
func (w *World) Sign(r contract.Receipt) contract.Receipt {
	w.T.Helper()
	r.Signature = w.signature(w.Server, r.Unsigned())
	return r
}

func (w *World) signature(by chain.Signer, v any) string {
	w.T.Helper()
	raw, err := canon.Marshal(v)
	w.must(err)
	sig, err := by.Sign(raw)
	w.must(err)
	return hex.EncodeToString(sig[:])
}

// Resolver returns a resolver for this world.
func (w *World) Resolver() *submission.Resolver {
	r := &submission.Resolver{
		Chain: w.Chain, Hub: w.Hub, Netuid: Netuid, Crawl: w.WARC, Protocol: w.Protocol,
		Scanner:  func(r contract.Recipe) (audit.Scanner, error) { return w.Runner(r) },
		CacheDir: filepath.Join(w.T.TempDir(), "cache"),
	}
	w.T.Cleanup(func() { w.must(r.Close()) })
	return r
}

// RemoveRepo removes a repository from the hub; the returned function brings it
// back.
func (w *World) RemoveRepo(repo string) (restore func()) {
	w.T.Helper()
	path := filepath.Join(w.HubDir, "repos", filepath.FromSlash(repo))
	gone := filepath.Join(w.T.TempDir(), "gone")
	w.must(os.Rename(path, gone))
	return func() { w.must(os.Rename(gone, path)) }
}

// Files are the WARC files of the crawl.
type Files struct {
	data map[string][]byte
	// Err, unless nil, is what every read fails with.
	Err error
}

// ReadRange makes them an audit.Ranges.
func (f *Files) ReadRange(_ context.Context, path string, offset, length int64) ([]byte, int64, error) {
	data, ok := f.data[path]
	switch {
	case f.Err != nil:
		return nil, 0, f.Err
	case !ok:
		return nil, 0, fs.ErrNotExist
	}
	end := min(offset+length, int64(len(data)))
	return data[min(offset, end):end], int64(len(data)), nil
}
