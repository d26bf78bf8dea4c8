package devhub

import (
	"net/http"
	"strconv"
	"strings"

	"finest/hub/localhub"
)

// maxPulls bounds the pull requests whose titles are remembered.
const maxPulls = 1000

// pullText is what was said of a pull request. The store keeps none of it, so
// it is forgotten with the server.
type pullText struct{ title, description, author, created string }

// newPull opens a pull request and remembers what is said of it.
func (s *Server) newPull(r *http.Request, repo, title, description string) (int, error) {
	author, err := somebody(r)
	if err != nil {
		return 0, err
	}
	number, err := s.store.OpenPull(r.Context(), repo, title, description)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) >= maxPulls {
		clear(s.texts)
	}
	s.texts[pullKey(repo, number)] = pullText{title, description, author, timestamp(s.o.Now())}
	return number, nil
}

func pullKey(repo string, number int) string { return repo + "#" + strconv.Itoa(number) }

func (s *Server) openPull(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	var q struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		PullRequest bool   `json:"pullRequest"`
	}
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if !q.PullRequest {
		return refuse(http.StatusBadRequest, "there are no discussions here but pull requests")
	}
	number, err := s.newPull(r, repo, q.Title, q.Description)
	if err != nil {
		return err
	}
	return ok(w, s.pullJSON(repo, number))
}

// pullJSON describes a pull request.
func (s *Server) pullJSON(repo string, number int) map[string]any {
	s.mu.Lock()
	text, known := s.texts[pullKey(repo, number)]
	s.mu.Unlock()
	if !known {
		owner, _, _ := strings.Cut(repo, "/")
		text = pullText{title: "Pull request " + strconv.Itoa(number), author: owner, created: timestamp(s.o.Now())}
	}
	return map[string]any{
		"num": number, "title": text.title, "status": "draft", "createdAt": text.created, "isPullRequest": true,
		"author": map[string]any{"name": text.author, "type": "user"},
		"repo":   map[string]any{"name": repo, "type": "dataset"},
		"events": []any{}, "filesWithConflicts": []string{}, "diff": "",
		"changes": map[string]any{"base": "refs/heads/main"},
	}
}

func (s *Server) openPulls(r *http.Request) (repo string, pulls []localhub.Branch, err error) {
	repo, _, err = s.readable(r)
	if err == nil {
		_, _, pulls, err = s.store.Refs(r.Context(), repo)
	}
	return repo, pulls, err
}

func (s *Server) pull(w http.ResponseWriter, r *http.Request) error {
	repo, pulls, err := s.openPulls(r)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		if p.Ref == "refs/pr/"+r.PathValue("number") {
			number, _ := strconv.Atoi(r.PathValue("number"))
			return ok(w, s.pullJSON(repo, number))
		}
	}
	return refuse(http.StatusNotFound, "Discussion not found")
}

// pulls lists the pull requests of a repository, all in one page.
func (s *Server) pulls(w http.ResponseWriter, r *http.Request) error {
	repo, pulls, err := s.openPulls(r)
	if err != nil {
		return err
	}
	list := make([]map[string]any, len(pulls))
	for i, p := range pulls {
		number, _ := strconv.Atoi(strings.TrimPrefix(p.Ref, "refs/pr/"))
		list[i] = s.pullJSON(repo, number)
	}
	return ok(w, map[string]any{"discussions": list, "count": len(list), "start": 0})
}
