package localhub_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

// model is what a repository should be: the simplest thing that can be, nil if
// there is none.
type model struct {
	refs    map[string]string // full name to sha
	commits map[string]modelCommit
	pulls   int
}

type modelCommit struct {
	parent string
	files  map[string]string // path to text
}

// prune forgets the commits that no ref stands on.
func (m *model) prune() {
	kept := map[string]modelCommit{}
	for _, sha := range m.refs {
		for ; sha != ""; sha = m.commits[sha].parent {
			kept[sha] = m.commits[sha]
		}
	}
	m.commits = kept
}

// player makes moves on two hubs in one folder and on the model.
type player struct {
	testing.TB
	hubs  [2]*localhub.Hub
	moves []byte
	m     *model
	ever  map[string]bool // shas that have been there
}

// pick takes one of n choices from the moves; 0 when they have ended.
func (p *player) pick(n int) int {
	if len(p.moves) == 0 {
		return 0
	}
	b := p.moves[0]
	p.moves = p.moves[1:]
	return int(b) % n
}

func pickOf[T any](p *player, of ...T) T { return of[p.pick(len(of))] }

func (p *player) want(what string, err, want error) bool {
	p.Helper()
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		p.Fatalf("%s: error %v, want %v", what, err, want)
	}
	return err == nil
}

var modelTexts = []string{"", "one", "two"}

func (p *player) move() {
	h := p.hubs[p.pick(2)]
	if p.m == nil {
		p.create(h)
		return
	}
	switch p.pick(12) {
	case 0:
		_, err := h.CreateRepo(p.Context(), repo, localhub.Settings{})
		p.want("create again", err, localhub.ErrExists)
	case 1:
		if p.pick(8) == 0 {
			p.want("delete", h.DeleteRepo(p.Context(), repo), nil)
			p.m = nil
		}
	case 2:
		p.ref(h)
	case 3:
		p.unref(h)
	case 4:
		n, err := h.OpenPull(p.Context(), repo, "title", "")
		p.want("open pull request", err, nil)
		p.m.pulls++
		if n != p.m.pulls {
			p.Fatalf("pull request %d, want %d", n, p.m.pulls)
		}
		p.m.refs[fmt.Sprintf("refs/pr/%d", n)] = p.m.refs["refs/heads/main"]
	case 5:
		p.squash(h)
	default:
		p.commit(h)
	}
}

func (p *player) create(h *localhub.Hub) {
	sha, err := h.CreateRepo(p.Context(), repo, localhub.Settings{})
	p.want("create", err, nil)
	text, err := hub.ReadFile(p.Context(), h, hub.Ref{Repo: repo, Revision: sha}, ".gitattributes", 1000)
	p.want("read", err, nil)
	p.m = &model{
		refs:    map[string]string{"refs/heads/main": sha},
		commits: map[string]modelCommit{sha: {files: map[string]string{".gitattributes": string(text)}}},
	}
}

// name chooses a ref, which need not exist.
func (p *player) name() (kind, name string) {
	return pickOf(p, "refs/heads/", "refs/tags/"), pickOf(p, "main", "a", "a/b", "no..name")
}

func (p *player) ref(h *localhub.Hub) {
	kind, name := p.name()
	from, known := pickOf(p, slices.Sorted(maps.Keys(p.m.refs))...), true
	if p.pick(4) == 0 {
		from, known = "unknown", false
	}
	var err, want error
	if kind == "refs/tags/" {
		err = h.CreateTag(p.Context(), repo, name, from, "")
	} else {
		err = h.CreateBranch(p.Context(), repo, name, from)
	}
	_, exists := p.m.refs[kind+name]
	switch {
	case name == "no..name":
		want = localhub.ErrBadRequest
	case !known:
		want = hub.ErrNotFound
	case exists:
		want = localhub.ErrExists
	}
	if p.want("create "+kind+name+" at "+from, err, want) {
		p.m.refs[kind+name] = p.m.refs[from]
	}
}

func (p *player) unref(h *localhub.Hub) {
	kind, name := p.name()
	var err, want error
	if kind == "refs/tags/" {
		err = h.DeleteTag(p.Context(), repo, name)
	} else {
		err = h.DeleteBranch(p.Context(), repo, name)
	}
	_, exists := p.m.refs[kind+name]
	switch {
	case name == "no..name" || kind+name == "refs/heads/main":
		want = localhub.ErrBadRequest
	case !exists:
		want = hub.ErrNotFound
	}
	if p.want("delete "+kind+name, err, want) {
		delete(p.m.refs, kind+name)
	}
}

// branches are the refs that can be committed to.
func (p *player) branches() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.m.refs)), func(ref string) bool { return strings.HasPrefix(ref, "refs/tags/") })
}

func (p *player) squash(h *localhub.Hub) {
	ref := pickOf(p, p.branches()...)
	sha, err := h.Squash(p.Context(), repo, ref, "squash")
	p.want("squash "+ref, err, nil)
	p.m.commits[sha] = modelCommit{files: p.m.commits[p.m.refs[ref]].files}
	p.m.refs[ref] = sha
	p.m.prune()
}

func (p *player) commit(h *localhub.Hub) {
	ref := pickOf(p, p.branches()...)
	head := p.m.refs[ref]
	c := localhub.Change{
		Message: pickOf(p, "m", "n"),
		Parent:  pickOf(p, "", head, head, strings.Repeat("0", 40), pickOf(p, slices.Sorted(maps.Keys(p.m.commits))...)),
	}
	files := maps.Clone(p.m.commits[head].files)
	var want error
	modelPaths := []string{"f", "d/f", "d/g", "d", "e.parquet"}
	for range p.pick(3) {
		path := pickOf(p, modelPaths...)
		if _, ok := files[path]; !ok {
			want = localhub.ErrBadRequest
		}
		delete(files, path)
		c.Delete = append(c.Delete, path)
	}
	for i := range p.pick(4) {
		path, text := modelPaths[(i+p.pick(5))%5], pickOf(p, modelTexts...)
		if slices.ContainsFunc(c.Add, func(e localhub.Entry) bool { return e.Path == path }) {
			continue
		}
		files[path] = text
		c.Add = append(c.Add, localhub.Entry{File: source(path, text).File, LFS: localhub.InLFS(path, int64(len(text)))})
	}
	_, file := files["d"]
	if _, ok := files["d/f"]; ok && file {
		want = localhub.ErrBadRequest
	}
	if _, ok := files["d/g"]; ok && file {
		want = localhub.ErrBadRequest
	}
	if _, known := p.m.commits[c.Parent]; c.Parent != "" && !known {
		want = hub.ErrNotFound
	} else if c.Parent != "" && c.Parent != head {
		want = hub.ErrConflict
	}
	sha, err := h.Commit(p.Context(), repo, ref, c)
	if p.want(fmt.Sprintf("commit %+v to %s with %v", c, ref, p.m.commits[head].files), err, want) {
		p.m.commits[sha] = modelCommit{head, files}
		p.m.refs[ref] = sha
	}
}

// compare holds all that a hub shows against the model.
func (p *player) compare(h *localhub.Hub) {
	branches, tags, pulls, err := h.Refs(p.Context(), repo)
	if p.m == nil {
		p.want("refs", err, hub.ErrNotFound)
	} else {
		p.want("refs", err, nil)
		got := map[string]string{}
		for _, b := range slices.Concat(branches, tags, pulls) {
			got[b.Ref] = b.SHA
		}
		if !maps.Equal(got, p.m.refs) {
			p.Fatalf("refs are %v, want %v", got, p.m.refs)
		}
		for sha := range p.m.commits {
			p.ever[sha] = true
		}
	}
	for sha := range p.ever {
		p.compareCommit(h, sha)
	}
}

func (p *player) compareCommit(h *localhub.Hub, sha string) {
	ref := hub.Ref{Repo: repo, Revision: sha}
	log, err := h.Log(p.Context(), ref, 1)
	var want modelCommit
	known := false
	if p.m != nil {
		want, known = p.m.commits[sha]
	}
	if !known {
		p.want("log of a commit that is gone", err, hub.ErrNotFound)
		return
	}
	p.want("log", err, nil)
	if log[0].Parent != want.parent {
		p.Fatalf("parent of %s is %q, want %q", sha, log[0].Parent, want.parent)
	}
	entries, err := h.Entries(p.Context(), ref, "", 100)
	p.want("entries", err, nil)
	got := map[string]string{}
	for _, e := range entries {
		text, err := hub.ReadFile(p.Context(), h, ref, e.Path, 1000)
		p.want("read "+e.Path, err, nil)
		got[e.Path] = string(text)
		if e.File != source(e.Path, string(text)).File || e.LFS != localhub.InLFS(e.Path, e.Size) {
			p.Fatalf("%+v holds %q", e, text)
		}
	}
	sorted := slices.IsSortedFunc(entries, func(a, b localhub.Entry) int { return cmp.Compare(a.Path, b.Path) })
	if !maps.Equal(got, want.files) || !sorted {
		p.Fatalf("%s holds %q, want %q", sha, got, want.files)
	}
}

const maxMoves = 60

// FuzzModel makes moves that a stranger chooses, through two hubs that share a
// folder, and holds both against the model after each.
func FuzzModel(f *testing.F) {
	seeds := rand.New(rand.NewPCG(5, 5))
	for range 8 {
		moves := make([]byte, 8*maxMoves)
		for i := range moves {
			moves[i] = byte(seeds.Uint32())
		}
		f.Add(moves)
	}
	f.Fuzz(func(t *testing.T, moves []byte) {
		dir := t.TempDir()
		p := &player{TB: t, hubs: [2]*localhub.Hub{open(t, dir), open(t, dir)}, moves: moves, ever: map[string]bool{}}
		for _, text := range modelTexts {
			store(t, p.hubs[0], text)
		}
		for n := 0; len(p.moves) > 0 && n < maxMoves; n++ {
			p.move()
			p.compare(p.hubs[n%2])
		}
	})
}
