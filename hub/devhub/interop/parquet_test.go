package interop

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
)

// pyarrow, DuckDB and hyparquet read every file as it was written, hyparquet finds
// single rows by the page index and the bloom filter, and over HTTP all of them
// read ranges only.
func TestParquetReaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	published := sync.OnceValues(func() (*devhubtest.World, hub.Ref) { return serveFiles(t, dir, writeFiles(t, dir)) })
	t.Run("pyarrow and DuckDB", func(t *testing.T) {
		need(t, "venv/requirements.txt")
		world, ref := published()
		world.Server.Faults().Clear()
		python(t, huggingfaceHub(t, world.Endpoint, devhubtest.Token), "parquet.py", dir, "hf://datasets/"+ref.String())
		checkRanges(t, world)
	})
	t.Run("hyparquet", func(t *testing.T) {
		need(t, "installed.json")
		world, ref := published()
		world.Server.Faults().Clear()
		node(t, "parquet.mjs", dir, folder(t), world.Endpoint+"/datasets/"+ref.Repo+"/resolve/"+ref.Revision)
		checkRanges(t, world)
	})
}

// serveFiles publishes the files of dir on a hub.
func serveFiles(t *testing.T, dir string, files []expected) (*devhubtest.World, hub.Ref) {
	t.Helper()
	var sources []hub.Source
	for _, f := range files {
		raw, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, hub.Bytes(f.Path, raw))
	}
	world := devhubtest.Serve(t)
	return world, publishTo(t, devhubtest.Dial(t, world.Endpoint), "tester/shards", sources)
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
