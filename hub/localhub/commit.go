package localhub

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"finest/hub"
	"finest/internal/canon"
)

// commit is one state of a repository.
type commit struct {
	Parent      string `json:"parent"` // "" for the first
	Message     string `json:"message"`
	Description string `json:"description,omitempty"`
	Files       []file `json:"files"` // in path order
}

// file is a hub.File as a commit's JSON holds it.
type file struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Git is the id of the content as a Git blob; a file in LFS has none, as in
	// Git only its pointer is a blob.
	Git string `json:"git,omitempty"`
}

func (f file) file() hub.File { return hub.File{Path: f.Path, Size: f.Size, SHA256: f.SHA256} }

func byPath(a, b file) int { return strings.Compare(a.Path, b.Path) }

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

// under returns the files of a folder, all for "".
func (c *commit) under(folder string) []file {
	if folder == "" {
		return c.Files
	}
	prefix := folder + "/"
	first, _ := slices.BinarySearchFunc(c.Files, prefix, func(f file, p string) int { return strings.Compare(f.Path, p) })
	last := first
	for last < len(c.Files) && strings.HasPrefix(c.Files[last].Path, prefix) {
		last++
	}
	return c.Files[first:last]
}

// holds reports whether every file is in the commit as it is.
func (c *commit) holds(files []file) bool {
	for _, want := range files {
		if f, ok := c.find(want.Path); !ok || f.file() != want.file() {
			return false
		}
	}
	return true
}

// cachedCommits bounds the commits held in memory; each has a hundred bytes or
// so for every file of its repository.
const cachedCommits = 16

// commit reads a commit of a repository. A commit of another one is not found.
func (h *Hub) commit(repo, sha string) (*commit, error) {
	c, _, err := h.datedCommit(repo, sha)
	return c, err
}

// datedCommit also tells when the commit was made.
func (h *Hub) datedCommit(repo, sha string) (*commit, time.Time, error) {
	path := h.commitPath(repo, sha)
	info, err := os.Stat(path) // another process may have removed it
	if errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, hub.ErrNotFound
	}
	if err != nil {
		return nil, time.Time{}, unavailable(err)
	}
	key := repo + "@" + sha
	h.mu.Lock()
	c, ok := h.commits[key]
	h.mu.Unlock()
	if ok {
		return c, info.ModTime(), nil
	}
	if c, err = readCommit(path, sha); err != nil {
		return nil, time.Time{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.commits) >= cachedCommits {
		clear(h.commits)
	}
	h.commits[key] = c
	return c, info.ModTime(), nil
}

func readCommit(path, sha string) (*commit, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hub.ErrNotFound
	}
	if err != nil {
		return nil, unavailable(err)
	}
	c, err := decodeCommit(raw, sha)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", sha, err)
	}
	return c, nil
}

// decodeCommit takes no bytes but those that encode returned with sha.
func decodeCommit(raw []byte, sha string) (*commit, error) {
	c := &commit{}
	if err := canon.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("%w: %w", hub.ErrCorrupt, err)
	}
	if got, again, err := c.encode(); err != nil || got != sha || !bytes.Equal(again, raw) {
		return nil, hub.ErrCorrupt
	}
	return c, nil
}
