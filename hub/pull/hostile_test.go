package pull_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/pull"
	"finest/internal/canon"
)

// enough requests for any pull of a few files that fails.
const enoughRequests = 60

// TestHostileHub pulls with the real client from a hub that lies. However it does,
// a pull ends in an error that says what is wrong, soon, and leaves no more on
// disk than it may; and as soon as the hub is honest it succeeds.
func TestHostileHub(t *testing.T) {
	t.Parallel()
	served := devhubtest.Serve(t)
	const size = 200_000
	p := newPublished(t, served.Store, "anna/finest")
	shard := p.add(0, 1, size).Files[0]
	p.commit()
	file := hub.File{Path: shard.Path, Size: shard.Bytes, SHA256: shard.SHA256}
	faults := served.Server.Faults()
	// What stands at the hub for the shard, and what the storage gives of it.
	resolve := devhub.Match{Path: `/resolve/.*parquet$`}
	storage := devhub.Match{Method: http.MethodGet, Path: "/objects/"}
	rewrite := func(m devhub.Match, change func(h http.Header, b []byte) (int, []byte)) func() {
		return func() {
			faults.Rewrite(m, -1, func(h http.Header, b []byte) (int, http.Header, []byte) {
				status, b := change(h, b)
				return status, h, b
			})
		}
	}
	header := func(name, value string) func() {
		return rewrite(resolve, func(h http.Header, b []byte) (int, []byte) { h.Set(name, value); return 0, b })
	}
	page := http.Header{"Content-Type": {"text/html"}}
	var turn atomic.Uint32
	harmless := errors.New("what comes is right all the same")
	for _, test := range []struct {
		name  string
		fault func()
		want  error // nil is any
	}{
		{"a page in place of a file", func() { faults.Reply(resolve, -1, 200, page, "<html>Welcome!</html>") }, hub.ErrUnavailable},
		{"a page in place of everything", func() { faults.Reply(devhub.Match{}, -1, 200, page, "<html>Welcome!</html>") }, hub.ErrUnavailable},
		{"a page at the storage", func() { faults.Reply(storage, -1, 200, page, "<html>Welcome!</html>") }, hub.ErrUnavailable},
		{"redirects in a circle", func() {
			faults.Reply(resolve, -1, 307, http.Header{"Location": {"/datasets/anna/finest/resolve/" + p.sha + "/" + shard.Path}}, "")
		}, hub.ErrUnavailable},
		{"redirects without end", func() {
			faults.Rewrite(devhub.Match{Path: "/resolve/"}, -1, func(http.Header, []byte) (int, http.Header, []byte) {
				return 307, http.Header{"Location": {fmt.Sprintf("/datasets/anna/moved%d/resolve/%s/%s", turn.Add(1), p.sha, shard.Path)}}, nil
			})
		}, hub.ErrUnavailable},
		{"redirects in a circle at the storage", func() {
			faults.Reply(storage, -1, 302, http.Header{"Location": {"/storage/objects/" + shard.SHA256}}, "")
		}, nil},
		{"a larger size", header("X-Linked-Size", "300000"), hub.ErrCorrupt},
		{"a smaller size", header("X-Linked-Size", "100000"), nil},
		{"an enormous size", header("X-Linked-Size", "1125899906842624"), hub.ErrCorrupt},
		{"a size beyond numbers", header("X-Linked-Size", "99999999999999999999999"), nil},
		{"another commit", header("X-Repo-Commit", "1234567890123456789012345678901234567890"), hub.ErrCorrupt},
		{"another hash", header("X-Linked-Etag", `"`+canon.Sum(nil)+`"`), hub.ErrCorrupt},
		{"bytes that change", rewrite(storage, func(_ http.Header, b []byte) (int, []byte) {
			b[int(turn.Add(1))%len(b)] ^= 1
			return 0, b
		}), hub.ErrCorrupt},
		{"a file that changes between two requests", func() {
			faults.CutAfter(storage, 1, size/2)
			faults.Rewrite(storage, -1, func(h http.Header, b []byte) (int, http.Header, []byte) {
				for i := range b {
					b[i] ^= 1
				}
				return 0, h, b
			})
		}, hub.ErrCorrupt},
		{"more bytes than stated", rewrite(storage, func(_ http.Header, b []byte) (int, []byte) { return 0, append(b, b...) }), harmless},
		{"fewer bytes than stated", rewrite(storage, func(_ http.Header, b []byte) (int, []byte) { return 0, b[:len(b)/2] }), nil},
		{"cut again and again", func() { faults.CutAfter(storage, -1, 200) }, hub.ErrUnavailable},
		{"cut before a byte", func() { faults.CutAfter(storage, -1, 0) }, hub.ErrUnavailable},
		{"never ready", func() { faults.Reply(devhub.Match{}, -1, 503, nil, "busy") }, hub.ErrUnavailable},
		{"gone", func() { faults.Reply(resolve, -1, 404, http.Header{"X-Error-Code": {"EntryNotFound"}}, "") }, hub.ErrNotFound},
		{"denied", func() { faults.Reply(resolve, -1, 403, http.Header{"X-Error-Code": {"GatedRepo"}}, "") }, hub.ErrDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := devhubtest.Dial(t, served.Endpoint) // remembers nothing
			cacheDir, dir := t.TempDir(), t.TempDir()
			cache := openCache(t, cacheDir, pull.Limits{Bytes: size, Files: 1})
			for name, attempt := range map[string]func() error{
				"cache": func() error {
					f, err := cache.Fetch(t.Context(), client, p.ref(), file)
					if err != nil {
						return err
					}
					wantContent(t, f, p.files[shard.Path])
					return f.Close()
				},
				"publication": func() error {
					_, err := pull.Publication(t.Context(), client, p.ref(), dir, pull.Options{})
					return err
				},
				"spans": func() error {
					b := make([]byte, size)
					_, err := pull.Spans(t.Context(), client, p.ref(), shard).ReadAt(b, 0)
					if err == nil && canon.Sum(b) != shard.SHA256 {
						t.Error("spans: other bytes")
					}
					return err
				},
			} {
				faults.Clear()
				test.fault()
				err := attempt()
				switch {
				case err == nil && (errors.Is(test.want, harmless) || name == "spans" && test.name == "another hash"):
					// Spans need no hash but those of the manifest.
				case err == nil, errors.Is(err, pull.ErrLocal), test.want != nil && name != "spans" && !errors.Is(err, test.want):
					t.Errorf("%s: %v, want %v", name, err, test.want)
				}
				if n := len(faults.Requests()); n > enoughRequests && test.name != "cut again and again" {
					t.Errorf("%s: %d requests", name, n)
				}
				if bytes, names := usage(t, cacheDir); bytes > size || len(names) > 1 {
					t.Errorf("%s: %d bytes in %v", name, bytes, names)
				}
				if bytes, _ := usage(t, dir); bytes > 3*size {
					t.Errorf("%s: %d bytes in the folder", name, bytes)
				}
				faults.Clear()
				if err := attempt(); err != nil {
					t.Errorf("%s, when the hub is honest again: %v", name, err)
				}
			}
			for path, b := range folder(t, dir) {
				if string(b) != string(p.files[path]) {
					t.Errorf("%s is wrong", path)
				}
			}
		})
	}
}

// TestPullOverHTTP: all of it with the real client, and a file that needs several
// connections.
func TestPullOverHTTP(t *testing.T) {
	t.Parallel()
	served := devhubtest.Serve(t)
	p := newPublished(t, devhubtest.Dial(t, served.Endpoint), "tester/finest")
	p.add(0, 1, 3<<20)
	m := p.add(1, 1, 50_000)
	p.commit()
	served.Server.Faults().CutAfter(devhub.Match{Path: "/objects/"}, 3, 700_000)
	dir := t.TempDir()
	report, err := pull.Publication(t.Context(), p.hub, hub.Ref{Repo: p.repo, Revision: hub.MainBranch}, dir, pull.Options{})
	if err != nil || report.Commit != p.sha || report.Tasks != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	wantFolder(t, dir, p.files)
	served.Server.Faults().Clear()
	shard := m.Files[0]
	got := make([]byte, 100)
	if _, err := pull.Spans(t.Context(), p.hub, p.ref(), shard).ReadAt(got, shard.RowGroups[1].Offset); err != nil {
		t.Fatal(err)
	}
	var moved int
	for _, r := range served.Server.Faults().Requests() {
		if r.Header.Get("Range") == "" {
			t.Errorf("%s %s asks for the whole file", r.Method, r.Path)
		}
		moved++
	}
	if want := p.files[shard.Path][shard.RowGroups[1].Offset:][:100]; string(got) != string(want) || moved != 2 {
		t.Errorf("%d requests, or other bytes", moved)
	}
	if _, err := pull.Publication(t.Context(), p.hub, p.ref(), t.TempDir(), pull.Options{Task: taskName(0), MaxBytes: 1 << 20}); !errors.Is(err, hub.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}
