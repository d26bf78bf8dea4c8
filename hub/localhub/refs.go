package localhub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"finest/hub"
	"finest/internal/durable"
)

// Refs by kind: branches, tags and pull requests.
const (
	heads = "refs/heads/"
	tags  = "refs/tags/"
	pulls = "refs/pr/"
)

const mainRef = heads + hub.MainBranch

// Branch is a name for a commit: a branch, a tag or a pull request.
type Branch struct {
	// Name is the branch or tag, or refs/pr/N.
	Name string
	// Ref is the full name: refs/heads/main, refs/tags/v1, refs/pr/1.
	Ref string
	// SHA is the commit it stands at.
	SHA string
}

// branchRef returns the full name of what can be committed to.
func branchRef(branch string) (string, error) {
	switch {
	case strings.HasPrefix(branch, heads), strings.HasPrefix(branch, pulls):
		return branch, nil
	case strings.HasPrefix(branch, "refs/"):
		return "", badRequest("%.200q is not a branch", branch)
	}
	return heads + branch, nil
}

// refPath returns the file of a ref by its full name. main has a place of its
// own: a repository exists while its main does.
func (h *Hub) refPath(repo, ref string) (string, error) {
	if ref == mainRef {
		return h.repoPath(repo, hub.MainBranch), nil
	}
	for _, kind := range []string{heads, tags, pulls} {
		name, ok := strings.CutPrefix(ref, kind)
		switch {
		case !ok:
			continue
		case kind == pulls && !pullRE.MatchString(name):
			return "", badRequest("%.60q is no number of a pull request", name)
		case kind != pulls:
			if err := validateRefName(name); err != nil {
				return "", err
			}
		}
		return h.repoPath(repo, filepath.FromSlash(kind), url.PathEscape(name)), nil
	}
	return "", badRequest("%.200q is no ref", ref)
}

// readRef returns what a ref stands at: a sha, "" for a branch without commits,
// or ErrNotFound.
func (h *Hub) readRef(repo, ref string) (string, error) {
	path, err := h.refPath(repo, ref)
	if err != nil {
		return "", hub.ErrNotFound
	}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", hub.ErrNotFound
	case err != nil:
		return "", unavailable(err)
	case len(raw) > 0 && !hub.IsSHA(string(raw)):
		return "", fmt.Errorf("%s: %w", ref, hub.ErrCorrupt)
	}
	return string(raw), nil
}

func (h *Hub) writeRef(repo, ref, sha string) error {
	path, err := h.refPath(repo, ref)
	if err != nil {
		return err
	}
	if err := durable.WriteBytes(path, 0o644, []byte(sha)); err != nil {
		return unavailable(err)
	}
	return nil
}

// resolve returns the sha of a revision, "" for a branch without commits.
func (h *Hub) resolve(ctx context.Context, ref hub.Ref) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := validateRepo(ref.Repo); err != nil {
		return "", err
	}
	head, err := h.readRef(ref.Repo, mainRef)
	switch rev := ref.Revision; {
	case err != nil || rev == hub.MainBranch || rev == "HEAD":
		return head, err
	case hub.IsSHA(rev):
		_, err := h.commit(ref.Repo, rev)
		return rev, err
	case strings.HasPrefix(rev, "refs/"):
		return h.readRef(ref.Repo, rev)
	}
	sha, err := h.readRef(ref.Repo, heads+ref.Revision)
	if errors.Is(err, hub.ErrNotFound) {
		return h.readRef(ref.Repo, tags+ref.Revision)
	}
	return sha, err
}

// at returns the commit of a revision, an empty one for a branch without.
func (h *Hub) at(ctx context.Context, ref hub.Ref) (string, *commit, error) {
	for before := ""; ; {
		sha, err := h.resolve(ctx, ref)
		if err != nil || sha == "" {
			return "", &commit{}, err
		}
		c, err := h.commit(ref.Repo, sha)
		switch {
		case !errors.Is(err, hub.ErrNotFound) || ref.Revision == sha:
			return sha, c, err
		case sha == before:
			return "", nil, fmt.Errorf("commit %s is gone: %w", sha, hub.ErrCorrupt)
		}
		// The branch was squashed in between, unless it stands there still.
		before = sha
	}
}

// Refs lists the branches, tags and pull requests of a repository, each by name
// or number.
func (h *Hub) Refs(ctx context.Context, repo string) (branches, tagged, requests []Branch, err error) {
	branches, tagged, requests, err = h.refs(ctx, repo)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("list refs of %.100q: %w", repo, err)
	}
	return branches, tagged, requests, nil
}

func (h *Hub) refs(ctx context.Context, repo string) (branches, tagged, requests []Branch, err error) {
	head, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		return nil, nil, nil, err
	}
	if branches, err = h.refsOf(repo, heads); err != nil {
		return nil, nil, nil, err
	}
	branches = append(branches, Branch{Name: hub.MainBranch, Ref: mainRef, SHA: head})
	if tagged, err = h.refsOf(repo, tags); err != nil {
		return nil, nil, nil, err
	}
	if requests, err = h.refsOf(repo, pulls); err != nil {
		return nil, nil, nil, err
	}
	for _, list := range [][]Branch{branches, tagged, requests} {
		slices.SortFunc(list, func(a, b Branch) int {
			return cmp.Or(cmp.Compare(pullNumber(a.Ref), pullNumber(b.Ref)), strings.Compare(a.Name, b.Name))
		})
	}
	return branches, tagged, requests, nil
}

// refsOf lists the refs of a kind, but not main.
func (h *Hub) refsOf(repo, kind string) ([]Branch, error) {
	entries, err := os.ReadDir(h.repoPath(repo, filepath.FromSlash(kind)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unavailable(err)
	}
	var list []Branch
	for _, e := range entries {
		name, err := url.PathUnescape(e.Name())
		if err != nil || strings.HasPrefix(e.Name(), ".") { // left by a kill
			continue
		}
		sha, err := h.readRef(repo, kind+name)
		if errors.Is(err, hub.ErrNotFound) { // deleted meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		b := Branch{Name: name, Ref: kind + name, SHA: sha}
		if kind == pulls {
			b.Name = b.Ref
		}
		list = append(list, b)
	}
	return list, nil
}

// pullNumber is the number of a pull request, 0 for other refs.
func pullNumber(ref string) int {
	digits, _ := strings.CutPrefix(ref, pulls)
	n, _ := strconv.Atoi(digits)
	return n
}
