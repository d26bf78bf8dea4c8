package pull_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
)

// flood is a hub that says no more than it must and sends without end.
type flood struct {
	sent     atomic.Int64
	requests atomic.Int64
	// peak is the most memory that was in use while it sent.
	peak atomic.Uint64
}

// send writes blocks until the other side has enough.
func (f *flood) send(w io.Writer, block []byte) {
	for {
		n, err := w.Write(block)
		if f.sent.Add(int64(n))%(4<<20) < int64(n) {
			f.weigh()
		}
		if err != nil {
			return
		}
	}
}

func (f *flood) weigh() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for {
		peak := f.peak.Load()
		if m.HeapInuse <= peak || f.peak.CompareAndSwap(peak, m.HeapInuse) {
			return
		}
	}
}

// serve starts the hub. Paths are those of the API below the repository, or of
// files at a commit.
func (f *flood) serve(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, path string)) hub.Hub {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		w.Header().Set("X-Repo-Commit", ref.Revision)
		path := strings.TrimPrefix(r.URL.Path, "/api/datasets/"+ref.Repo)
		path = strings.TrimPrefix(path, "/datasets/"+ref.Repo+"/resolve/"+ref.Revision+"/")
		if strings.HasPrefix(path, "/revision/") {
			_, _ = fmt.Fprintf(w, `{"sha":%q}`, ref.Revision)
			return
		}
		if r.Method == http.MethodHead {
			w = headOnly{w}
		}
		handle(w, r, path)
	}))
	t.Cleanup(server.Close)
	return devhubtest.Dial(t, server.URL)
}

// headOnly takes no body.
type headOnly struct{ http.ResponseWriter }

func (headOnly) Write([]byte) (int, error) { return 0, http.ErrBodyNotAllowed }

// entries is a page of a tree, as JSON.
func entries(from, count int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"file","oid":"%040x","size":1,"path":"data/%09d.parquet"}`, from+i, from+i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// TestFloods: whatever a hub sends without end, it is cut off at a stated amount,
// and memory and disk hold no more than that. Not parallel: it weighs the whole
// process.
func TestFloods(t *testing.T) {
	block := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
	log := contract.LogLine{Task: taskName(0), Generation: 1, Manifest: canon.Sum(nil)}.Encode()
	const million = 1_000_000
	for _, test := range []struct {
		name   string
		handle func(f *flood) func(w http.ResponseWriter, r *http.Request, path string)
		pull   func(t *testing.T, h hub.Hub, dir string) error
		want   error
		// What may be sent, and held in memory, at most.
		sent   int64
		memory uint64
	}{
		{"a claim log without end", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, _ string) { f.send(w, block) }
		}, pullAll, hub.ErrTooLarge, 80 << 20, 300 << 20},
		{"a manifest without end", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, path string) {
				if path == contract.LogPath {
					_, _ = w.Write(log)
					return
				}
				if path == "README.md" {
					w.Header().Set("X-Error-Code", "EntryNotFound")
					w.WriteHeader(http.StatusNotFound)
					return
				}
				f.send(w, block)
			}
		}, pullAll, hub.ErrTooLarge, 80 << 20, 300 << 20},
		{"a card without end", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, path string) {
				if path == contract.LogPath {
					_, _ = w.Write(log)
					return
				}
				f.send(w, block)
			}
		}, pullAll, hub.ErrTooLarge, 16 << 20, 100 << 20},
		{"a shard without end", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, _ string) { f.send(w, block) }
		}, func(t *testing.T, h hub.Hub, dir string) error {
			c := openCache(t, dir, pull.Limits{Bytes: 10 << 20, Files: 1})
			_, err := c.Fetch(t.Context(), h, ref, hub.File{Path: "data/x.parquet", Size: 8 << 20, SHA256: canon.Sum(nil)})
			return err
		}, hub.ErrCorrupt, 24 << 20, 100 << 20},
		{"a shard said to be enormous", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Content-Length", fmt.Sprint(1<<45))
				f.send(w, block)
			}
		}, func(t *testing.T, h hub.Hub, dir string) error {
			f, err := h.Stat(t.Context(), ref, "data/x.parquet")
			if err == nil {
				_, err = openCache(t, dir, pull.Limits{Bytes: 10 << 20, Files: 1}).Fetch(t.Context(), h, ref, f)
			}
			return err
		}, hub.ErrTooLarge, 24 << 20, 100 << 20},
		{"a million entries, page by page", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, r *http.Request, _ string) {
				var from int
				_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
				w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?recursive=true&cursor=%d>; rel="next"`, r.Host, r.URL.Path, from+1000))
				if from >= million {
					t.Error("all of them were asked for")
					return
				}
				n, _ := w.Write(entries(from, 1000))
				f.sent.Add(int64(n))
				f.weigh()
			}
		}, listTree, hub.ErrTooLarge, 16 << 20, 150 << 20},
		{"a million entries at once", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, _ string) {
				for from := 0; from < million; from += 1000 {
					page := entries(from, 1000)
					page[0] = ','
					if from == 0 {
						page[0] = '['
					}
					n, err := w.Write(page[:len(page)-1])
					f.sent.Add(int64(n))
					if err != nil {
						return
					}
					if from%50_000 == 0 {
						f.weigh()
					}
				}
			}
		}, listTree, hub.ErrTooLarge, 80 << 20, 300 << 20},
		{"entries without end", func(f *flood) func(http.ResponseWriter, *http.Request, string) {
			return func(w http.ResponseWriter, _ *http.Request, _ string) {
				_, _ = io.WriteString(w, "[")
				f.send(w, append(bytes.Trim(entries(0, 1000), "[]"), ','))
			}
		}, listTree, hub.ErrTooLarge, 80 << 20, 300 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			var f flood
			h := f.serve(t, test.handle(&f))
			dir := t.TempDir()
			runtime.GC()
			f.weigh()
			before := f.peak.Load()
			err := test.pull(t, h, dir)
			if !errors.Is(err, test.want) || errors.Is(err, pull.ErrLocal) {
				t.Errorf("%v, want %v", err, test.want)
			}
			disk, _ := usage(t, dir)
			t.Logf("%v: %d requests, %d MiB sent, %d MiB of memory more, %d MiB on disk",
				err, f.requests.Load(), f.sent.Load()>>20, (f.peak.Load()-before)>>20, disk>>20)
			if sent := f.sent.Load(); sent > test.sent {
				t.Errorf("%d MiB were sent, want at most %d", sent>>20, test.sent>>20)
			}
			if more := f.peak.Load() - before; more > test.memory {
				t.Errorf("%d MiB of memory, want at most %d", more>>20, test.memory>>20)
			}
			if disk > 10<<20 {
				t.Errorf("%d MiB on disk", disk>>20)
			}
			if n := f.requests.Load(); n > 120 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func pullAll(t *testing.T, h hub.Hub, dir string) error {
	_, err := pull.Publication(t.Context(), h, ref, dir, pull.Options{})
	return err
}

func listTree(t *testing.T, h hub.Hub, _ string) error {
	_, err := h.Tree(t.Context(), ref, "data", 50_000)
	return err
}
