package devhub

import "net/http"

// maxGranted bounds the users that are let into gated repositories.
const maxGranted = 10_000

// letIn lets a user read a gated repository, as long as the server runs. Owners
// may read their own.
func (s *Server) letIn(repo, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.granted) >= maxGranted {
		clear(s.granted)
	}
	s.granted[repo+" "+user] = true
}

// mayOpen says whether the caller may read contents of a repository.
func (s *Server) mayOpen(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.open(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// grant lets a user into a gated repository.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	var q struct {
		User string `json:"user"`
	}
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if !nameRE.MatchString(q.User) {
		return refuse(http.StatusBadRequest, "%.100q is no name of a user", q.User)
	}
	s.letIn(repo, q.User)
	w.WriteHeader(http.StatusOK)
	return nil
}

// askAccess lets the caller into a repository that is gated "auto".
func (s *Server) askAccess(w http.ResponseWriter, r *http.Request) error {
	user, err := somebody(r)
	if err != nil {
		return err
	}
	repo, settings, err := s.readable(r)
	if err != nil {
		return err
	}
	if settings.Gated == "auto" {
		s.letIn(repo, user)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
