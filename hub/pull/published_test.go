package pull_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
	"finest/internal/canon"
	"finest/internal/contract"
)

const dump = "CC-TEST-2026-47"

// published is a repository with publications of some tasks in it.
type published struct {
	t     testing.TB
	hub   hub.Hub
	repo  string
	sha   string
	log   []byte
	files map[string][]byte
}

func newPublished(t testing.TB, h hub.Hub, repo string) *published {
	t.Helper()
	p := &published{t: t, hub: h, repo: repo, files: map[string][]byte{}}
	p.must(h.EnsureRepo(t.Context(), repo))
	return p
}

func (p *published) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *published) ref() hub.Ref { return hub.Ref{Repo: p.repo, Revision: p.sha} }

func taskName(number int) string { return contract.TaskID(dump, number) }

// outputFile describes b as a file of two row groups and a footer.
func outputFile(path string, b []byte) contract.OutputFile {
	n := int64(len(b))
	f := contract.OutputFile{Path: path, Rows: 7, Bytes: n, SHA256: canon.Sum(b)}
	a, e := n/3, n-n/5
	f.RowGroups = []contract.RowGroup{
		{Offset: 4, Length: a - 4, Rows: 3, SHA256: canon.Sum(b[4:a])},
		{Offset: a, Length: e - a, Rows: 4, SHA256: canon.Sum(b[a:e])},
	}
	f.Footer = contract.Span{Offset: e, Length: n - e, SHA256: canon.Sum(b[e:])}
	return f
}

// parquet returns size bytes that begin as a Parquet file does.
func parquet(seed, size int) []byte { return append([]byte("PAR1"), content(seed, size-4)...) }

// manifest describes a task with one shard and one ledger of size bytes each, and
// returns them with it.
func manifest(number, generation, size int) (contract.Manifest, map[string][]byte) {
	name, sum := taskName(number), canon.Sum(nil)
	m := contract.Manifest{
		Version: 1, PipelineVersion: 1, Task: name, Dump: dump,
		Recipe: contract.Recipe{Name: "toy", PipelineVersion: 1, Stages: []contract.StageSpec{
			{Name: "extract", Params: map[string]string{}, Assets: []contract.Asset{}},
		}},
		Inputs:   []contract.Input{{Path: "a.warc.gz", Bytes: 1, SHA256: sum, Records: 7, Pages: 7}},
		Counts:   []contract.Count{},
		RowsRoot: sum, LedgerRoot: sum,
	}
	files := map[string][]byte{}
	for i, path := range []string{contract.ShardPath(dump, name, 0), contract.LedgerPath(dump, name, 0)} {
		files[path] = parquet(100*number+10*generation+i, size)
		m.Files = append(m.Files, outputFile(path, files[path]))
	}
	return m, files
}

// add puts a task into the next commit.
func (p *published) add(number, generation, size int, edits ...func(*contract.Manifest)) contract.Manifest {
	p.t.Helper()
	m, files := manifest(number, generation, size)
	for _, edit := range edits {
		edit(&m)
	}
	raw, err := canon.Marshal(m)
	p.must(err)
	p.log = append(p.log, contract.LogLine{Task: taskName(number), Generation: int64(generation), Manifest: canon.Sum(raw)}.Encode()...)
	p.files[contract.ManifestPath(taskName(number))] = raw
	for path, b := range files {
		p.files[path] = b
	}
	p.files[contract.LogPath] = p.log
	return m
}

// commit publishes all files.
func (p *published) commit() {
	p.t.Helper()
	ctx := context.Background()
	head, err := p.hub.Head(ctx, hub.Ref{Repo: p.repo, Revision: hub.MainBranch})
	p.must(err)
	next := hub.Publication{Repo: p.repo, Message: "publish", Parent: head}
	for path, b := range p.files {
		next.Add = append(next.Add, hub.Bytes(path, b))
	}
	p.sha, err = p.hub.Publish(ctx, next)
	p.must(err)
}

func localHub(t testing.TB) *localhub.Hub {
	t.Helper()
	h, err := localhub.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// watched notes what is opened, and may change what comes.
type watched struct {
	hub.Hub
	mu     sync.Mutex
	opened []string
	// change is given what would come of a file.
	change func(path string, r io.ReadCloser) (io.ReadCloser, error)
}

func (w *watched) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	w.mu.Lock()
	w.opened = append(w.opened, fmt.Sprintf("%s %d+%d", path, offset, length))
	w.mu.Unlock()
	r, err := w.Hub.Open(ctx, ref, path, offset, length)
	if err == nil && w.change != nil {
		return w.change(path, r)
	}
	return r, err
}

// take returns what was opened since the last call.
func (w *watched) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	opened := w.opened
	w.opened = nil
	return opened
}

// flipped changes one bit in what comes.
func flipped(_ string, r io.ReadCloser) (io.ReadCloser, error) {
	b, err := io.ReadAll(r)
	if len(b) > 0 {
		b[len(b)/2] ^= 1
	}
	return io.NopCloser(strings.NewReader(string(b))), err
}

// cutAfter ends what comes after n bytes with an error.
func cutAfter(n int64) func(string, io.ReadCloser) (io.ReadCloser, error) {
	return func(_ string, r io.ReadCloser) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(io.LimitReader(r, n), failing{})), nil
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }
