package devhub

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"finest/hub"
	"finest/hub/localhub"
)

func (s *Server) whoAmI(w http.ResponseWriter, r *http.Request) error {
	name, err := caller(r)
	if err != nil {
		return err
	}
	if name == "" {
		return refuse(http.StatusUnauthorized, "Invalid username or password.")
	}
	return ok(w, map[string]any{
		"type": "user", "id": "devhub-" + name, "name": name, "fullname": name,
		"isPro": false, "orgs": []string{}, "canPay": false, "periodEnd": nil, "emailVerified": true, "avatarUrl": avatar,
		"auth": map[string]any{
			"type": "access_token",
			"accessToken": map[string]any{
				"displayName": "devhub", "role": "write", "createdAt": timestamp(s.o.Now()),
			},
		},
	})
}

// avatar is the picture of everybody.
const avatar = "/avatars/devhub.svg"

// validateCard looks at the YAML of a dataset card as far as to find its end.
func (s *Server) validateCard(w http.ResponseWriter, r *http.Request) error {
	var card struct {
		Content string `json:"content"`
	}
	if err := readJSON(w, r, &card); err != nil {
		return err
	}
	type note struct {
		Message string `json:"message"`
	}
	status, faults := http.StatusOK, []note{}
	text := strings.ReplaceAll(card.Content, "\r\n", "\n")
	if strings.HasPrefix(text, "---\n") && !strings.Contains(text[3:]+"\n", "\n---\n") {
		status, faults = http.StatusBadRequest, append(faults, note{"the metadata has no end, a line with three dashes"})
	}
	writeJSON(w, status, map[string]any{"errors": faults, "warnings": []note{}})
	return nil
}

// repoRequest is what creates, changes and deletes repositories. Members that
// clients of different ages send are all known.
type repoRequest struct {
	Name         string          `json:"name"`
	Organization *string         `json:"organization"`
	Type         *string         `json:"type"`
	Private      *bool           `json:"private"`
	Visibility   *string         `json:"visibility"`
	Gated        json.RawMessage `json:"gated"`
}

// repoRequested reads who asks for what of a repository that its body names.
func repoRequested(w http.ResponseWriter, r *http.Request) (repo string, q repoRequest, err error) {
	user, err := somebody(r)
	if err == nil {
		err = readJSON(w, r, &q)
	}
	if err == nil {
		repo, err = q.repo(user)
	}
	return repo, q, err
}

// repo returns the repository's full name.
func (q repoRequest) repo(user string) (string, error) {
	if q.Type == nil || *q.Type != "dataset" { // the Hub takes none for a model
		return "", refuse(http.StatusBadRequest, "there are no repositories here but datasets")
	}
	owner, name, full := strings.Cut(q.Name, "/")
	if !full {
		owner, name = user, q.Name
		if q.Organization != nil && *q.Organization != "" {
			owner = *q.Organization
		}
	}
	repo := owner + "/" + name
	if hub.CheckRepo(repo) != nil || oddName(repo) {
		return "", refuse(http.StatusBadRequest, "%.100q is no name of a repository", repo)
	}
	return repo, nil
}

// oddName tells other names that the Hub does not take, see validate_repo_id in
// https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_validators.py.
func oddName(repo string) bool {
	return strings.Contains(repo, "--") || strings.Contains(repo, "..") ||
		strings.HasSuffix(repo, ".git") || strings.HasSuffix(repo, ".ipynb") || strings.HasSuffix(repo, "-") || strings.HasSuffix(repo, ".")
}

// apply changes settings as asked.
func (q repoRequest) apply(to *localhub.Settings) error {
	if q.Private != nil {
		to.Private = *q.Private
	}
	if q.Visibility != nil {
		to.Private = *q.Visibility == "private"
		if !to.Private && *q.Visibility != "public" {
			return refuse(http.StatusBadRequest, "visibility is %.60q, not \"public\" or \"private\"", *q.Visibility)
		}
	}
	switch string(q.Gated) {
	case "", "null":
	case "false":
		to.Gated = ""
	case `"auto"`, `"manual"`:
		to.Gated = strings.Trim(string(q.Gated), `"`)
	default:
		return refuse(http.StatusBadRequest, "gated is %.60s, not \"auto\", \"manual\" or false", q.Gated)
	}
	return nil
}

func (s *Server) createRepo(w http.ResponseWriter, r *http.Request) error {
	repo, q, err := repoRequested(w, r)
	if err != nil {
		return err
	}
	var settings localhub.Settings
	if err := q.apply(&settings); err != nil {
		return err
	}
	url := endpoint(r) + "/datasets/" + repo
	switch _, err := s.store.CreateRepo(r.Context(), repo, settings); {
	case errors.Is(err, localhub.ErrExists):
		return &problem{status: http.StatusConflict, message: "You already created this dataset repo", url: url}
	case err != nil:
		return err
	}
	return ok(w, map[string]any{"url": url, "name": repo, "id": identity(repo)})
}

func (s *Server) deleteRepo(w http.ResponseWriter, r *http.Request) error {
	repo, _, err := repoRequested(w, r)
	if err != nil {
		return err
	}
	err = s.store.DeleteRepo(r.Context(), repo)
	if errors.Is(err, hub.ErrNotFound) {
		return repoNotFound(false)
	}
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}

func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	var q repoRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	settings, err := s.store.Settings(r.Context(), repo)
	if err != nil {
		return err
	}
	if err := q.apply(&settings); err != nil {
		return err
	}
	if err := s.store.SetSettings(r.Context(), repo, settings); err != nil {
		return err
	}
	return ok(w, map[string]any{"private": settings.Private, "gated": gated(settings)})
}

// gated writes the setting as the Hub does.
func gated(s localhub.Settings) any {
	if s.Gated == "" {
		return false
	}
	return s.Gated
}
