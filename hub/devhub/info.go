package devhub

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"finest/hub/localhub"
)

// Bounds of what one reply may list.
const (
	// maxTree is how many files a repository may have; the Hub wants fewer than
	// 100,000, https://huggingface.co/docs/hub/storage-limits.
	maxTree = 1_000_000
	// maxLog is how far back a log goes, in commits.
	maxLog = 10_000
)

// identity stands for the id that the Hub's database gives a repository.
func identity(repo string) string {
	sum := sha256.Sum256([]byte(repo))
	return hex.EncodeToString(sum[:12])
}

func (s *Server) info(w http.ResponseWriter, r *http.Request) error {
	repo, settings, err := s.readable(r)
	if err != nil {
		return err
	}
	if r.PathValue("rev") == "" {
		r.SetPathValue("rev", "main")
	}
	ref, err := s.revision(r, repo)
	if err != nil {
		return err
	}
	newest, err := s.store.Log(r.Context(), ref, 1)
	if err != nil {
		return err
	}
	entries, err := s.store.Entries(r.Context(), ref, "", maxTree)
	if err != nil {
		return err
	}
	siblings := make([]map[string]any, len(entries))
	for i, e := range entries {
		siblings[i] = map[string]any{"rfilename": e.Path}
		if isTrue(r.URL.Query().Get("blobs")) {
			siblings[i]["size"], siblings[i]["blobId"] = e.Size, e.GitID
			if e.LFS {
				siblings[i]["lfs"] = map[string]any{"size": e.Size, "sha256": e.SHA256, "pointerSize": e.PointerSize}
			}
		}
	}
	owner, _, _ := strings.Cut(repo, "/")
	at := timestamp(newest[0].Date) // the store does not know when it was created
	return ok(w, map[string]any{
		"_id": identity(repo), "id": repo, "author": owner, "sha": ref.Revision, "lastModified": at, "createdAt": at,
		"private": settings.Private, "gated": gated(settings), "disabled": false,
		"downloads": 0, "likes": 0, "tags": []string{}, "siblings": siblings,
	})
}

// commitJSON is a commit in a log.
type commitJSON struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Message string       `json:"message"`
	Date    string       `json:"date"`
	Authors []authorJSON `json:"authors"`
}

type authorJSON struct {
	User   string `json:"user"`
	Avatar string `json:"avatar"`
}

// log lists commits, the newest first, in numbered pages.
func (s *Server) log(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.at(r)
	if err != nil {
		return err
	}
	commits, err := s.store.Log(r.Context(), ref, maxLog)
	if err != nil {
		return err
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(commits)))
	query := r.URL.Query()
	limit := s.pageSize(query)
	page, err := strconv.Atoi(query.Get("p"))
	if err != nil || page < 0 || page > maxLog {
		page = 0
	}
	commits = commits[min(page*limit, len(commits)):]
	if len(commits) > limit {
		commits = commits[:limit]
		query.Set("p", strconv.Itoa(page+1))
		linkNext(w, r, query)
	}
	owner, _, _ := strings.Cut(ref.Repo, "/")
	list := make([]commitJSON, len(commits))
	for i, c := range commits {
		list[i] = commitJSON{
			ID: c.SHA, Title: c.Message, Message: c.Description, Date: timestamp(c.Date),
			Authors: []authorJSON{{owner, avatar}},
		}
	}
	return ok(w, list)
}

// pageSize returns how many things a page is to have.
func (s *Server) pageSize(query url.Values) int {
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && limit > 0 {
		return min(limit, s.o.PageSize)
	}
	return s.o.PageSize
}

// linkNext tells where the next page is: an absolute URL, with a space before
// rel, as @huggingface/hub reads it.
func linkNext(w http.ResponseWriter, r *http.Request, query url.Values) {
	next := endpoint(r) + r.URL.EscapedPath() + "?" + query.Encode()
	w.Header().Set("Link", "<"+next+`>; rel="next"`)
}

// refJSON is a branch, tag or pull request.
type refJSON struct {
	Name         string `json:"name"`
	Ref          string `json:"ref"`
	TargetCommit string `json:"targetCommit"`
}

func refsJSON(refs []localhub.Branch) []refJSON {
	list := make([]refJSON, len(refs))
	for i, b := range refs {
		list[i] = refJSON{b.Name, b.Ref, b.SHA}
	}
	return list
}

func (s *Server) refs(w http.ResponseWriter, r *http.Request) error {
	repo, _, err := s.readable(r)
	if err != nil {
		return err
	}
	branches, tags, pulls, err := s.store.Refs(r.Context(), repo)
	if err != nil {
		return err
	}
	reply := map[string]any{"branches": refsJSON(branches), "tags": refsJSON(tags), "converts": []refJSON{}}
	if isTrue(r.URL.Query().Get("include_prs")) {
		reply["pullRequests"] = refsJSON(pulls)
	}
	return ok(w, reply)
}
