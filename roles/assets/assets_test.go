package assets_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/internal/durable"
	"finest/internal/polite"
	catalogue "finest/pipeline/assets"
	"finest/roles/assets"
)

// world is a server with three assets, of which two come in an archive.
type world struct {
	t        *testing.T
	files    map[string][]byte
	list     []catalogue.Asset
	requests atomic.Int64
	// handler answers in the place of the files, if set.
	handler http.HandlerFunc
	url     string
	dir     string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "assets [1")}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		if w.handler != nil {
			w.handler(rw, r)
			return
		}
		w.serve(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + "/"
	model := noise(300_000)
	domains, urls := []byte("a.com\n"), []byte("a.com/b\n")
	archive := tarGz(t, map[string][]byte{"adult/domains": domains, "adult/urls": urls})
	w.files = map[string][]byte{"lists.tar.gz": archive, "model.bin": model}
	lists := catalogue.Source{File: describe("lists.tar.gz", archive), Base: w.url}
	w.list = []catalogue.Asset{
		{File: describe("model", model), Source: catalogue.Source{File: describe("model.bin", model), Base: w.url}},
		{File: describe("domains", domains), Source: lists, Member: "adult/domains"},
		{File: describe("urls", urls), Source: lists, Member: "adult/urls"},
	}
	return w
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func describe(name string, content []byte) catalogue.File {
	sum := sha256.Sum256(content)
	return catalogue.File{Name: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

func tarGz(t *testing.T, members map[string][]byte) []byte {
	var out bytes.Buffer
	compressor := gzip.NewWriter(&out)
	archive := tar.NewWriter(compressor)
	for _, name := range []string{"adult/domains", "adult/urls"} {
		err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(members[name])), Mode: 0o600})
		if err == nil {
			_, err = archive.Write(members[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressor.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// serve answers like a good server, with ranges and an ETag.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	content, ok := w.files[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("ETag", `"`+describe("", content).SHA256[:8]+`"`)
	http.ServeContent(rw, r, "", time.Unix(1e9, 0), bytes.NewReader(content))
}

func (w *world) options() assets.Options {
	client := polite.NewClient("finest/test")
	client.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return assets.Options{Dir: w.dir, Want: w.list, Client: client, Log: zerolog.Nop()}
}

func (w *world) pull() ([]assets.Result, error) {
	w.t.Helper()
	return assets.Pull(w.t.Context(), w.options())
}

// whole holds the folder to having all assets and nothing of the work.
func (w *world) whole() {
	w.t.Helper()
	for _, a := range w.list {
		if state, err := catalogue.Check(w.dir, a.File); state != catalogue.Present || err != nil {
			w.t.Errorf("%s is %s, %v", a.Name, state, err)
		}
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil || len(entries) != len(w.list)+1 { // and the lock
		w.t.Errorf("%v, %v", entries, err)
	}
}

func (w *world) put(name string, content []byte) {
	w.t.Helper()
	if err := durable.WriteBytes(filepath.Join(w.dir, name), 0o600, content); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) part(file string) string {
	return "." + file + "-" + describe("", w.files[file]).SHA256[:12] + ".part"
}

func TestPull(t *testing.T) {
	w := newWorld(t)
	var last string
	o := w.options()
	o.Progress = func(file string, done, total int64) {
		if done == total {
			last = file
		}
	}
	results, err := assets.Pull(t.Context(), o)
	if err != nil || len(results) != 3 || results[0].From != w.url+"model.bin" || results[2].From != w.url+"lists.tar.gz" || last != "lists.tar.gz" {
		t.Fatalf("%+v, progress of %q, error %v", results, last, err)
	}
	w.whole()
	asked := w.requests.Load()
	if asked != 2 {
		t.Errorf("%d requests for two files", asked)
	}
	if results, err = w.pull(); err != nil || results[0].From != "" || w.requests.Load() != asked {
		t.Errorf("again: %+v after %d requests, error %v", results, w.requests.Load()-asked, err)
	}
	// What is damaged is fetched again, and nothing else.
	w.put("urls", []byte("a.com/c\n"))
	w.put(".domains.tmp-123", nil)
	if results, err = w.pull(); err != nil || results[0].From != "" || results[1].From != "" || results[2].From == "" {
		t.Errorf("damaged: %+v, error %v", results, err)
	}
	w.whole()
}

// TestPullGoesOn after a stop at any place, and a wrong beginning is no end.
func TestPullGoesOn(t *testing.T) {
	for name, begun := range map[string]func(model []byte) []byte{
		"a part":         func(m []byte) []byte { return m[:200_000] },
		"all":            func(m []byte) []byte { return m },
		"more than all":  func(m []byte) []byte { return append(bytes.Clone(m), "x"...) },
		"another file":   func([]byte) []byte { return make([]byte, 200_000) },
		"all of another": func([]byte) []byte { return make([]byte, 300_000) },
		"nothing":        func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.put(w.part("model.bin"), begun(w.files["model.bin"]))
			if _, err := w.pull(); err != nil {
				t.Fatal(err)
			}
			w.whole()
		})
	}
}

// TestPullKeepsWhatCame when it is stopped or the server breaks off.
func TestPullKeepsWhatCame(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	w.handler = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", "300000")
		_, _ = rw.Write(w.files["model.bin"][:150_000])
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
	o := w.options()
	o.Progress = func(_ string, done, _ int64) {
		if done > 100_000 {
			stop()
		}
	}
	if _, err := assets.Pull(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	info, err := os.Stat(filepath.Join(w.dir, w.part("model.bin")))
	if err != nil || info.Size() <= 100_000 {
		t.Fatalf("%v, error %v", info, err)
	}
	var ranges []string
	w.handler = func(rw http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		w.serve(rw, r)
	}
	if _, err := w.pull(); err != nil {
		t.Fatal(err)
	}
	w.whole()
	if len(ranges) < 2 || ranges[1] == "" {
		t.Errorf("ranges asked for: %q", ranges)
	}
}

// cutter ends every response after n bytes, with the connection.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestPullFromBadServers(t *testing.T) {
	busy := 0
	for name, c := range map[string]struct {
		handler func(w *world, rw http.ResponseWriter, r *http.Request)
		want    error
	}{
		"cuts": {func(w *world, rw http.ResponseWriter, r *http.Request) { w.serve(&cutter{rw, 70_000}, r) }, nil},
		"no ranges": {func(w *world, rw http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			w.serve(&cutter{rw, 290_000}, r)
		}, polite.ErrUnavailable},
		"busy": {func(w *world, rw http.ResponseWriter, r *http.Request) {
			if busy++; busy%2 == 1 {
				rw.Header().Set("Retry-After", "1")
				http.Error(rw, "busy", http.StatusTooManyRequests)
				return
			}
			w.serve(rw, r)
		}, nil},
		"always busy": {func(_ *world, rw http.ResponseWriter, _ *http.Request) {
			http.Error(rw, "busy", http.StatusTooManyRequests)
		}, polite.ErrUnavailable},
		"page": {func(_ *world, rw http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(rw, "<!doctype html><title>Sign in</title>")
		}, polite.ErrUnexpectedContent},
		"page of the right size": {func(w *world, rw http.ResponseWriter, r *http.Request) {
			page := strings.Repeat(" ", len(w.files[r.URL.Path[1:]])-6) + "<html>"
			_, _ = io.WriteString(rw, page)
		}, catalogue.ErrContent},
		"wrong bytes": {func(_ *world, rw http.ResponseWriter, r *http.Request) {
			http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(make([]byte, 300_000)))
		}, catalogue.ErrContent},
		"another size": {func(_ *world, rw http.ResponseWriter, r *http.Request) {
			http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(make([]byte, 299_999)))
		}, polite.ErrUnexpectedContent},
		"gone": {func(_ *world, rw http.ResponseWriter, r *http.Request) { http.NotFound(rw, r) }, polite.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.handler = func(rw http.ResponseWriter, r *http.Request) { c.handler(w, rw, r) }
			_, err := w.pull()
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err == nil {
				w.whole()
				return
			}
			if !strings.Contains(err.Error(), w.url+"model.bin") {
				t.Errorf("error %v does not name the file", err)
			}
			if state, _ := catalogue.Check(w.dir, w.list[0].File); state != catalogue.Missing {
				t.Errorf("the asset is %s", state)
			}
			// The server is mended: what was left of the first try does no harm.
			w.handler = nil
			if _, err := w.pull(); err != nil {
				t.Fatal(err)
			}
			w.whole()
		})
	}
}

func TestPullFromMirror(t *testing.T) {
	w := newWorld(t)
	if _, err := w.pull(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/copy/", http.FileServer(http.Dir(w.dir))))
	defer server.Close()
	for _, mirror := range []string{server.URL + "/copy", w.dir, "file:" + w.dir} {
		o := w.options()
		o.Dir, o.Mirror = t.TempDir(), mirror
		results, err := assets.Pull(t.Context(), o)
		if err != nil || len(results) != 3 || !strings.HasSuffix(results[0].From, "/model") {
			t.Fatalf("%s: %+v, error %v", mirror, results, err)
		}
		w.dir, o.Dir = o.Dir, w.dir
		w.whole()
		w.dir = o.Dir
	}
}

func TestPullLocks(t *testing.T) {
	w := newWorld(t)
	lock, err := durable.TryLock(filepath.Join(w.dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := w.pull(); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("error %v", err)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	lists, wrong := filepath.Join(t.TempDir(), "download"), filepath.Join(t.TempDir(), "domains")
	if err := errors.Join(os.WriteFile(lists, w.files["lists.tar.gz"], 0o600), os.WriteFile(wrong, []byte("b.com\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, some := range []bool{true, false} {
		if results, err := assets.Import(w.options(), wrong, some); !errors.Is(err, catalogue.ErrContent) || len(results) != 0 {
			t.Errorf("wrong file, some %v: %+v, error %v", some, results, err)
		}
	}
	results, err := assets.Import(w.options(), lists, false)
	if !errors.Is(err, assets.ErrNotFound) || !strings.Contains(err.Error(), "take model from ") || len(results) != 2 {
		t.Errorf("all: %+v, error %v", results, err)
	}
	for range 2 {
		if results, err = assets.Import(w.options(), lists, true); err != nil || len(results) != 2 || results[0].From != lists {
			t.Errorf("some: %+v, error %v", results, err)
		}
	}
	o := w.options()
	o.Want = w.list[1:]
	if results, err = assets.Import(o, lists, false); err != nil || len(results) != 2 || results[0].From != "" {
		t.Errorf("what is there: %+v, error %v", results, err)
	}
	if _, err := assets.Import(o, t.TempDir(), true); !errors.Is(err, assets.ErrNotFound) {
		t.Errorf("empty folder: error %v", err)
	}
	if _, err := assets.Import(o, filepath.Join(t.TempDir(), "x"), true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nowhere: error %v", err)
	}
}
