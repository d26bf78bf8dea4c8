package localhub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/durable"
)

// Settings say who may read a repository. The folder's owner reads all of them;
// a server has to heed them.
type Settings struct {
	Private bool `json:"private"`
	// Gated is "" for everybody, "auto" or "manual" for those who asked.
	Gated string `json:"gated"`
}

func (s Settings) validate() error {
	if !slices.Contains([]string{"", "auto", "manual"}, s.Gated) {
		return badRequest("gated is %.60q, not \"auto\" or \"manual\"", s.Gated)
	}
	return nil
}

// The first commit of a repository, as the Hugging Face Hub makes it.
const (
	initialMessage = "initial commit"
	gitAttributes  = "*.parquet filter=lfs diff=lfs merge=lfs -text\n"
)

// EnsureRepo creates the repository if it does not exist.
func (h *Hub) EnsureRepo(ctx context.Context, repo string) error {
	if _, err := h.CreateRepo(ctx, repo, Settings{}); err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// CreateRepo creates a repository whose first commit holds .gitattributes. It
// is ErrExists if there is one of that name.
func (h *Hub) CreateRepo(ctx context.Context, repo string, s Settings) (string, error) {
	sha, err := h.createRepo(ctx, repo, s)
	if err != nil {
		return "", fmt.Errorf("create repository %.100q: %w", repo, err)
	}
	return sha, nil
}

func (h *Hub) createRepo(ctx context.Context, repo string, s Settings) (string, error) {
	switch _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); {
	case err == nil:
		return "", ErrExists
	case !errors.Is(err, hub.ErrNotFound):
		return "", err
	}
	if err := s.validate(); err != nil {
		return "", err
	}
	attributes := hub.Bytes(".gitattributes", []byte(gitAttributes))
	if err := h.store(ctx, attributes); err != nil {
		return "", err
	}
	f, err := h.file(ctx, Entry{File: attributes.File})
	if err != nil {
		return "", err
	}
	lock, err := durable.WaitLock(h.repoPath(repo, lockName))
	if err != nil {
		return "", unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	switch _, err := h.readRef(repo, mainRef); {
	case err == nil:
		return "", ErrExists
	case !errors.Is(err, hub.ErrNotFound):
		return "", err
	}
	if err := h.empty(repo); err != nil { // what a deletion left that was killed
		return "", err
	}
	if err := h.writeSettings(repo, s); err != nil {
		return "", err
	}
	return h.advance(repo, mainRef, &commit{Message: initialMessage, Files: []file{f}})
}

// DeleteRepo deletes a repository with its commits. Contents stay in the
// folder: other repositories may have the same.
func (h *Hub) DeleteRepo(ctx context.Context, repo string) error {
	err := h.locked(ctx, repo, func() error {
		if err := os.Remove(h.repoPath(repo, hub.MainBranch)); err != nil {
			return unavailable(err)
		}
		if err := durable.SyncDir(h.repoPath(repo)); err != nil {
			return unavailable(err)
		}
		return h.empty(repo)
	})
	if err != nil {
		return fmt.Errorf("delete repository %.100q: %w", repo, err)
	}
	return nil
}

// empty removes all that is in a repository's folder but its lock, on which
// others may be waiting.
func (h *Hub) empty(repo string) error {
	entries, err := os.ReadDir(h.repoPath(repo))
	if err != nil {
		return unavailable(err)
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(h.repoPath(repo, e.Name())); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(durable.SyncDir(h.repoPath(repo)))
}

// Settings returns a repository's settings.
func (h *Hub) Settings(ctx context.Context, repo string) (Settings, error) {
	s, err := h.readSettings(ctx, repo)
	if err != nil {
		return Settings{}, fmt.Errorf("settings of %.100q: %w", repo, err)
	}
	return s, nil
}

func (h *Hub) readSettings(ctx context.Context, repo string) (s Settings, err error) {
	if _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); err != nil {
		return Settings{}, err
	}
	raw, err := os.ReadFile(h.repoPath(repo, settingsName))
	if errors.Is(err, fs.ErrNotExist) { // made before there were settings
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, unavailable(err)
	}
	if err := canon.Unmarshal(raw, &s); err != nil || s.validate() != nil {
		return Settings{}, fmt.Errorf("%s: %w", settingsName, hub.ErrCorrupt)
	}
	return s, nil
}

// SetSettings changes a repository's settings.
func (h *Hub) SetSettings(ctx context.Context, repo string, s Settings) error {
	err := s.validate()
	if err == nil {
		err = h.locked(ctx, repo, func() error { return h.writeSettings(repo, s) })
	}
	if err != nil {
		return fmt.Errorf("change settings of %.100q: %w", repo, err)
	}
	return nil
}

func (h *Hub) writeSettings(repo string, s Settings) error {
	raw, err := canon.Marshal(s)
	if err != nil {
		return err
	}
	return unavailable(durable.WriteBytes(h.repoPath(repo, settingsName), 0o644, raw))
}

// Names in a repository's folder, beside main, commits and refs.
const (
	lockName     = "lock"
	settingsName = "settings.json"
)

// locked calls change while no other process changes the repository, which must
// exist.
func (h *Hub) locked(ctx context.Context, repo string, change func() error) error {
	if _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); err != nil {
		return err
	}
	lock, err := durable.WaitLock(h.repoPath(repo, lockName))
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	// It may have been deleted, or ctx ended, while others held the lock.
	if _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); err != nil {
		return err
	}
	return change()
}

func (h *Hub) repoPath(repo string, elem ...string) string {
	return filepath.Join(slices.Concat([]string{h.dir, "repos", filepath.FromSlash(repo)}, elem)...)
}

func (h *Hub) commitPath(repo, sha string) string {
	return h.repoPath(repo, "commits", commitName(sha))
}

func commitName(sha string) string { return sha + ".json" }

// writeCommit stores a commit and returns its sha.
func (h *Hub) writeCommit(repo string, c *commit) (string, error) {
	sha, raw, err := c.encode()
	if err != nil {
		return "", err
	}
	return sha, unavailable(durable.WriteBytes(h.commitPath(repo, sha), 0o644, raw))
}

// unavailable marks an error of the file system: later it may work.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(hub.ErrUnavailable, err)
}
