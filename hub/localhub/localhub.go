// Package localhub is a hub.Hub in a folder, for one machine and any number of
// processes, with what a server of the Hugging Face Hub's API needs besides.
// Contents are stored once under their SHA-256; a commit is a JSON list of its
// files, named by the hash of that JSON; a branch is a file with the sha it
// stands at, replaced under a lock. So a pinned read cannot change, and damage
// on the disk is an error, never other bytes.
//
// Layout:
//
//	objects/ab/<64 hex>                    content, by SHA-256
//	incoming/<random>                      content that is being written
//	repos/<owner>/<name>/main              sha that main stands at
//	repos/<owner>/<name>/refs/heads/<name> the same of another branch,
//	                                       refs/tags/<name> of a tag,
//	                                       refs/pr/<number> of a pull request
//	repos/<owner>/<name>/settings.json     who may read it
//	repos/<owner>/<name>/lock              held while any of these is replaced
//	repos/<owner>/<name>/commits/<40 hex>.json
package localhub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"finest/hub"
	"finest/internal/durable"
)

// Errors beside those of package hub.
var (
	// ErrExists: a repository, branch or tag of that name is there.
	ErrExists = errors.New("it exists already")
	// ErrBadRequest: what is asked for cannot be, wherever the hub stands.
	ErrBadRequest = errors.New("bad request")
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
	for _, sub := range []string{"objects", "incoming", "repos"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("open local hub: %w", err)
		}
	}
	if err := durable.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("open local hub: %w", err)
	}
	h := &Hub{dir: dir, commits: map[string]*commit{}, sound: map[string]fileID{}}
	h.sweep()
	return h, nil
}

// Head returns the sha a revision stands at. A revision is main, HEAD, the name
// of a branch or tag, a full ref such as refs/pr/1, or the sha of a commit.
func (h *Hub) Head(ctx context.Context, ref hub.Ref) (string, error) {
	sha, err := h.resolve(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("head of %s: %w", ref, err)
	}
	return sha, nil
}

// Tree lists the files under a folder. A repository without commits has none.
func (h *Hub) Tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]hub.File, error) {
	found, err := h.tree(ctx, ref, folder, most)
	if err != nil {
		return nil, fmt.Errorf("list %.200q of %s: %w", folder, ref, err)
	}
	files := make([]hub.File, 0, len(found))
	for _, f := range found {
		files = append(files, f.file())
	}
	return files, nil
}

func (h *Hub) tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]file, error) {
	if folder != "" {
		if err := validatePath(folder); err != nil {
			return nil, err
		}
	}
	_, c, err := h.at(ctx, ref)
	if err != nil {
		return nil, err
	}
	under := c.under(folder)
	if folder != "" && len(under) == 0 {
		return nil, hub.ErrNotFound
	}
	if len(under) > most {
		return nil, fmt.Errorf("more than %d files: %w", most, hub.ErrTooLarge)
	}
	return under, nil
}

// Stat describes one file.
func (h *Hub) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	f, err := h.stat(ctx, ref, path)
	if err != nil {
		return hub.File{}, fmt.Errorf("find %.200q of %s: %w", path, ref, err)
	}
	return f.file(), nil
}

func (h *Hub) stat(ctx context.Context, ref hub.Ref, path string) (file, error) {
	if err := validatePath(path); err != nil {
		return file{}, err
	}
	_, c, err := h.at(ctx, ref)
	if err != nil {
		return file{}, err
	}
	f, ok := c.find(path)
	if !ok {
		return file{}, hub.ErrNotFound
	}
	return f, nil
}

// Open reads a part of a file. The whole content is checked against its hash
// the first time this process reads it, so it fails with ErrCorrupt before the
// first wrong byte.
func (h *Hub) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	f, err := h.stat(ctx, ref, path)
	if err == nil {
		var r io.ReadCloser
		if r, err = h.openObject(ctx, f.file(), offset, length); err == nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("open %.200q of %s: %w", path, ref, err)
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
	entries := make([]Entry, 0, len(p.Add))
	for _, src := range p.Add {
		entries = append(entries, Entry{File: src.File, LFS: InLFS(src.Path, src.Size)})
	}
	add, err := h.files(ctx, entries)
	if err != nil {
		return "", err
	}
	return h.update(ctx, p.Repo, mainRef, func(head string, base *commit) (*commit, error) {
		switch {
		case base.holds(add):
			return nil, nil
		case head != p.Parent:
			return nil, moved(head, p.Parent)
		}
		return base.with(head, Change{Message: p.Message}, add)
	})
}
