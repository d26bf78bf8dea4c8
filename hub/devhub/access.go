package devhub

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"finest/hub"
	"finest/hub/localhub"
)

// nameRE matches names of users.
var nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)

// caller returns who asks: the user of the token "hf_<user>", "user" where the
// rest of the token is no name, "" for nobody.
func caller(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", nil
	}
	name, good := strings.CutPrefix(strings.TrimPrefix(header, "Bearer "), "hf_")
	if !good || name == "" || !strings.HasPrefix(header, "Bearer ") {
		return "", &problem{status: http.StatusUnauthorized, message: "Invalid credentials in Authorization header"}
	}
	if !nameRE.MatchString(name) {
		return "user", nil
	}
	return name, nil
}

// somebody is caller for what nobody may do without a token.
func somebody(r *http.Request) (string, error) {
	name, err := caller(r)
	if err == nil && name == "" {
		err = repoNotFound(true)
	}
	return name, err
}

// readable returns the repository that a request names, if the caller may know
// of it.
func (s *Server) readable(r *http.Request) (repo string, settings localhub.Settings, err error) {
	user, err := caller(r)
	if err != nil {
		return "", settings, err
	}
	repo = r.PathValue("owner") + "/" + r.PathValue("name")
	if hub.CheckRepo(repo) != nil {
		return "", settings, repoNotFound(user == "")
	}
	settings, err = s.store.Settings(r.Context(), repo)
	switch {
	case errors.Is(err, hub.ErrNotFound), err == nil && settings.Private && user == "":
		return "", settings, repoNotFound(user == "")
	case err != nil:
		return "", settings, err
	}
	return repo, settings, nil
}

// writable returns the repository that a request is to change.
func (s *Server) writable(r *http.Request) (repo string, err error) {
	if _, err := somebody(r); err != nil {
		return "", err
	}
	repo, _, err = s.readable(r)
	return repo, err
}

// open returns the repository that a request reads contents of, if the caller is
// let in.
func (s *Server) open(r *http.Request) (repo string, err error) {
	repo, settings, err := s.readable(r)
	if err != nil || settings.Gated == "" {
		return repo, err
	}
	user, err := caller(r)
	if err != nil {
		return "", err
	}
	owner, _, _ := strings.Cut(repo, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case user == "":
		return "", &problem{
			status: http.StatusUnauthorized, code: "GatedRepo",
			message: "Access to dataset " + repo + " is restricted. You must have access to it and be authenticated to access it. Please log in.",
		}
	case user != owner && !s.granted[repo+" "+user]:
		return "", &problem{
			status: http.StatusForbidden, code: "GatedRepo",
			message: "Access to dataset " + repo + " is restricted and you are not in the authorized list. Visit " +
				endpoint(r) + "/datasets/" + repo + " to ask for access.",
		}
	}
	return repo, nil
}

// at returns the commit that a request reads of a repository, if the caller may
// know of it.
func (s *Server) at(r *http.Request) (hub.Ref, error) {
	repo, _, err := s.readable(r)
	if err != nil {
		return hub.Ref{}, err
	}
	return s.revision(r, repo)
}

// revision returns a repository's revision as a request names it, and the commit
// it stands at.
func (s *Server) revision(r *http.Request, repo string) (ref hub.Ref, err error) {
	named := r.PathValue("rev")
	sha, err := s.store.Head(r.Context(), hub.Ref{Repo: repo, Revision: named})
	if errors.Is(err, hub.ErrNotFound) || errors.Is(err, localhub.ErrBadRequest) || err == nil && sha == "" {
		return hub.Ref{}, revisionNotFound(named)
	}
	return hub.Ref{Repo: repo, Revision: sha}, err
}
