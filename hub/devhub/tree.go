package devhub

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"finest/hub"
	"finest/hub/localhub"
)

// nodeJSON is a file or folder of a tree.
type nodeJSON struct {
	Type       string          `json:"type"`
	OID        string          `json:"oid"` // of Git
	Size       int64           `json:"size"`
	Path       string          `json:"path"`
	LFS        *lfsJSON        `json:"lfs,omitempty"`
	LastCommit *lastCommitJSON `json:"lastCommit,omitempty"`
}

type lfsJSON struct {
	OID         string `json:"oid"` // SHA-256
	Size        int64  `json:"size"`
	PointerSize int64  `json:"pointerSize"`
}

type lastCommitJSON struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Date  string `json:"date"`
}

// tree lists a folder in the order of paths, a page at a time; the cursor is the
// last path of the page before.
func (s *Server) tree(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.at(r)
	if err != nil {
		return err
	}
	folder := strings.TrimSuffix(r.PathValue("path"), "/")
	query := r.URL.Query()
	nodes, err := s.list(r.Context(), ref, folder, isTrue(query.Get("recursive")))
	if err != nil {
		return absent(err, ref)
	}
	first, found := slices.BinarySearchFunc(nodes, query.Get("cursor"), func(n nodeJSON, at string) int { return strings.Compare(n.Path, at) })
	if found {
		first++
	}
	nodes = nodes[first:]
	if limit := s.pageSize(query); len(nodes) > limit {
		nodes = nodes[:limit]
		query.Set("cursor", nodes[limit-1].Path)
		linkNext(w, r, query)
	}
	if isTrue(query.Get("expand")) {
		nodes = slices.Clone(nodes) // of what may be remembered
		if err := s.addCommits(r.Context(), ref, nodes); err != nil {
			return err
		}
	}
	w.Header().Set("X-Repo-Commit", ref.Revision)
	return ok(w, nodes)
}

// maxListed bounds the listing that is remembered, in entries of some hundred
// bytes.
const maxListed = 200_000

// listing is what a folder of a commit holds, which never changes.
type listing struct {
	ref       hub.Ref
	folder    string
	recursive bool
	nodes     []nodeJSON
}

// list returns what is in a folder. The last listing of several pages is
// remembered for the next page.
func (s *Server) list(ctx context.Context, ref hub.Ref, folder string, recursive bool) ([]nodeJSON, error) {
	s.mu.Lock()
	last := s.listed
	s.mu.Unlock()
	if last.ref == ref && last.folder == folder && last.recursive == recursive {
		return last.nodes, nil
	}
	entries, err := s.store.Entries(ctx, ref, folder, maxTree)
	if err != nil {
		return nil, err
	}
	list := nodes(entries, folder, recursive)
	if len(list) > s.o.PageSize && len(list) <= maxListed {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.listed = listing{ref, folder, recursive, list}
	}
	return list, nil
}

// absent maps an error about a path in a commit.
func absent(err error, ref hub.Ref) error {
	if errors.Is(err, hub.ErrNotFound) || errors.Is(err, localhub.ErrBadRequest) {
		return entryNotFound(ref.Revision)
	}
	return err
}

// isTrue reads a parameter as the clients write it.
func isTrue(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// nodes returns what is in a folder, sorted by path.
func nodes(entries []localhub.Entry, folder string, recursive bool) []nodeJSON {
	list := []nodeJSON{}
	under := func(p string) bool { return recursive || inFolder(p) == folder }
	for dir, id := range folderIDs(entries, folder) {
		if dir != folder && under(dir) {
			list = append(list, nodeJSON{Type: "directory", OID: id, Path: dir})
		}
	}
	for _, e := range entries {
		if under(e.Path) {
			list = append(list, fileNode(e))
		}
	}
	slices.SortFunc(list, func(a, b nodeJSON) int { return strings.Compare(a.Path, b.Path) })
	return list
}

func fileNode(e localhub.Entry) nodeJSON {
	n := nodeJSON{Type: "file", OID: e.GitID, Size: e.Size, Path: e.Path}
	if e.LFS {
		n.LFS = &lfsJSON{OID: e.SHA256, Size: e.Size, PointerSize: e.PointerSize}
	}
	return n
}

// inFolder returns the folder that a path is in, "" for the root.
func inFolder(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}

// folderIDs returns the ids that Git gives the trees of a folder and of those
// below it, which hold entries.
func folderIDs(entries []localhub.Entry, folder string) map[string]string {
	type child struct{ sortKey, line string }
	children := map[string][]child{}
	for _, e := range entries {
		id, _ := hex.DecodeString(e.GitID)
		dir, name := inFolder(e.Path), path.Base(e.Path)
		children[dir] = append(children[dir], child{name, "100644 " + name + "\x00" + string(id)})
		for ; dir != folder; dir = inFolder(dir) {
			if parent := inFolder(dir); children[parent] == nil {
				children[parent] = []child{}
			}
		}
	}
	dirs := make([]string, 0, len(children))
	for dir := range children {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int { return len(b) - len(a) }) // a folder after those in it
	ids := make(map[string]string, len(dirs))
	for _, dir := range dirs {
		list := children[dir]
		slices.SortFunc(list, func(a, b child) int { return strings.Compare(a.sortKey, b.sortKey) })
		var body strings.Builder
		for _, c := range list {
			body.WriteString(c.line)
		}
		id := gitObject("tree", body.String())
		ids[dir] = hex.EncodeToString(id)
		if dir != folder {
			name := path.Base(dir)
			parent := inFolder(dir)
			children[parent] = append(children[parent], child{name + "/", "40000 " + name + "\x00" + string(id)})
		}
	}
	return ids
}

// gitObject returns the id of an object of Git.
func gitObject(kind, body string) []byte {
	sum := sha1.Sum([]byte(kind + " " + strconv.Itoa(len(body)) + "\x00" + body))
	return sum[:]
}

// maxPaths is how many paths one request may name.
const maxPaths = 1000

// pathsInfo describes files and folders by their paths; what is missing is left
// out. @huggingface/hub sends JSON, huggingface_hub a form.
func (s *Server) pathsInfo(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.at(r)
	if err != nil {
		return err
	}
	q, err := readPaths(w, r)
	if err != nil {
		return err
	}
	found := []nodeJSON{}
	for _, p := range q.Paths {
		n, err := s.node(r, ref, strings.TrimSuffix(p, "/"))
		switch {
		case err == nil:
			found = append(found, n)
		case !errors.Is(err, hub.ErrNotFound) && !errors.Is(err, localhub.ErrBadRequest):
			return err
		}
	}
	if q.Expand {
		if err := s.addCommits(r.Context(), ref, found); err != nil {
			return err
		}
	}
	return ok(w, found)
}

type pathsRequest struct {
	Paths  []string `json:"paths"`
	Expand bool     `json:"expand"`
}

func readPaths(w http.ResponseWriter, r *http.Request) (q pathsRequest, err error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		r.Body = http.MaxBytesReader(w, r.Body, maxJSON)
		if err := r.ParseForm(); err != nil {
			return q, formProblem(err)
		}
		q.Paths, q.Expand = r.PostForm["paths"], isTrue(r.PostForm.Get("expand"))
	} else if err := readJSON(w, r, &q); err != nil {
		return q, err
	}
	if len(q.Paths) > maxPaths {
		return q, refuse(http.StatusRequestEntityTooLarge, "too many parameters")
	}
	return q, nil
}

func formProblem(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return refuse(http.StatusBadRequest, "the form cannot be read: %v", err)
}

// node describes a file or folder.
func (s *Server) node(r *http.Request, ref hub.Ref, p string) (nodeJSON, error) {
	e, err := s.store.Entry(r.Context(), ref, p)
	if err == nil {
		return fileNode(e), nil
	}
	if !errors.Is(err, hub.ErrNotFound) {
		return nodeJSON{}, err
	}
	entries, err := s.store.Entries(r.Context(), ref, p, maxTree)
	if err != nil {
		return nodeJSON{}, err
	}
	return nodeJSON{Type: "directory", OID: folderIDs(entries, p)[p], Path: p}, nil
}
