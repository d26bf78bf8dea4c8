// Package localhub is a hub.Hub in a folder, for one machine and any number of
// processes. Contents are stored once under their SHA-256; a commit is a JSON
// list of its files, named by the hash of that JSON; a branch is a file with
// the sha it stands at, replaced under a lock. So a pinned read cannot change,
// and damage on the disk is an error, never other bytes.
//
// Layout:
//
//	objects/ab/<64 hex>             content, by SHA-256
//	repos/<owner>/<name>/main       sha the branch stands at; empty at first
//	repos/<owner>/<name>/lock       held while the branch is replaced
//	repos/<owner>/<name>/commits/<40 hex>.json
package localhub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"finest/hub"
	"finest/internal/durable"
)

// Hub is a hub in a folder. It holds no files open between calls.
type Hub struct {
	dir string

	mu      sync.Mutex
	commits map[string]*commit // a few that were read lately, by sha
	sound   map[string]fileID  // objects whose hash this process checked
}

var _ hub.Hub = (*Hub)(nil)

// Open opens the hub in dir, and creates it if there is none.
func Open(dir string) (*Hub, error) {
	for _, sub := range []string{"objects", "repos"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("open local hub: %w", err)
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("open local hub: %w", err)
	}
	return &Hub{dir: dir, commits: map[string]*commit{}, sound: map[string]fileID{}}, nil
}

// EnsureRepo creates the repository if it does not exist.
func (h *Hub) EnsureRepo(ctx context.Context, repo string) error {
	if err := h.ensureRepo(ctx, repo); err != nil {
		return fmt.Errorf("create repository %.100q: %w", repo, err)
	}
	return nil
}

func (h *Hub) ensureRepo(ctx context.Context, repo string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := validateRepo(repo); err != nil {
		return err
	}
	lock, err := durable.WaitLock(h.repoPath(repo, "lock"))
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := h.branch(repo); !errors.Is(err, hub.ErrNotFound) {
		return err
	}
	if err := durable.WriteBytes(h.repoPath(repo, hub.MainBranch), 0o644, nil); err != nil {
		return unavailable(err)
	}
	return nil
}

// Head returns the sha a revision stands at.
func (h *Hub) Head(ctx context.Context, ref hub.Ref) (string, error) {
	sha, err := h.resolve(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("head of %s: %w", ref, err)
	}
	return sha, nil
}

// Tree lists the files under a folder. A repository without commits has none.
func (h *Hub) Tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]hub.File, error) {
	files, err := h.tree(ctx, ref, folder, most)
	if err != nil {
		return nil, fmt.Errorf("list %.200q of %s: %w", folder, ref, err)
	}
	return files, nil
}

func (h *Hub) tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]hub.File, error) {
	if folder != "" {
		if err := validatePath(folder); err != nil {
			return nil, err
		}
		folder += "/"
	}
	c, err := h.at(ctx, ref)
	if err != nil {
		return nil, err
	}
	var under []hub.File
	for _, f := range c.Files {
		if !strings.HasPrefix(f.Path, folder) {
			continue
		}
		if len(under) >= most {
			return nil, fmt.Errorf("more than %d files", most)
		}
		under = append(under, hub.File(f))
	}
	if folder != "" && len(under) == 0 {
		return nil, hub.ErrNotFound
	}
	return under, nil
}

// Stat describes one file.
func (h *Hub) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	f, err := h.stat(ctx, ref, path)
	if err != nil {
		return hub.File{}, fmt.Errorf("find %.200q of %s: %w", path, ref, err)
	}
	return f, nil
}

func (h *Hub) stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	if err := validatePath(path); err != nil {
		return hub.File{}, err
	}
	c, err := h.at(ctx, ref)
	if err != nil {
		return hub.File{}, err
	}
	f, ok := c.find(path)
	if !ok {
		return hub.File{}, hub.ErrNotFound
	}
	return hub.File(f), nil
}

// Open reads a part of a file. The whole content is checked against its hash
// the first time this process reads it, so it fails with ErrCorrupt before the
// first wrong byte.
func (h *Hub) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	r, err := h.open(ctx, ref, path, offset, length)
	if err != nil {
		return nil, fmt.Errorf("open %.200q of %s: %w", path, ref, err)
	}
	return r, nil
}

func (h *Hub) open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	f, err := h.stat(ctx, ref, path)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > f.Size {
		return nil, fmt.Errorf("offset %d in a file of %d bytes", offset, f.Size)
	}
	if length < 0 {
		length = f.Size - offset
	}
	return h.openObject(ctx, f, offset, length)
}

// resolve returns the sha of a revision, "" for a branch without commits.
func (h *Hub) resolve(ctx context.Context, ref hub.Ref) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := validateRepo(ref.Repo); err != nil {
		return "", err
	}
	head, err := h.branch(ref.Repo)
	if err != nil || ref.Revision == hub.MainBranch {
		return head, err
	}
	if !isSHA(ref.Revision) {
		return "", hub.ErrNotFound
	}
	if _, err := h.commit(ref.Repo, ref.Revision); err != nil {
		return "", err
	}
	return ref.Revision, nil
}

// at returns the commit of a revision, an empty one for a branch without.
func (h *Hub) at(ctx context.Context, ref hub.Ref) (*commit, error) {
	sha, err := h.resolve(ctx, ref)
	if err != nil || sha == "" {
		return &commit{}, err
	}
	return h.commit(ref.Repo, sha)
}

// branch returns what main stands at, or ErrNotFound without the repository.
func (h *Hub) branch(repo string) (string, error) {
	raw, err := os.ReadFile(h.repoPath(repo, hub.MainBranch))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", hub.ErrNotFound
	case err != nil:
		return "", unavailable(err)
	case len(raw) > 0 && !isSHA(string(raw)):
		return "", fmt.Errorf("branch %s: %w", hub.MainBranch, hub.ErrCorrupt)
	}
	return string(raw), nil
}

// Upload stores contents under their hashes.
func (h *Hub) Upload(ctx context.Context, repo string, contents []hub.Source) error {
	if err := h.upload(ctx, repo, contents); err != nil {
		return fmt.Errorf("upload to %.100q: %w", repo, err)
	}
	return nil
}

func (h *Hub) upload(ctx context.Context, repo string, contents []hub.Source) error {
	if _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch}); err != nil {
		return err
	}
	for _, src := range contents {
		if err := validateSource(src); err != nil {
			return err
		}
		if err := h.store(ctx, src); err != nil {
			return fmt.Errorf("%.200q: %w", src.Path, err)
		}
	}
	return nil
}

// Publish makes one commit. Contents are stored first; the commit exists once
// the branch is replaced, so a kill at any moment leaves the old one or the new.
func (h *Hub) Publish(ctx context.Context, p hub.Publication) (string, error) {
	sha, err := h.publish(ctx, p)
	if err != nil {
		return "", fmt.Errorf("publish to %.100q: %w", p.Repo, err)
	}
	return sha, nil
}

func (h *Hub) publish(ctx context.Context, p hub.Publication) (string, error) {
	if err := validatePublication(p); err != nil {
		return "", err
	}
	if err := h.upload(ctx, p.Repo, p.Add); err != nil {
		return "", err
	}
	lock, err := durable.WaitLock(h.repoPath(p.Repo, "lock"))
	if err != nil {
		return "", unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	head, err := h.resolve(ctx, hub.Ref{Repo: p.Repo, Revision: hub.MainBranch})
	if err != nil {
		return "", err
	}
	base := &commit{}
	if head != "" {
		if base, err = h.commit(p.Repo, head); err != nil {
			return "", err
		}
	}
	if base.holds(p.Add) {
		return head, nil
	}
	if head != p.Parent {
		return "", fmt.Errorf("it stands at %q, not at %q: %w", head, p.Parent, hub.ErrConflict)
	}
	next, err := base.with(p)
	if err != nil {
		return "", err
	}
	return h.advance(p.Repo, next)
}

// advance stores a commit and moves the branch to it; the lock is held.
func (h *Hub) advance(repo string, next *commit) (string, error) {
	sha, raw, err := next.encode()
	if err != nil {
		return "", err
	}
	if err := durable.WriteBytes(h.commitPath(repo, sha), 0o644, raw); err != nil {
		return "", unavailable(err)
	}
	if err := durable.WriteBytes(h.repoPath(repo, hub.MainBranch), 0o644, []byte(sha)); err != nil {
		return "", unavailable(err)
	}
	return sha, nil
}

func (h *Hub) repoPath(repo string, elem ...string) string {
	return filepath.Join(slices.Concat([]string{h.dir, "repos", filepath.FromSlash(repo)}, elem)...)
}

func (h *Hub) commitPath(repo, sha string) string {
	return h.repoPath(repo, "commits", sha+".json")
}

// unavailable marks an error of the file system: later it may work.
func unavailable(err error) error { return errors.Join(hub.ErrUnavailable, err) }
