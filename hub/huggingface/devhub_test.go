package huggingface_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
)

// TestReadsInTrouble reads over real connections from a hub that has trouble
// twice: what is read is right all the same.
func TestReadsInTrouble(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t, func(o *devhub.Options) { o.PageSize = 2 })
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if err := c.EnsureRepo(ctx, repo); err != nil {
		t.Fatal(err)
	}
	main := hub.Ref{Repo: repo, Revision: hub.MainBranch}
	first, err := c.Head(ctx, main)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"f.parquet": text(3_000_000), "g.md": text(200_000), "a b/ä#%20.txt": "odd"}
	ref := hub.Ref{Repo: repo, Revision: publish(ctx, t, c, repo, first, files)}
	storage := devhub.Match{Method: "GET", Path: "/objects/"}
	resolve := devhub.Match{Path: "/resolve/"}
	faults := w.Server.Faults()
	for name, trouble := range map[string]func(){
		"none":                        func() {},
		"storage cuts":                func() { faults.CutAfter(storage, 2, 700_000) },
		"storage cuts before a byte":  func() { faults.CutAfter(storage, 2, 0) },
		"storage is busy":             func() { faults.Reply(storage, 2, 503, http.Header{"Retry-After": {"0"}}, "SlowDown") },
		"storage denies what it gave": func() { faults.Reply(storage, 2, 403, nil, "<Error>Request has expired</Error>") },
		"the hub cuts":                func() { faults.CutAfter(devhub.Match{}, 2, 50) },
		"the hub is busy":             func() { faults.Reply(resolve, 2, 502, nil, "") },
		"the hub has had enough":      func() { faults.Reply(devhub.Match{}, 2, 429, http.Header{"RateLimit": {`"api";r=0;t=7`}}, "") },
		"the API cuts":                func() { faults.CutAfter(devhub.Match{Path: "/api/"}, 2, 30) },
	} {
		t.Run(name, func(t *testing.T) {
			c := devhubtest.Dial(t, w.Endpoint) // remembers nothing
			faults.Clear()
			trouble()
			for path, body := range files {
				for _, offset := range []int{0, len(body) / 3} {
					if got, err := read(ctx, c, ref, path, int64(offset), -1); err != nil || got != body[offset:] {
						t.Errorf("%s from %d: %d bytes, %v", path, offset, len(got), err)
					}
				}
				if f, err := c.Stat(ctx, ref, path); err != nil || f != hub.Bytes(path, []byte(body)).File {
					t.Errorf("%s is %+v, %v", path, f, err)
				}
			}
			if tree, err := c.Tree(ctx, main, "", 10); err != nil || len(tree) != 4 {
				t.Errorf("tree %v, %v", tree, err)
			}
			faults.Clear()
		})
	}
}

// The storage of a hub gets no token, and nobody without a token gets in.
func TestStorageGetsNoToken(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if err := c.CreateRepo(ctx, repo, true); err != nil {
		t.Fatal(err)
	}
	first, err := c.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	ref := hub.Ref{Repo: repo, Revision: publish(ctx, t, c, repo, first, map[string]string{"f.parquet": text(1000)})}
	if _, err := read(ctx, c, ref, "f.parquet", 0, -1); err != nil {
		t.Fatal(err)
	}
	var storage, api int
	for _, r := range w.Server.Faults().Requests() {
		atHub := r.Host == strings.TrimPrefix(w.Endpoint, "http://")
		if has := r.Header.Get("Authorization") == "Bearer "+devhubtest.Token; has != atHub {
			t.Errorf("%s %s%s: token %v", r.Method, r.Host, r.Path, has)
		}
		if atHub {
			api++
		} else {
			storage++
		}
	}
	if storage < 2 || api < 5 {
		t.Errorf("%d requests to storage, %d to the hub", storage, api)
	}
}

// A hub that says other things than it should is not believed.
func TestHubThatLies(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	writer := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if err := writer.EnsureRepo(ctx, repo); err != nil {
		t.Fatal(err)
	}
	first, err := writer.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	ref := hub.Ref{Repo: repo, Revision: publish(ctx, t, writer, repo, first, map[string]string{"f.parquet": text(5000)})}
	faults := w.Server.Faults()
	rewrite := func(path string, change func(h http.Header, body []byte) []byte) func() {
		return func() {
			faults.Rewrite(devhub.Match{Path: path}, -1, func(h http.Header, body []byte) (int, http.Header, []byte) {
				body = change(h, body)
				return 0, h, body
			})
		}
	}
	for name, c := range map[string]struct {
		trouble func()
		want    error
	}{
		"a byte":      {rewrite("/objects/", func(_ http.Header, b []byte) []byte { b[4000] ^= 1; return b }), hub.ErrCorrupt},
		"a byte more": {rewrite("/objects/", func(_ http.Header, b []byte) []byte { return append(b, 0) }), hub.ErrCorrupt},
		"a byte less": {rewrite("/objects/", func(_ http.Header, b []byte) []byte { return b[1:] }), hub.ErrCorrupt},
		"another hash": {rewrite("/resolve/", func(h http.Header, b []byte) []byte {
			h.Set("X-Linked-Etag", `"`+strings.Repeat("a", 64)+`"`)
			return b
		}), hub.ErrCorrupt},
		"another commit":  {rewrite("/resolve/", func(h http.Header, b []byte) []byte { h.Set("X-Repo-Commit", first); return b }), hub.ErrCorrupt},
		"no commit":       {rewrite("/resolve/", func(h http.Header, b []byte) []byte { h.Del("X-Repo-Commit"); return b }), hub.ErrUnavailable},
		"a page, at once": {func() { faults.Reply(devhub.Match{}, -1, 200, http.Header{"Content-Type": {"text/html"}}, "<html>") }, hub.ErrUnavailable},
		"a page, in place": {func() {
			faults.Reply(devhub.Match{Path: "/objects/"}, -1, 200, http.Header{"Content-Type": {"text/html"}}, "<html>")
		}, hub.ErrUnavailable},
	} {
		faults.Clear()
		c.trouble()
		if got, err := read(ctx, devhubtest.Dial(t, w.Endpoint), ref, "f.parquet", 0, -1); !errors.Is(err, c.want) {
			t.Errorf("%s: %d bytes, %v, want %v", name, len(got), err, c.want)
		}
	}
}
