package miner_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
	"finest/internal/contract"
)

// commit is a commit of a repository with all its files, but for the one that
// every repository begins with.
type commit struct {
	sha, parent, message string
	files                map[string][]byte
}

const attributes = ".gitattributes"

// commits returns those of main, oldest first, without the one that came with the
// repository.
func (w *world) commits(repo string) (all []commit) {
	w.t.Helper()
	ctx, store := context.Background(), w.hub.Store
	log, err := store.Log(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}, 1000)
	if errors.Is(err, hub.ErrNotFound) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(log)
	for _, c := range log[1:] {
		at := hub.Ref{Repo: repo, Revision: c.SHA}
		files, err := store.Tree(ctx, at, "", 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		found := commit{sha: c.SHA, parent: c.Parent, message: c.Message, files: map[string][]byte{}}
		for _, f := range files {
			if f.Path == attributes {
				continue
			}
			if found.files[f.Path], err = hub.ReadFile(ctx, store, at, f.Path, 1<<20); err != nil {
				w.t.Fatal(err)
			}
		}
		all = append(all, found)
	}
	return all
}

// head is the last commit, an empty one if there is none.
func (w *world) head(repo string) commit {
	w.t.Helper()
	if all := w.commits(repo); len(all) > 0 {
		return all[len(all)-1]
	}
	return commit{}
}

// commitByHand adds files to a repository, which it makes if there is none.
func (w *world) commitByHand(repo string, files map[string][]byte) (sha string) {
	w.t.Helper()
	ctx, store := context.Background(), w.hub.Store
	if err := store.EnsureRepo(ctx, repo); err != nil {
		w.t.Fatal(err)
	}
	parent, err := store.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		w.t.Fatal(err)
	}
	p := hub.Publication{Repo: repo, Message: "by hand", Parent: parent}
	for path, content := range files {
		p.Add = append(p.Add, hub.Bytes(path, content))
	}
	if sha, err = store.Publish(ctx, p); err != nil {
		w.t.Fatal(err)
	}
	return sha
}

var _ hub.Hub = (*faultyHub)(nil)

// faultyHub is the hub of the world, whose calls are killed or fail.
type faultyHub struct {
	hub.Hub
	w *world
}

func (h *faultyHub) do(name string, op func() error) (err error) {
	h.w.fault.step("hub "+name, func() {
		if h.w.hubErr != nil {
			err = h.w.hubErr(name)
		}
		if err == nil {
			err = op()
		}
	})
	return err
}

func (h *faultyHub) EnsureRepo(ctx context.Context, repo string) error {
	return h.do("ensure", func() error { return h.Hub.EnsureRepo(ctx, repo) })
}

func (h *faultyHub) Head(ctx context.Context, ref hub.Ref) (sha string, err error) {
	err = h.do("head", func() (err error) { sha, err = h.Hub.Head(ctx, ref); return err })
	return sha, err
}

func (h *faultyHub) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (r io.ReadCloser, err error) {
	err = h.do("open "+path[strings.LastIndexByte(path, '/')+1:], func() (err error) {
		r, err = h.Hub.Open(ctx, ref, path, offset, length)
		return err
	})
	return r, err
}

// Upload is killed in the goroutine that refines, if that waits for it, as a
// process dies as a whole.
func (h *faultyHub) Upload(ctx context.Context, repo string, contents []hub.Source) (err error) {
	upload := func() error {
		return h.do("upload", func() error { return h.Hub.Upload(ctx, repo, contents) })
	}
	if !h.w.ahead.waits {
		return upload()
	}
	var killed any
	func() {
		defer func() { killed = recover() }()
		err = upload()
	}()
	h.w.ahead.waits, h.w.ahead.failed = false, err != nil
	h.w.ahead.done <- killed
	if killed != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// ahead makes the steps of an upload come in the same order every time: whoever
// refines waits for it.
type ahead struct {
	waits  bool
	failed bool     // nobody waits for what is sent after a failure
	done   chan any // what it was killed with
}

// finish tells of a file and waits until it is sent.
func (a *ahead) finish(finished func(contract.OutputFile), f contract.OutputFile) {
	if a.failed {
		finished(f)
		return
	}
	a.waits = true
	finished(f)
	if killed := <-a.done; killed != nil {
		panic(killed)
	}
}

func (h *faultyHub) Publish(ctx context.Context, p hub.Publication) (sha string, err error) {
	err = h.do("publish", func() (err error) { sha, err = h.Hub.Publish(ctx, p); return err })
	return sha, err
}

// sentTwice returns how often each content was received whole by a hub, of those
// that were more than once.
func sentTwice(w *devhubtest.World) map[string]int {
	times := map[string]int{}
	for _, r := range w.Server.Faults().Requests() {
		if r.Method == http.MethodPut && r.Status == http.StatusOK {
			times[r.Path]++
		}
	}
	maps.DeleteFunc(times, func(_ string, n int) bool { return n == 1 })
	return times
}

// Short names for what carries requests.
type (
	request  = *http.Request
	response = *http.Response
)

// dialThrough returns a client of the world's hub whose requests go through
// carry.
func (w *world) dialThrough(carry func(send roundTripper, r request) (response, error)) hub.Hub {
	w.t.Helper()
	return devhubtest.Dial(w.t, w.hub.Endpoint, func(o *huggingface.Options) {
		var send roundTripper = o.HTTP.Transport.RoundTrip
		o.HTTP.Transport = roundTripper(func(r request) (response, error) { return carry(send, r) })
	})
}

type roundTripper func(request) (response, error)

func (t roundTripper) RoundTrip(r request) (response, error) { return t(r) }
