package devhub

import (
	"errors"
	"net/http"

	"finest/hub"
	"finest/hub/localhub"
)

// maxBatch is how many files one preupload and one LFS batch may name; the
// clients send as many.
const maxBatch = 256

type preuploadRequest struct {
	Files []struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
	} `json:"files"`
	// GitIgnore is the .gitignore that will be committed with the files.
	GitIgnore *string `json:"gitIgnore"`
}

type preuploadFile struct {
	Path         string `json:"path"`
	UploadMode   string `json:"uploadMode"`
	ShouldIgnore bool   `json:"shouldIgnore"`
	// OID is of the file that is there: SHA-256 in LFS, else of Git.
	OID string `json:"oid,omitempty"`
}

// preupload says how files are to be uploaded.
func (s *Server) preupload(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	ref, err := s.revision(r, repo)
	if err != nil {
		return err
	}
	var q preuploadRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if len(q.Files) > maxBatch {
		return refuse(http.StatusBadRequest, "%d files, at most %d are looked at together", len(q.Files), maxBatch)
	}
	ignored, err := s.ignored(r, ref, q.GitIgnore)
	if err != nil {
		return err
	}
	files := make([]preuploadFile, len(q.Files))
	for i, f := range q.Files {
		if f.Size < 0 {
			return refuse(http.StatusBadRequest, "%.200q has the size %d", f.Path, f.Size)
		}
		files[i] = preuploadFile{Path: f.Path, UploadMode: "regular", ShouldIgnore: ignored.match(f.Path)}
		if localhub.InLFS(f.Path, f.Size) {
			files[i].UploadMode = "lfs"
		}
		switch e, err := s.store.Entry(r.Context(), ref, f.Path); {
		case err == nil && e.LFS:
			files[i].OID = e.SHA256
		case err == nil:
			files[i].OID = e.GitID
		case !errors.Is(err, hub.ErrNotFound):
			return err
		}
	}
	return ok(w, map[string]any{"files": files, "commitOid": ref.Revision})
}

// ignored returns the rules of the .gitignore that comes with the files, else of
// the one that is there.
func (s *Server) ignored(r *http.Request, ref hub.Ref, given *string) (ignoreRules, error) {
	if given != nil {
		return parseIgnore(*given), nil
	}
	text, err := hub.ReadFile(r.Context(), s.store, ref, ".gitignore", maxIgnore)
	if err != nil && !errors.Is(err, hub.ErrNotFound) && !errors.Is(err, hub.ErrTooLarge) {
		return nil, err
	}
	return parseIgnore(string(text)), nil
}
