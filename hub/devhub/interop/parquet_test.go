package interop

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
)

// pyarrow and DuckDB read every file, and pyarrow over HTTP too.
func TestPyArrowAndDuckDB(t *testing.T) {
	t.Parallel()
	need(t, "venv/requirements.txt")
	dir := t.TempDir()
	world, ref := serveFiles(t, dir, writeFiles(t, dir))
	python(t, huggingfaceHub(t, world.Endpoint, devhubtest.Token), "parquet.py", dir, "hf://datasets/"+ref.String())
	checkRanges(t, world)
}

// hyparquet does, and finds single rows by the page index and the bloom filter.
func TestHyparquet(t *testing.T) {
	t.Parallel()
	need(t, "installed.json")
	dir := t.TempDir()
	world, ref := serveFiles(t, dir, writeFiles(t, dir))
	node(t, "parquet.mjs", dir, folder(t), world.Endpoint+"/datasets/"+ref.Repo+"/resolve/"+ref.Revision)
	checkRanges(t, world)
}

// serveFiles publishes the files of dir on a hub.
func serveFiles(t *testing.T, dir string, files []expected) (*devhubtest.World, hub.Ref) {
	t.Helper()
	world := devhubtest.Serve(t)
	const repo = "tester/shards"
	publication := hub.Publication{Repo: repo, Message: "add shards and ledgers"}
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		publication.Add = append(publication.Add, hub.Bytes(f.Path, raw))
	}
	if err := world.Store.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	head, err := world.Store.Head(t.Context(), hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	publication.Parent = head
	sha, err := world.Store.Publish(t.Context(), publication)
	if err != nil {
		t.Fatal(err)
	}
	return world, hub.Ref{Repo: repo, Revision: sha}
}

// checkRanges fails if content of a file was read other than by ranges.
func checkRanges(t *testing.T, world *devhubtest.World) {
	t.Helper()
	ranges := 0
	for _, r := range world.Server.Faults().Requests() {
		switch {
		case r.Method != http.MethodGet || strings.HasPrefix(r.Path, "/api/"):
		case r.Status == http.StatusPartialContent:
			ranges++
		case r.Status == http.StatusOK:
			t.Errorf("%s was read whole", r.Path)
		}
	}
	if ranges == 0 {
		t.Error("nothing was read by ranges")
	}
}
