package devhub

import (
	"errors"
	"io"
	"net/http"

	"finest/hub"
	"finest/hub/localhub"
)

// branchRequest asks for a branch, a tag or a squash.
type branchRequest struct {
	StartingPoint string `json:"startingPoint"`
	Tag           string `json:"tag"`
	Message       string `json:"message"`
}

// branchRequested reads what is asked of a branch; clients send nothing at all
// where nothing is to be said.
func (s *Server) branchRequested(w http.ResponseWriter, r *http.Request) (repo string, q branchRequest, err error) {
	repo, err = s.writable(r)
	if err != nil {
		return "", q, err
	}
	if r.ContentLength != 0 {
		err = readJSON(w, r, &q)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return repo, q, err
}

// settle answers a change of a branch or tag.
func settle(w http.ResponseWriter, err error, revision string) error {
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return revisionNotFound(revision)
	case errors.Is(err, localhub.ErrExists):
		return refuse(http.StatusConflict, "Reference already exists")
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) createBranch(w http.ResponseWriter, r *http.Request) error {
	repo, q, err := s.branchRequested(w, r)
	if err != nil {
		return err
	}
	return settle(w, s.store.CreateBranch(r.Context(), repo, r.PathValue("branch"), q.StartingPoint), q.StartingPoint)
}

func (s *Server) deleteBranch(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	name := r.PathValue("branch")
	return settle(w, s.store.DeleteBranch(r.Context(), repo, name), name)
}

func (s *Server) createTag(w http.ResponseWriter, r *http.Request) error {
	repo, q, err := s.branchRequested(w, r)
	if err != nil {
		return err
	}
	revision := r.PathValue("rev")
	return settle(w, s.store.CreateTag(r.Context(), repo, q.Tag, revision, q.Message), revision)
}

func (s *Server) deleteTag(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	name := r.PathValue("rev")
	return settle(w, s.store.DeleteTag(r.Context(), repo, name), name)
}

// squash makes one commit of a branch's history; the shas before are gone.
func (s *Server) squash(w http.ResponseWriter, r *http.Request) error {
	repo, q, err := s.branchRequested(w, r)
	if err != nil {
		return err
	}
	branch := r.PathValue("branch")
	if q.Message == "" {
		q.Message = "Super-squash branch '" + branch + "' using huggingface_hub"
	}
	_, err = s.store.Squash(r.Context(), repo, branch, q.Message)
	return settle(w, err, branch)
}
