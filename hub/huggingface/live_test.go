package huggingface_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
)

// TestLiveHub publishes to the real Hub, in a private dataset of its own that it
// deletes again:
//
//	FINEST_LIVE_HUB=1 HF_TOKEN=hf_… go test ./hub/huggingface -run '^TestLiveHub$' -v -count=1
//
// The token needs write access; it may be in the file where the official clients
// keep it. HF_ENDPOINT names another hub, such as one of `finest hub serve`.
func TestLiveHub(t *testing.T) {
	if os.Getenv("FINEST_LIVE_HUB") != "1" {
		t.Skip("FINEST_LIVE_HUB is not 1")
	}
	token, err := huggingface.FindToken(os.Getenv)
	if err != nil || token == "" {
		t.Fatalf("no token: set HF_TOKEN (%v)", err)
	}
	smoke(t, os.Getenv("HF_ENDPOINT"), token)
}

// The development hub passes what the real one is asked.
func TestLiveHubOnDevhub(t *testing.T) {
	smoke(t, devhubtest.Serve(t).Endpoint, devhubtest.Token)
}

// smoke publishes, pulls, verifies and deletes.
func smoke(t *testing.T, endpoint, token string) {
	c, err := huggingface.New(huggingface.Options{Endpoint: endpoint, Token: token, UserAgent: "finest/test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	user, err := c.WhoAmI(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if user.Role == "read" {
		t.Fatal("the token may only read")
	}
	repo := user.Name + "/finest-smoke-" + strings.ToLower(rand.Text()[:10])
	if err := c.CreateRepo(ctx, repo, true); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s/datasets/%s", c.Endpoint(), repo)
	t.Cleanup(func() { deleteRepo(t, c, repo) })

	body := make([]byte, 12<<20) // large enough for several parts
	_, _ = rand.Read(body)
	first := headOf(t, c, repo)
	add := []hub.Source{
		hub.Bytes("data/large.parquet", body),
		hub.Bytes("data/small.parquet", body[:1000]),
		hub.Bytes("README.md", []byte("---\nlicense: odc-by\n---\n# Smoke test, to be deleted\n")),
		hub.Bytes("empty", nil),
		hub.Bytes("a b/ä+%20#.txt", []byte("odd name")),
		hub.Bytes("log.jsonl", []byte("a line\n")),
	}
	if err := c.Upload(ctx, repo, add[:1]); err != nil {
		t.Fatalf("upload ahead: %v", err)
	}
	p := hub.Publication{Repo: repo, Message: "Smoke test", Parent: first, Add: add}
	sha, err := c.Publish(ctx, p)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	verify(t, c, hub.Ref{Repo: repo, Revision: sha}, add)

	for name, parent := range map[string]string{"old": first, "new": sha} {
		p.Parent = parent
		if again, err := c.Publish(ctx, p); err != nil || again != sha {
			t.Errorf("publish again on the %s parent: %s, %v, want %s", name, again, err, sha)
		}
	}
	if _, err := c.Publish(ctx, hub.Publication{Repo: repo, Message: "m", Parent: first, Add: []hub.Source{hub.Bytes("x", []byte("1"))}}); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("publish on a stale parent: %v", err)
	}
	if head := headOf(t, c, repo); head != sha {
		t.Errorf("the head is %s, want %s", head, sha)
	}
	next, err := c.Publish(ctx, hub.Publication{Repo: repo, Message: "Another line", Parent: sha, Add: []hub.Source{hub.Bytes("log.jsonl", []byte("a line\nanother\n"))}})
	if err != nil || next == sha {
		t.Errorf("publish another line: %s, %v", next, err)
	}
	verify(t, c, hub.Ref{Repo: repo, Revision: sha}, add) // a commit stays as it is
	smokePull(t, c, repo, next)

	anonymous, err := huggingface.New(huggingface.Options{Endpoint: endpoint, UserAgent: "finest/test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := anonymous.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a stranger sees the private repository: %v", err)
	}
}

// verify reads what was published and compares it.
func verify(t *testing.T, c *huggingface.Client, ref hub.Ref, add []hub.Source) {
	t.Helper()
	listed, err := c.Tree(t.Context(), ref, "", 100)
	if err != nil {
		t.Error(err)
	}
	for _, src := range add {
		i := slices.IndexFunc(listed, func(f hub.File) bool { return f.Path == src.Path })
		if i < 0 || listed[i].Size != src.Size || listed[i].SHA256 != "" && listed[i].SHA256 != src.SHA256 {
			t.Errorf("%s of %s is not listed as it is: %v", src.Path, ref, listed)
		}
		if f, err := c.Stat(t.Context(), ref, src.Path); err != nil || f != src.File {
			t.Errorf("%s of %s is %v, %v, want %v", src.Path, ref, f, err, src.File)
		}
		for _, span := range [][2]int64{{0, src.Size}, {src.Size / 3, src.Size / 2}} {
			want := make([]byte, span[1])
			if err := readAt(src, want, span[0]); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t.Context(), c, ref, src.Path, span[0], span[1]); err != nil || got != string(want) {
				t.Errorf("%d bytes from %d of %s differ: %v", span[1], span[0], src.Path, err)
			}
		}
	}
}

func readAt(src hub.Source, p []byte, off int64) error {
	content, err := src.Open()
	if err != nil {
		return err
	}
	_, err = io.ReadFull(io.NewSectionReader(content, off, int64(len(p))), p)
	return errors.Join(err, content.Close())
}

// smokePull publishes to a pull request and leaves main as it is.
func smokePull(t *testing.T, c *huggingface.Client, repo, head string) {
	t.Helper()
	ctx := t.Context()
	num, err := c.OpenPull(ctx, repo, "Smoke test", "To be deleted")
	if err != nil {
		t.Errorf("open a pull request: %v", err)
		return
	}
	ref := hub.Ref{Repo: repo, Revision: fmt.Sprintf("refs/pr/%d", num)}
	parent, err := c.Head(ctx, ref)
	if err != nil {
		t.Error(err)
		return
	}
	add := []hub.Source{hub.Bytes("data/pull.parquet", []byte("in a pull request"))}
	sha, err := c.PublishTo(ctx, ref.Revision, hub.Publication{Repo: repo, Message: "Smoke test", Parent: parent, Add: add})
	if err != nil {
		t.Errorf("publish to a pull request: %v", err)
		return
	}
	verify(t, c, hub.Ref{Repo: repo, Revision: sha}, add)
	if got := headOf(t, c, repo); got != head {
		t.Errorf("the pull request moved main from %s to %s", head, got)
	}
}

func deleteRepo(t *testing.T, c *huggingface.Client, repo string) {
	ctx := context.Background() // the test's has ended
	if err := c.DeleteRepo(ctx, repo); err != nil {
		t.Errorf("delete it by hand: %v", err)
	}
	if _, err := c.Head(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("head of the deleted repository: %v", err)
	}
}
