package localhub_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

// churnForEver does all that changes a repository, in turns, and prints a line
// after each change. Each commit holds two files that belong together.
func churnForEver(dir string) error {
	h, err := localhub.Open(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	branch := ""
	steps := []func(i int) error{
		func(int) error { return h.EnsureRepo(ctx, repo) },
		func(i int) error { return commitPair(ctx, h, "main", i) },
		func(int) error { return h.CreateBranch(ctx, repo, "dev", "") },
		func(i int) error { return commitPair(ctx, h, "dev", i) },
		func(int) error { return h.CreateTag(ctx, repo, "v", "dev", "") },
		func(int) error {
			n, err := h.OpenPull(ctx, repo, "title", "")
			branch = fmt.Sprintf("refs/pr/%d", n)
			return err
		},
		func(i int) error { return commitPair(ctx, h, branch, i) },
		func(int) error { return h.SetSettings(ctx, repo, localhub.Settings{Private: true}) },
		func(int) error { _, err := h.Squash(ctx, repo, "dev", "squash"); return err },
		func(int) error { return h.DeleteTag(ctx, repo, "v") },
		func(int) error { return h.DeleteBranch(ctx, repo, "dev") },
		func(i int) error { return commitPair(ctx, h, "main", i) },
		func(int) error { _, err := h.Squash(ctx, repo, "main", "squash"); return err },
		func(int) error { return h.DeleteRepo(ctx, repo) },
	}
	for i := 0; ; i++ {
		// The one before may have been killed behind any of them.
		if err := steps[i%len(steps)](i); err != nil && !errors.Is(err, localhub.ErrExists) && !errors.Is(err, hub.ErrNotFound) {
			return err
		}
		fmt.Println(i)
	}
}

func commitPair(ctx context.Context, h *localhub.Hub, branch string, i int) error {
	text := fmt.Sprintf("%d of %d\n", i, os.Getpid())
	c := localhub.Change{Message: text}
	for path, text := range map[string]string{"manifest": text, "data": strings.Repeat(text, 10_000)} {
		f := source(path, text).File
		if err := h.StoreObject(ctx, f, strings.NewReader(text)); err != nil {
			return err
		}
		c.Add = append(c.Add, localhub.Entry{File: f, LFS: path == "data"})
	}
	_, err := h.Commit(ctx, repo, branch, c)
	return err
}

// Whenever a process is killed, all that refs stand on is there and whole, and
// the next goes on with what it finds.
func TestKilledAnywhere(t *testing.T) {
	dir := t.TempDir()
	kills := 24
	if testing.Short() {
		kills = 6
	}
	found := 0
	for round := range kills {
		killed(t, dir, "churn", 1+round*5%17)
		h := open(t, dir)
		if left := files(t, filepath.Join(dir, "incoming")); len(left) > 0 {
			t.Errorf("round %d: %q is left", round, left)
		}
		branches, tags, pulls, err := h.Refs(t.Context(), repo)
		if errors.Is(err, hub.ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, b := range slices.Concat(branches, tags, pulls) {
			found++
			if err := whole(t.Context(), h, b.Ref); err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if _, err := h.Settings(t.Context(), repo); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	if found == 0 {
		t.Error("no kill left a repository to look at")
	}
}

// whole checks every commit below a ref.
func whole(ctx context.Context, h *localhub.Hub, ref string) error {
	log, err := h.Log(ctx, hub.Ref{Repo: repo, Revision: ref}, 1000)
	if err != nil {
		return err
	}
	for _, c := range log {
		at := hub.Ref{Repo: repo, Revision: c.SHA}
		manifest, err := hub.ReadFile(ctx, h, at, "manifest", 100)
		if errors.Is(err, hub.ErrNotFound) && c.Parent == "" { // the first commit
			continue
		}
		if err != nil {
			return err
		}
		data, err := hub.ReadFile(ctx, h, at, "data", 1<<20)
		if err != nil {
			return err
		}
		if string(data) != strings.Repeat(string(manifest), 10_000) {
			return fmt.Errorf("files of %s do not belong together", at)
		}
	}
	return nil
}
