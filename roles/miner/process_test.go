package miner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/chain/subtensor"
	"finest/chain/wallet"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/roles/miner"
	"finest/roles/taskserver/client"
)

// The test binary is a miner if it finds these: the folder it lives in, where its
// chain and its hub are, and at which step it kills itself with SIGKILL (0: at
// none).
const (
	folderEnv = "FINEST_TEST_MINER"
	chainEnv  = "FINEST_TEST_CHAIN"
	hubEnv    = "FINEST_TEST_HUB"
	killEnv   = "FINEST_TEST_KILL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(folderEnv); dir != "" {
		at, _ := strconv.Atoi(os.Getenv(killEnv))
		if err := (&process{dir: dir, endpoint: os.Getenv(chainEnv), at: int64(at)}).run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	processTasks = 2
	processFiles = 2 // WARC files of a task
	processPages = 2 // pages of a WARC file
)

// process is a miner in a process of its own, with devchain and devhub of the
// process of the test and folders around it: WARC files, and a task server of a
// few files.
type process struct {
	dir      string
	endpoint string            // of the chain
	hub      *devhubtest.World // in the process of the test
	at       int64
	steps    atomic.Int64
	kills    int // of processes that lived here
}

func (p *process) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

func (p *process) step() {
	if p.steps.Add(1) == p.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// run works until there is no task, and prints how many steps it took.
func (p *process) run() error {
	signer, err := wallet.FromURI("//Miner")
	if err != nil {
		return err
	}
	server, err := wallet.FromURI("//Server")
	if err != nil {
		return err
	}
	client, err := subtensor.New(subtensor.Options{Endpoints: []string{p.endpoint}})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if os.Getenv(hubEnv) == "" {
		return errors.New("no hub is named")
	}
	carrier := devhubtest.Hasty()
	carrier.Transport = steppedTransport{carrier.Transport, p}
	repos, err := huggingface.New(huggingface.Options{Endpoint: os.Getenv(hubEnv), Token: devhubtest.Token, HTTP: carrier})
	if err != nil {
		return err
	}
	recipe := contract.Recipe{Name: "plain", PipelineVersion: pipeline.Version, Stages: []contract.StageSpec{
		{Name: "whole", Params: map[string]string{}, Assets: []contract.Asset{}},
	}}
	hash, err := pipeline.HashRecipe(recipe)
	if err != nil {
		return err
	}
	base, err := polite.OpenBase(p.path("warc"), nil)
	if err != nil {
		return err
	}
	runner := &pipeline.Runner{Recipe: recipe, Stages: []pipeline.Stage{wholePage{p}}, Workers: 1}
	tasks := &fileTasks{p: p, chain: client, server: server, hotkey: signer.Address(), recipe: contract.RecipeRef{Name: recipe.Name, Hash: hash}}
	m, err := miner.New(miner.Options{
		Chain: steppedChain{client, p}, Hub: repos, Tasks: tasks, Signer: signer,
		Refine: miner.NewRefiner(base, runner, nil, zerolog.Nop()),
		Netuid: netuid, Repo: repo, Recipe: tasks.recipe, DataDir: p.path("data"), Log: zerolog.Nop(),
		FreeBytes: func(string) (int64, error) { return 1 << 40, nil },
	})
	if err != nil {
		return err
	}
	m.WrapJournal(func(_ string, j miner.Journal) miner.Journal { return steppedJournal{j, p} })
	for {
		out, err := m.Once(context.Background())
		if err != nil {
			return err
		}
		if out.Status == miner.NoTask {
			fmt.Println(p.steps.Load())
			return m.Close()
		}
	}
}

// wholePage takes the HTML for the text, and notes that it did.
type wholePage struct{ p *process }

func (wholePage) Name() string { return "whole" }

func (s wholePage) Process(d *pipeline.Document) *pipeline.Drop {
	s.p.step()
	f, err := os.OpenFile(s.p.path("pages"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, d.URL)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
	d.Text, d.Language = d.HTML, "en"
	return nil
}

type steppedChain struct {
	chain.Client
	p *process
}

func (c steppedChain) SetCommitment(ctx context.Context, by chain.Signer, netuid uint16, fields [][]byte) (chain.Inclusion, error) {
	c.p.step()
	defer c.p.step()
	return c.Client.SetCommitment(ctx, by, netuid, fields)
}

// steppedTransport carries requests to the hub. Those that change something are
// steps, and the middle of their bodies. To be killed after one is to be killed
// before the next, or before its answer is written down.
type steppedTransport struct {
	http.RoundTripper
	p *process
}

func (t steppedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || strings.HasSuffix(r.URL.Path, "/preupload/main") ||
		strings.HasSuffix(r.URL.Path, "/objects/batch") || strings.HasSuffix(r.URL.Path, "/objects/verify") {
		return t.RoundTripper.RoundTrip(r)
	}
	t.p.step()
	if r.ContentLength > 1 {
		r = r.Clone(r.Context())
		r.Body = &steppedBody{r.Body, t.p, r.ContentLength / 2}
	}
	return t.RoundTripper.RoundTrip(r)
}

// steppedBody is a body that a process may die in the middle of.
type steppedBody struct {
	io.ReadCloser
	p    *process
	half int64 // bytes that are left of the first half
}

func (b *steppedBody) Read(buf []byte) (int, error) {
	if b.half == 0 {
		b.half = -1
		b.p.step()
	}
	if b.half < 0 {
		return b.ReadCloser.Read(buf)
	}
	n, err := b.ReadCloser.Read(buf[:min(int64(len(buf)), b.half)])
	b.half -= int64(n)
	return n, err
}

type steppedJournal struct {
	miner.Journal
	p *process
}

func (j steppedJournal) Append(entry []byte) error {
	j.p.step()
	return j.Journal.Append(entry)
}

// fileTasks is a task server that keeps receipts and submissions as files.
type fileTasks struct {
	p      *process
	chain  chain.Client
	server *wallet.Hotkey
	hotkey string
	recipe contract.RecipeRef
}

func (s *fileTasks) Lease(ctx context.Context, _ int, _ string) (r contract.Receipt, err error) {
	s.p.step()
	number := 0
	for ; ; number++ {
		if number == processTasks {
			return r, client.ErrNoTask
		}
		if _, err := os.Stat(s.p.path("tasks", contract.TaskID(crawl, number)+".submit")); err != nil {
			break
		}
	}
	path := s.p.path("tasks", contract.TaskID(crawl, number)+".receipt")
	if raw, err := os.ReadFile(path); err == nil {
		return r, json.Unmarshal(raw, &r)
	}
	block, err := s.chain.Finalized(ctx)
	if err != nil {
		return r, err
	}
	r = contract.Receipt{
		V: 1, Task: contract.TaskID(crawl, number), Crawl: crawl, CatalogueSHA256: canon.Sum(nil), Recipe: s.recipe,
		Hotkey: s.hotkey, Generation: 1, Block: block.Number, BlockHash: block.Hash.String(), DeadlineBlock: 1 << 40, Server: s.server.Address(),
	}
	for i := range processFiles {
		name := warcName(number, i)
		info, err := os.Stat(s.p.path("warc", name))
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, contract.InputFile{Path: name, Bytes: info.Size()})
	}
	raw, err := canon.Marshal(r)
	if err != nil {
		return r, err
	}
	signature, err := s.server.Sign(raw)
	if err != nil {
		return r, err
	}
	r.Signature = fmt.Sprintf("%x", signature)
	if raw, err = canon.Marshal(r); err != nil {
		return r, err
	}
	return r, durable.WriteBytes(path, 0o600, raw)
}

func (s *fileTasks) Renew(context.Context, string, int64) error { return nil }

func (s *fileTasks) Release(context.Context, contract.ReleaseRequest) error {
	return errors.New("nothing should be released")
}

func (s *fileTasks) Submit(_ context.Context, r contract.SubmitRequest) error {
	s.p.step()
	defer s.p.step()
	return durable.WriteBytes(s.p.path("tasks", r.Task+".submit"), 0o600, []byte(r.Claim))
}
