package localhub

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"finest/hub"
	"finest/internal/canon"
)

// commit is one state of a repository.
type commit struct {
	Parent  string `json:"parent"`
	Message string `json:"message"`
	Files   []file `json:"files"` // in path order
}

// file is hub.File as a commit's JSON holds it.
type file struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// shaDigits is the length of a commit's name, as Git has it.
const shaDigits = 40

// encode returns the commit's JSON and its name: the first 160 bits of the
// JSON's SHA-256.
func (c *commit) encode() (sha string, raw []byte, err error) {
	raw, err = canon.Marshal(c)
	if err != nil {
		return "", nil, fmt.Errorf("encode commit: %w", err)
	}
	return canon.Sum(raw)[:shaDigits], raw, nil
}

func (c *commit) find(path string) (file, bool) {
	i, ok := slices.BinarySearchFunc(c.Files, path, func(f file, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return file{}, false
	}
	return c.Files[i], true
}

// holds reports whether every source is in the commit as it is.
func (c *commit) holds(add []hub.Source) bool {
	for _, src := range add {
		if f, ok := c.find(src.Path); !ok || hub.File(f) != src.File {
			return false
		}
	}
	return true
}

// with returns the commit that follows c with p.
func (c *commit) with(p hub.Publication) (*commit, error) {
	files := make(map[string]file, len(c.Files)+len(p.Add))
	for _, f := range c.Files {
		files[f.Path] = f
	}
	for _, src := range p.Add {
		files[src.Path] = file(src.File)
	}
	for path := range files {
		for i, r := range path {
			if _, both := files[path[:i]]; r == '/' && both {
				return nil, fmt.Errorf("%.200q is both a file and a folder", path[:i])
			}
		}
	}
	return &commit{
		Parent: p.Parent, Message: p.Message,
		Files: slices.SortedFunc(maps.Values(files), func(a, b file) int { return strings.Compare(a.Path, b.Path) }),
	}, nil
}

// cachedCommits bounds the commits held in memory; each has a hundred bytes or
// so for every file of its repository.
const cachedCommits = 16

// commit reads a commit of a repository. A commit of another one is not found.
func (h *Hub) commit(repo, sha string) (*commit, error) {
	key := repo + "@" + sha
	h.mu.Lock()
	c, ok := h.commits[key]
	h.mu.Unlock()
	if ok {
		return c, nil
	}
	raw, err := os.ReadFile(h.commitPath(repo, sha))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hub.ErrNotFound
	}
	if err != nil {
		return nil, unavailable(err)
	}
	c = &commit{}
	if err := canon.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("commit %s: %w: %w", sha, hub.ErrCorrupt, err)
	}
	if got, again, err := c.encode(); err != nil || got != sha || !bytes.Equal(again, raw) {
		return nil, fmt.Errorf("commit %s: %w", sha, hub.ErrCorrupt)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.commits) >= cachedCommits {
		clear(h.commits)
	}
	h.commits[key] = c
	return c, nil
}
