package huggingface_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
	"finest/hub/localhub"
)

func TestWhoAmI(t *testing.T) {
	w := devhubtest.Serve(t)
	u, err := devhubtest.Dial(t, w.Endpoint).WhoAmI(t.Context())
	if err != nil || u.Name != "tester" || u.Type != "user" || u.Role != "write" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := devhubtest.Dial(t, w.Endpoint, anonymous).WhoAmI(t.Context()); !errors.Is(err, hub.ErrDenied) {
		t.Errorf("without a token: %v", err)
	}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: says(200,
		`{"type":"user","name":"me","orgs":[{"name":"one"},{"name":"two"}],"auth":{"accessToken":{"role":"fineGrained"}}}`)})
	if u, err := n.client(endpoint).WhoAmI(t.Context()); err != nil || fmt.Sprint(u) != "{me user [one two] fineGrained}" {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestRepositories creates, describes and deletes.
func TestRepositories(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if _, err := c.Info(ctx, repo); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("describing what is not there: %v", err)
	}
	if err := c.DeleteRepo(ctx, repo); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("deleting what is not there: %v", err)
	}
	if err := c.EnsureRepo(ctx, repo); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureRepo(ctx, repo); err != nil {
		t.Errorf("ensuring again: %v", err)
	}
	if err := c.CreateRepo(ctx, repo, false); !errors.Is(err, huggingface.ErrExists) {
		t.Errorf("creating again: %v", err)
	}
	info, err := c.Info(ctx, repo)
	head, headErr := c.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err := errors.Join(err, headErr); err != nil || info != (huggingface.Info{SHA: head}) || head == "" {
		t.Errorf("%+v at %q, %v", info, head, err)
	}
	if err := c.DeleteRepo(ctx, repo); err != nil {
		t.Error(err)
	}
	if _, err := c.Info(ctx, repo); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("describing what was deleted: %v", err)
	}
}

// A repository may appear between the question and the creation.
func TestEnsureInARace(t *testing.T) {
	w := devhubtest.Serve(t)
	w.Server.Faults().Reply(devhub.Match{Method: "GET", Path: "/api/datasets/"}, 1, 404, http.Header{"X-Error-Code": {"RepoNotFound"}}, "")
	c := devhubtest.Dial(t, w.Endpoint)
	if _, err := w.Store.CreateRepo(t.Context(), "tester/data", localhub.Settings{}); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureRepo(t.Context(), "tester/data"); err != nil {
		t.Error(err)
	}
	// One whose reply is lost exists all the same.
	w.Server.Faults().Drop(devhub.Match{Method: "POST", Path: "/api/repos/create"}, 1)
	if err := c.EnsureRepo(t.Context(), "tester/other"); err != nil {
		t.Error(err)
	}
}

// TestClosedRepositories is who may read what.
func TestClosedRepositories(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	owner := devhubtest.Dial(t, w.Endpoint)
	if err := owner.CreateRepo(ctx, "tester/private", true); err != nil {
		t.Fatal(err)
	}
	if err := owner.CreateRepo(ctx, "tester/gated", false); err != nil {
		t.Fatal(err)
	}
	if err := w.Store.SetSettings(ctx, "tester/gated", localhub.Settings{Gated: "manual"}); err != nil {
		t.Fatal(err)
	}
	for _, repo := range []string{"tester/private", "tester/gated"} {
		head, err := owner.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
		if err != nil {
			t.Fatal(err)
		}
		publish(ctx, t, owner, repo, head, map[string]string{"f": "secret", "g.parquet": text(5000)})
	}
	stranger := func(o *huggingface.Options) { o.Token = "hf_stranger" }
	for name, c := range map[string]struct {
		repo   string
		reader *huggingface.Client
		want   error
	}{
		"private, its owner": {"tester/private", owner, nil},
		"private, nobody":    {"tester/private", devhubtest.Dial(t, w.Endpoint, anonymous), hub.ErrNotFound},
		"gated, its owner":   {"tester/gated", owner, nil},
		"gated, nobody":      {"tester/gated", devhubtest.Dial(t, w.Endpoint, anonymous), hub.ErrDenied},
		"gated, a stranger":  {"tester/gated", devhubtest.Dial(t, w.Endpoint, stranger), hub.ErrDenied},
	} {
		for _, path := range []string{"f", "g.parquet"} {
			ref := hub.Ref{Repo: c.repo, Revision: hub.MainBranch}
			_, stat := c.reader.Stat(ctx, ref, path)
			_, open := read(ctx, c.reader, ref, path, 0, -1)
			for _, err := range []error{stat, open} {
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("%s, %s: %v, want %v", name, path, err, c.want)
				}
			}
		}
	}
	info, err := owner.Info(ctx, "tester/gated")
	if err != nil || info.Gated != "manual" || info.Private {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err = owner.Info(ctx, "tester/private"); err != nil || info.Gated != "" || !info.Private {
		t.Errorf("%+v, %v", info, err)
	}
}

// publish makes a commit of files and returns its sha.
func publish(ctx context.Context, t *testing.T, c *huggingface.Client, repo, parent string, files map[string]string) string {
	t.Helper()
	p := hub.Publication{Repo: repo, Message: "m", Parent: parent}
	for path, body := range files {
		p.Add = append(p.Add, hub.Bytes(path, []byte(body)))
	}
	sha, err := c.Publish(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// TestRefs names branches, tags and pull requests, and reads at each.
func TestRefs(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if err := c.EnsureRepo(ctx, repo); err != nil {
		t.Fatal(err)
	}
	at := func(revision string) hub.Ref { return hub.Ref{Repo: repo, Revision: revision} }
	first, err := c.Head(ctx, at(hub.MainBranch))
	if err != nil {
		t.Fatal(err)
	}
	second := publish(ctx, t, c, repo, first, map[string]string{"f": "1"})
	for _, err := range []error{
		c.CreateBranch(ctx, repo, "old", first),
		c.CreateBranch(ctx, repo, "a/b%2F#ä", ""),
		w.Store.CreateTag(ctx, repo, "v1", second, "first"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	number, err := c.OpenPull(ctx, repo, "more", "of it")
	if err != nil || number != 1 {
		t.Fatalf("pull request %d, %v", number, err)
	}
	refs, err := c.Refs(ctx, repo)
	var names []string
	for _, b := range slices.Concat(refs.Branches, refs.Tags, refs.Pulls) {
		names = append(names, b.Ref+" "+map[string]string{first: "first", second: "second"}[b.SHA])
	}
	slices.Sort(names)
	want := []string{"refs/heads/a/b%2F#ä second", "refs/heads/main second", "refs/heads/old first", "refs/pr/1 second", "refs/tags/v1 second"}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v, want %q", names, err, want)
	}
	for revision, want := range map[string]string{"old": first, "a/b%2F#ä": second, "v1": second, "refs/pr/1": second, "refs/heads/main": second} {
		if sha, err := c.Head(ctx, at(revision)); err != nil || sha != want {
			t.Errorf("head of %q is %q, %v, want %q", revision, sha, err, want)
		}
	}
	if got, err := read(ctx, c, at("refs/pr/1"), "f", 0, -1); err != nil || got != "1" {
		t.Errorf("%q, %v", got, err)
	}
	if err := c.CreateBranch(ctx, repo, "old", ""); !errors.Is(err, huggingface.ErrExists) {
		t.Errorf("creating a branch again: %v", err)
	}
	if err := c.DeleteBranch(ctx, repo, "old"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{c.DeleteBranch(ctx, repo, "old"), c.CreateBranch(ctx, repo, "new", strings.Repeat("0", 40))} {
		if !errors.Is(err, hub.ErrNotFound) {
			t.Errorf("a branch that is not there: %v", err)
		}
	}
}

// A commit is read for ever, until somebody rewrites the history.
func TestPins(t *testing.T) {
	ctx, w := t.Context(), devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/data"
	if err := c.EnsureRepo(ctx, repo); err != nil {
		t.Fatal(err)
	}
	first, err := c.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	old := publish(ctx, t, c, repo, first, map[string]string{"f.parquet": text(3000), "g": "one"})
	publish(ctx, t, c, repo, old, map[string]string{"f.parquet": text(4000), "g": "two"})
	ref := hub.Ref{Repo: repo, Revision: old}
	if got, err := read(ctx, c, ref, "f.parquet", 0, -1); err != nil || got != text(3000) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := read(ctx, c, ref, "g", 0, -1); err != nil || got != "one" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := w.Store.Squash(ctx, repo, hub.MainBranch, "one commit"); err != nil {
		t.Fatal(err)
	}
	_, head := c.Head(ctx, ref)
	_, tree := c.Tree(ctx, ref, "", 10)
	_, open := c.Open(ctx, ref, "g", 0, -1)
	_, stat := c.Stat(ctx, ref, "g")
	for _, err := range []error{head, tree, open, stat} {
		if !errors.Is(err, hub.ErrNotFound) || !strings.Contains(err.Error(), "RevisionNotFound") {
			t.Errorf("after the history was rewritten: %v", err)
		}
	}
}

// Replies about refs that make no sense are not taken.
func TestStrangeRefs(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		reply string
		call  func(*huggingface.Client) error
	}{
		"a commit that is none":    {`{"branches":[{"name":"main","ref":"refs/heads/main","targetCommit":"x"}]}`, func(c *huggingface.Client) error { _, err := c.Refs(ctx, "o/n"); return err }},
		"a repository's":           {`{"sha":"x"}`, func(c *huggingface.Client) error { _, err := c.Info(ctx, "o/n"); return err }},
		"a request without number": {`{}`, func(c *huggingface.Client) error { _, err := c.OpenPull(ctx, "o/n", "t", ""); return err }},
	} {
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: says(200, c.reply)})
		if err := c.call(n.client(endpoint)); !errors.Is(err, hub.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
