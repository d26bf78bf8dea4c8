package localhub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"finest/hub"
	"finest/internal/durable"
)

// CreateBranch creates a branch at a revision, "" for main. It is ErrExists if
// there is one of that name.
func (h *Hub) CreateBranch(ctx context.Context, repo, name, from string) error {
	if err := h.createRef(ctx, repo, heads+name, cmp.Or(from, hub.MainBranch)); err != nil {
		return fmt.Errorf("create branch %.200q of %.100q: %w", name, repo, err)
	}
	return nil
}

// CreateTag creates a tag at a revision, "" for main. It is ErrExists if there
// is one of that name. The message is not kept: the Hub shows none either.
func (h *Hub) CreateTag(ctx context.Context, repo, name, rev, message string) error {
	err := validateMessage(message)
	if err == nil {
		err = h.createRef(ctx, repo, tags+name, cmp.Or(rev, hub.MainBranch))
	}
	if err != nil {
		return fmt.Errorf("create tag %.200q of %.100q: %w", name, repo, err)
	}
	return nil
}

// DeleteBranch deletes a branch other than main. Its commits stay readable by
// their shas until the next Squash.
func (h *Hub) DeleteBranch(ctx context.Context, repo, name string) error {
	if err := h.deleteRef(ctx, repo, heads+name); err != nil {
		return fmt.Errorf("delete branch %.200q of %.100q: %w", name, repo, err)
	}
	return nil
}

// DeleteTag deletes a tag.
func (h *Hub) DeleteTag(ctx context.Context, repo, name string) error {
	if err := h.deleteRef(ctx, repo, tags+name); err != nil {
		return fmt.Errorf("delete tag %.200q of %.100q: %w", name, repo, err)
	}
	return nil
}

func (h *Hub) createRef(ctx context.Context, repo, ref, rev string) error {
	if _, err := h.refPath(repo, ref); err != nil {
		return err
	}
	return h.locked(ctx, repo, func() error {
		sha, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: rev})
		if err != nil {
			return fmt.Errorf("revision %.200q: %w", rev, err)
		}
		switch _, err := h.readRef(repo, ref); {
		case err == nil:
			return ErrExists
		case !errors.Is(err, hub.ErrNotFound):
			return err
		}
		return h.writeRef(repo, ref, sha)
	})
}

func (h *Hub) deleteRef(ctx context.Context, repo, ref string) error {
	path, err := h.refPath(repo, ref)
	if err != nil {
		return err
	}
	if ref == mainRef {
		return badRequest("%s cannot be deleted", hub.MainBranch)
	}
	return h.locked(ctx, repo, func() error {
		if _, err := h.readRef(repo, ref); errors.Is(err, hub.ErrNotFound) {
			return err
		}
		if err := os.Remove(path); err != nil {
			return unavailable(err)
		}
		return unavailable(durable.SyncDir(filepath.Dir(path)))
	})
}

// OpenPull opens a pull request: refs/pr/N at the head of main. Title and
// description are checked but not kept.
func (h *Hub) OpenPull(ctx context.Context, repo, title, description string) (int, error) {
	number, err := h.openPull(ctx, repo, title, description)
	if err != nil {
		return 0, fmt.Errorf("open pull request in %.100q: %w", repo, err)
	}
	return number, nil
}

func (h *Hub) openPull(ctx context.Context, repo, title, description string) (number int, err error) {
	if err := validateMessage(title, description); err != nil {
		return 0, err
	}
	err = h.locked(ctx, repo, func() error {
		head, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
		if err != nil {
			return err
		}
		open, err := h.refsOf(repo, pulls)
		if err != nil {
			return err
		}
		for _, p := range open {
			number = max(number, pullNumber(p.Ref))
		}
		number++
		return h.writeRef(repo, pulls+strconv.Itoa(number), head)
	})
	return number, err
}
