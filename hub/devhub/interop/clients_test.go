package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/internal/canon"
)

// Small pages, so that lists have several.
func smallPages(o *devhub.Options) { o.PageSize = 100 }

// huggingface_hub does all that it can do with a dataset. It repeats what fails
// with 503.
func TestHuggingFaceHub(t *testing.T) {
	t.Parallel()
	need(t, "venv/requirements.txt")
	world := devhubtest.Serve(t, smallPages)
	dir := t.TempDir()
	publish(t, world, dir)
	later := http.Header{"Retry-After": {"0"}}
	world.Server.Faults().Reply(devhub.Match{Method: http.MethodPost, Path: "/objects/batch$"}, 1, http.StatusServiceUnavailable, later, "")
	world.Server.Faults().Reply(devhub.Match{Method: http.MethodPut}, 1, http.StatusServiceUnavailable, later, "")
	python(t, huggingfaceHub(t, world.Endpoint, devhubtest.Token), "hub.py", dir)
	pull(t, world, dir)
}

// So does @huggingface/hub, which repeats nothing.
func TestHuggingFaceJS(t *testing.T) {
	t.Parallel()
	need(t, "installed.json")
	world := devhubtest.Serve(t, smallPages)
	dir := t.TempDir()
	publish(t, world, dir)
	node(t, "hub.mjs", dir, folder(t), world.Endpoint, devhubtest.Token)
	pull(t, world, dir)
}

// pushed is what published.json and pushed.json say.
type pushed struct {
	Repo     string            `json:"repo"`
	Revision string            `json:"revision"`
	Files    map[string]string `json:"files"` // SHA-256 by path
}

// publish publishes with our client and leaves published.json in dir.
func publish(t *testing.T, world *devhubtest.World, dir string) {
	t.Helper()
	blob := make([]byte, 12<<20+3) // three parts
	if _, err := rand.NewChaCha8([32]byte{5}).Read(blob); err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{
		"README.md":          []byte("---\nlicense: odc-by\n---\n\n# Published\n"),
		"log.jsonl":          []byte("{}\n"),
		"empty.txt":          {},
		"data/a.parquet":     blob,
		"data/b.parquet":     blob[:77],
		"large.bin":          blob[:11<<20],
		"data/sub/é 日本.txt":  []byte("é\n"),
		"data/sub/a b+c.txt": []byte("a"),
	}
	for i := range 150 {
		path := filepath.Join("many", string(rune('a'+i/26))+string(rune('a'+i%26)))
		contents[path] = []byte(path)
	}
	said := pushed{Files: map[string]string{}}
	var sources []hub.Source
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		sources = append(sources, hub.Bytes(path, contents[path]))
		said.Files[path] = canon.Sum(contents[path])
	}
	ref := publishTo(t, devhubtest.Dial(t, world.Endpoint), "tester/published", sources)
	said.Repo, said.Revision = ref.Repo, ref.Revision
	writeJSON(t, filepath.Join(dir, "published.json"), said)
}

// publishTo publishes in a repository, which it makes if there is none.
func publishTo(t *testing.T, h hub.Hub, repo string, sources []hub.Source) hub.Ref {
	t.Helper()
	if err := h.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	head, err := h.Head(t.Context(), hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	sha, err := h.Publish(t.Context(), hub.Publication{Repo: repo, Message: "publish", Parent: head, Add: sources})
	if err != nil {
		t.Fatal(err)
	}
	return hub.Ref{Repo: repo, Revision: sha}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pull reads with our client what pushed.json in dir says is there.
func pull(t *testing.T, world *devhubtest.World, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "pushed.json"))
	if err != nil {
		t.Fatal(err)
	}
	var said pushed
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	pullFiles(t, devhubtest.Dial(t, world.Endpoint), said)
}

// pullFiles fails unless h has exactly the files that are said to be there.
func pullFiles(t *testing.T, h hub.Hub, said pushed) {
	t.Helper()
	ref := hub.Ref{Repo: said.Repo, Revision: said.Revision}
	files, err := h.Tree(t.Context(), ref, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f hub.File) bool { return f.Path == ".gitattributes" })
	if len(files) != len(said.Files) {
		t.Errorf("%s holds %d files, want %d", ref, len(files), len(said.Files))
	}
	for _, f := range files {
		stat, err := h.Stat(t.Context(), ref, f.Path)
		if err != nil {
			t.Fatal(err)
		}
		want := said.Files[f.Path]
		if stat.SHA256 != want || stat.Size != f.Size || f.SHA256 != "" && f.SHA256 != want {
			t.Errorf("%s is %+v in the tree, %+v alone, want %s", f.Path, f, stat, want)
		}
		if got := sum(t, h, ref, f.Path); got != want {
			t.Errorf("%s holds %s, want %s", f.Path, got, want)
		}
	}
}

func sum(t *testing.T, h hub.Hub, ref hub.Ref, path string) string {
	t.Helper()
	r, err := h.Open(t.Context(), ref, path, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	digest := sha256.New()
	if _, err := io.Copy(digest, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(digest.Sum(nil))
}
