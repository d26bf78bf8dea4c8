package miner_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"finest/hub"
	"finest/internal/canon"
)

// memoryHub keeps repositories in memory.
type memoryHub struct {
	commits map[string][]*commit // by repository, oldest first
}

type commit struct {
	sha, parent, message string
	files                map[string][]byte
}

func (h *memoryHub) EnsureRepo(_ context.Context, repo string) error {
	if _, ok := h.commits[repo]; !ok {
		h.commits[repo] = nil
	}
	return nil
}

func (h *memoryHub) head(repo string) *commit {
	if all := h.commits[repo]; len(all) > 0 {
		return all[len(all)-1]
	}
	return &commit{}
}

func (h *memoryHub) Head(_ context.Context, ref hub.Ref) (string, error) {
	if _, ok := h.commits[ref.Repo]; !ok || ref.Revision != hub.MainBranch {
		return "", hub.ErrNotFound
	}
	return h.head(ref.Repo).sha, nil
}

func (h *memoryHub) file(ref hub.Ref, path string) ([]byte, error) {
	for _, c := range h.commits[ref.Repo] {
		if content, ok := c.files[path]; ok && c.sha == ref.Revision {
			return content, nil
		}
	}
	return nil, fmt.Errorf("%s of %s: %w", path, ref, hub.ErrNotFound)
}

func (h *memoryHub) Stat(_ context.Context, ref hub.Ref, path string) (hub.File, error) {
	content, err := h.file(ref, path)
	return hub.File{Path: path, Size: int64(len(content)), SHA256: canon.Sum(content)}, err
}

func (h *memoryHub) Open(_ context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	content, err := h.file(ref, path)
	if length < 0 {
		length = int64(len(content)) - offset
	}
	if err != nil || offset+length > int64(len(content)) {
		return nil, errors.Join(err, hub.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(content[offset : offset+length])), nil
}

func (h *memoryHub) Tree(context.Context, hub.Ref, string, int) ([]hub.File, error) {
	return nil, errors.New("no miner needs the tree")
}

func (h *memoryHub) Upload(context.Context, string, []hub.Source) error { return nil }

func (h *memoryHub) Publish(_ context.Context, p hub.Publication) (string, error) {
	head := h.head(p.Repo)
	files := maps.Clone(head.files)
	if files == nil {
		files = map[string][]byte{}
	}
	same := true
	for _, s := range p.Add {
		r, err := s.Open()
		if err != nil {
			return "", err
		}
		content, err := io.ReadAll(io.NewSectionReader(r, 0, s.Size))
		if err := errors.Join(err, r.Close()); err != nil {
			return "", err
		}
		if int64(len(content)) != s.Size || canon.Sum(content) != s.SHA256 {
			return "", fmt.Errorf("%s: %w", s.Path, hub.ErrCorrupt)
		}
		same = same && files[s.Path] != nil && bytes.Equal(files[s.Path], content)
		files[s.Path] = content
	}
	if same {
		return head.sha, nil
	}
	if head.sha != p.Parent {
		return "", hub.ErrConflict
	}
	c := &commit{parent: p.Parent, message: p.Message, files: files}
	text := p.Parent + p.Message
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text += path + canon.Sum(files[path])
	}
	c.sha = fmt.Sprintf("%x", sha1.Sum([]byte(text)))
	h.commits[p.Repo] = append(h.commits[p.Repo], c)
	return c.sha, nil
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

func (h *faultyHub) Publish(ctx context.Context, p hub.Publication) (sha string, err error) {
	err = h.do("publish", func() (err error) { sha, err = h.Hub.Publish(ctx, p); return err })
	return sha, err
}
