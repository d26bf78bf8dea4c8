package huggingface

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"finest/hub"
)

const (
	// maxSize is more than a repository of the Hub may hold in one file, and
	// leaves room for sums.
	maxSize = 1 << 50
	// maxRegular is the largest file without LFS that Stat reads to learn its
	// SHA-256. The Hub stores larger ones by LFS.
	maxRegular = 16 << 20
	// maxFolders is how many folders a listing may name for each file.
	maxFolders = 16
	// maxPaths is how many paths one call asks about (huggingface_hub, hf_api.py).
	maxPaths = 500
)

// Entry is a file of a repository as the hub stores it.
type Entry struct {
	hub.File // SHA256 is empty unless LFS
	// GitID is what Git names it by: the content, or the pointer to it if LFS.
	GitID string
	LFS   bool
}

// entryReply is a file or folder on the wire.
type entryReply struct {
	Type string `json:"type"`
	OID  string `json:"oid"`
	Size int64  `json:"size"`
	Path string `json:"path"`
	LFS  *struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// entry checks what the hub says about a file.
func (r *entryReply) entry() (Entry, error) {
	if err := validatePath(r.Path); err != nil {
		return Entry{}, fmt.Errorf("the hub names a file: %w: %w", err, hub.ErrCorrupt)
	}
	e := Entry{File: hub.File{Path: r.Path, Size: r.Size}, GitID: r.OID}
	if r.LFS != nil {
		if !isHash(r.LFS.OID) || r.LFS.Size != r.Size {
			return Entry{}, fmt.Errorf("the hub says %.200q has %d bytes, and as LFS object %.80q %d: %w", r.Path, r.Size, r.LFS.OID, r.LFS.Size, hub.ErrCorrupt)
		}
		e.LFS, e.SHA256 = true, r.LFS.OID
	}
	if e.Size < 0 || e.Size > maxSize {
		return Entry{}, fmt.Errorf("the hub says %.200q has %d bytes: %w", r.Path, r.Size, hub.ErrCorrupt)
	}
	return e, nil
}

// Head returns the sha a revision stands at.
func (c *Client) Head(ctx context.Context, ref hub.Ref) (string, error) {
	sha, err := c.head(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("head of %s: %w", ref, err)
	}
	return sha, nil
}

func (c *Client) head(ctx context.Context, ref hub.Ref) (string, error) {
	if err := validateRef(ref); err != nil {
		return "", err
	}
	var reply struct {
		SHA string `json:"sha"`
	}
	r := request{method: http.MethodGet, path: api(ref.Repo, "revision", ref.Revision), query: url.Values{"expand": {"sha"}}}
	if err := c.callJSON(ctx, r, &reply); err != nil {
		return "", err
	}
	if reply.SHA == "" && !hub.IsSHA(ref.Revision) {
		return "", nil // no commits yet
	}
	return reply.SHA, checkCommit(ref, reply.SHA)
}

// checkCommit compares the commit that the hub answered for with what it was
// asked for.
func checkCommit(ref hub.Ref, sha string) error {
	switch {
	case !hub.IsSHA(sha):
		return strange("the hub names the commit %.60q", sha)
	case hub.IsSHA(ref.Revision) && sha != ref.Revision:
		return fmt.Errorf("the hub answers for commit %s: %w", sha, hub.ErrCorrupt)
	}
	return nil
}

// Tree lists the files under a folder.
func (c *Client) Tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]hub.File, error) {
	files, err := c.tree(ctx, ref, folder, most)
	if err != nil {
		return nil, fmt.Errorf("list %.200q of %s: %w", folder, ref, err)
	}
	return files, nil
}

func (c *Client) tree(ctx context.Context, ref hub.Ref, folder string, most int) ([]hub.File, error) {
	if folder != "" {
		if err := validatePath(folder); err != nil {
			return nil, err
		}
	}
	sha, err := c.pin(ctx, ref)
	if err != nil || sha == "" {
		return nil, err
	}
	path := api(ref.Repo, "tree", sha)
	if folder != "" {
		path += "/" + escapePath(folder)
	}
	l := listing{folder: folder, most: most, seen: map[string]bool{}}
	r := request{method: http.MethodGet, path: path, query: url.Values{"recursive": {"true"}, "expand": {"false"}}}
	for more := true; more; {
		var page []entryReply
		header, err := c.callPage(ctx, r, &page)
		if err != nil {
			return nil, err
		}
		if err := l.add(page); err != nil {
			return nil, err
		}
		if more, err = c.nextPage(&r, header.Values("Link"), len(page)); err != nil {
			return nil, err
		}
	}
	return l.sorted()
}

// pin returns the commit of a ref, so that several requests read one state of
// it; "" for a branch without commits.
func (c *Client) pin(ctx context.Context, ref hub.Ref) (string, error) {
	if err := validateRef(ref); err != nil {
		return "", err
	}
	if hub.IsSHA(ref.Revision) {
		return ref.Revision, nil
	}
	return c.head(ctx, ref)
}

// listing gathers the pages of a tree.
type listing struct {
	folder  string
	most    int
	files   []hub.File
	folders int
	seen    map[string]bool
}

// add takes the entries of one page. A cursor that goes in a circle shows in
// paths that come twice.
func (l *listing) add(page []entryReply) error {
	for i := range page {
		path := page[i].Path
		switch {
		case len(path) > hub.MaxPath:
			return fmt.Errorf("the hub lists a path of %d bytes: %w", len(path), hub.ErrCorrupt)
		case path != "" && l.seen[path]:
			return fmt.Errorf("the hub lists %.200q twice: %w", path, hub.ErrCorrupt)
		}
		l.seen[path] = true
		if page[i].Type != "file" {
			if l.folders++; l.folders > maxFolders*(l.most+maxFolders) {
				return fmt.Errorf("more than %d folders: %w", l.folders-1, hub.ErrTooLarge)
			}
			continue
		}
		if err := l.addFile(&page[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) addFile(r *entryReply) error {
	e, err := r.entry()
	switch {
	case err != nil:
		return err
	case l.folder != "" && !strings.HasPrefix(e.Path, l.folder+"/"):
		return fmt.Errorf("the hub lists %.200q, which is not in the folder: %w", e.Path, hub.ErrCorrupt)
	case len(l.files) >= l.most:
		return fmt.Errorf("more than %d files: %w", l.most, hub.ErrTooLarge)
	}
	l.files = append(l.files, e.File)
	return nil
}

// sorted returns the files in path order.
func (l *listing) sorted() ([]hub.File, error) {
	if l.folder != "" && len(l.files) == 0 {
		return nil, hub.ErrNotFound
	}
	slices.SortFunc(l.files, func(a, b hub.File) int { return strings.Compare(a.Path, b.Path) })
	return l.files, nil
}

// Paths describes the files at the given paths, in no order; those that do not
// exist are left out.
func (c *Client) Paths(ctx context.Context, ref hub.Ref, paths []string) ([]Entry, error) {
	entries, err := c.paths(ctx, ref, paths)
	if err != nil {
		return nil, fmt.Errorf("find %d paths of %s: %w", len(paths), ref, err)
	}
	return entries, nil
}

func (c *Client) paths(ctx context.Context, ref hub.Ref, paths []string) ([]Entry, error) {
	if err := validateRef(ref); err != nil {
		return nil, err
	}
	var entries []Entry
	for some := range slices.Chunk(paths, maxPaths) {
		found, err := c.somePaths(ctx, ref, some)
		if err != nil {
			return nil, err
		}
		entries = append(entries, found...)
	}
	return entries, nil
}

func (c *Client) somePaths(ctx context.Context, ref hub.Ref, paths []string) ([]Entry, error) {
	asked := make(map[string]bool, len(paths))
	for _, path := range paths {
		if err := validatePath(path); err != nil {
			return nil, err
		}
		asked[path] = true
	}
	r := request{method: http.MethodPost, path: api(ref.Repo, "paths-info", ref.Revision), repeatable: true, message: struct {
		Paths  []string `json:"paths"`
		Expand bool     `json:"expand"`
	}{paths, false}}
	var page []entryReply
	if err := c.callJSON(ctx, r, &page); err != nil {
		return nil, err
	}
	var entries []Entry
	for i := range page {
		if page[i].Type != "file" {
			continue
		}
		e, err := page[i].entry()
		if err != nil {
			return nil, err
		}
		if !asked[e.Path] {
			return nil, strange("the hub answers about %.200q, which it was not asked, or twice", e.Path)
		}
		delete(asked, e.Path)
		entries = append(entries, e)
	}
	return entries, nil
}

// Stat describes one file. Of a file without LFS the hub does not know the
// SHA-256, so it is read.
func (c *Client) Stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	f, err := c.stat(ctx, ref, path)
	if err != nil {
		return hub.File{}, fmt.Errorf("find %.200q of %s: %w", path, ref, err)
	}
	return f, nil
}

func (c *Client) stat(ctx context.Context, ref hub.Ref, path string) (hub.File, error) {
	if err := ctx.Err(); err != nil {
		return hub.File{}, err
	}
	if f, ok := c.stats.get(statKey{ref.Repo, ref.Revision, path}); ok {
		return f, nil
	}
	l, err := c.locate(ctx, http.MethodHead, ref, path, "")
	if err != nil {
		return hub.File{}, err
	}
	key := statKey{ref.Repo, l.commit, path}
	if f, ok := c.stats.get(key); ok {
		return f, nil
	}
	f := hub.File{Path: path, Size: l.size, SHA256: l.sum}
	if f.Size < 0 {
		return hub.File{}, strange("the hub does not say how long it is")
	}
	if f.SHA256 == "" {
		if f.SHA256, err = c.sumOf(ctx, hub.Ref{Repo: ref.Repo, Revision: l.commit}, f); err != nil {
			return hub.File{}, err
		}
	}
	c.stats.put(key, f)
	return f, nil
}

// sumOf reads a regular file and returns its SHA-256.
func (c *Client) sumOf(ctx context.Context, ref hub.Ref, f hub.File) (string, error) {
	if f.Size > maxRegular {
		return "", fmt.Errorf("it has %d bytes and is no LFS object: %w", f.Size, hub.ErrTooLarge)
	}
	r, err := c.open(ctx, ref, f.Path, 0, -1)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, maxRegular+1))
	switch {
	case err != nil:
		return "", err
	case n != f.Size:
		return "", fmt.Errorf("it has %d bytes instead of %d: %w", n, f.Size, hub.ErrCorrupt)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
