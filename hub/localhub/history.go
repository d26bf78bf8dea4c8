package localhub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"finest/hub"
	"finest/internal/durable"
)

// Commit is one commit of a repository. Date is when this folder got it; it is
// not part of what the sha names.
type Commit struct {
	SHA, Parent          string
	Message, Description string
	Date                 time.Time
}

// Log lists the commits that a revision stands on, newest first, at most most
// of them.
func (h *Hub) Log(ctx context.Context, ref hub.Ref, most int) ([]Commit, error) {
	log, err := h.log(ctx, ref, most)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", ref, err)
	}
	return log, nil
}

func (h *Hub) log(ctx context.Context, ref hub.Ref, most int) ([]Commit, error) {
	head, _, err := h.at(ctx, ref)
	if err != nil {
		return nil, err
	}
	var log []Commit
	for sha := head; sha != "" && len(log) < most; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, date, err := h.datedCommit(ref.Repo, sha)
		if errors.Is(err, hub.ErrNotFound) {
			return nil, h.brokenOff(ref.Repo, head, sha)
		}
		if err != nil {
			return nil, err
		}
		log = append(log, Commit{SHA: sha, Parent: c.Parent, Message: c.Message, Description: c.Description, Date: date})
		sha = c.Parent
	}
	return log, nil
}

// brokenOff tells a history that was squashed meanwhile from a damaged one.
func (h *Hub) brokenOff(repo, head, missing string) error {
	if _, err := h.commit(repo, head); err != nil {
		return err
	}
	return fmt.Errorf("commit %s is gone: %w", missing, hub.ErrCorrupt)
}

// Squash replaces the history of a branch or pull request by one commit with
// the same files. Commits that no branch, tag or pull request stands on then are
// not found any more.
func (h *Hub) Squash(ctx context.Context, repo, branch, message string) (string, error) {
	sha, err := h.squash(ctx, repo, branch, message)
	if err != nil {
		return "", fmt.Errorf("squash %.200q of %.100q: %w", branch, repo, err)
	}
	return sha, nil
}

func (h *Hub) squash(ctx context.Context, repo, branch, message string) (sha string, err error) {
	if err := validateMessage(message); err != nil {
		return "", err
	}
	ref, err := branchRef(branch)
	if err != nil {
		return "", err
	}
	err = h.locked(ctx, repo, func() error {
		_, base, err := h.at(ctx, hub.Ref{Repo: repo, Revision: ref})
		if err != nil {
			return err
		}
		if sha, err = h.advance(repo, ref, &commit{Message: message, Files: base.Files}); err != nil {
			return err
		}
		return h.prune(ctx, repo)
	})
	return sha, err
}

// prune removes the commits that no ref stands on.
func (h *Hub) prune(ctx context.Context, repo string) error {
	kept, err := h.reachable(ctx, repo)
	if err != nil {
		return err
	}
	folder := filepath.Dir(h.commitPath(repo, ""))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return unavailable(err)
	}
	for _, e := range entries {
		if kept[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(durable.SyncDir(folder))
}

// reachable returns the names of the files of the commits that refs stand on.
func (h *Hub) reachable(ctx context.Context, repo string) (map[string]bool, error) {
	branches, tagged, requests, err := h.refs(ctx, repo)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, b := range slices.Concat(branches, tagged, requests) {
		for sha := b.SHA; sha != "" && !names[commitName(sha)]; {
			c, err := h.commit(repo, sha)
			if errors.Is(err, hub.ErrNotFound) { // nobody prunes meanwhile
				err = fmt.Errorf("commit %s is gone: %w", sha, hub.ErrCorrupt)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.Ref, err)
			}
			names[commitName(sha)] = true
			sha = c.Parent
		}
	}
	return names, nil
}
