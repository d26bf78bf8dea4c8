package devhub

import (
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"finest/hub"
	"finest/hub/localhub"
)

// entry finds the file that a request reads.
func (s *Server) entry(r *http.Request) (ref hub.Ref, e localhub.Entry, err error) {
	repo, err := s.open(r)
	if err != nil {
		return ref, e, err
	}
	if ref, err = s.revision(r, repo); err != nil {
		return ref, e, err
	}
	e, err = s.store.Entry(r.Context(), ref, r.PathValue("path"))
	if err != nil {
		err = absent(err, ref)
	}
	return ref, e, err
}

// resolve serves a file, one in LFS by a redirect to the storage.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request) error {
	ref, e, err := s.entry(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-Repo-Commit", ref.Revision)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": path.Base(e.Path)}))
	if !e.LFS {
		return s.serveBlob(w, r, e)
	}
	to := s.objectURL(r, http.MethodGet, e.File)
	h.Set("X-Linked-Size", itoa(e.Size))
	h.Set("X-Linked-Etag", strconv.Quote(e.SHA256))
	h.Set("Location", to)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusFound)
	_, _ = w.Write([]byte("Found. Redirecting to " + to))
	return nil
}

// raw serves what Git has of a file: of one in LFS its pointer.
func (s *Server) raw(w http.ResponseWriter, r *http.Request) error {
	ref, e, err := s.entry(r)
	if err != nil {
		return err
	}
	w.Header().Set("X-Repo-Commit", ref.Revision)
	if !e.LFS {
		return s.serveBlob(w, r, e)
	}
	w.Header().Set("ETag", strconv.Quote(e.GitID))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(localhub.Pointer(e.File)))
	return nil
}

func (s *Server) serveBlob(w http.ResponseWriter, r *http.Request, e localhub.Entry) error {
	content, err := s.store.OpenObject(r.Context(), e.File, 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	w.Header().Set("ETag", strconv.Quote(e.GitID))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	http.ServeContent(w, r, "", time.Time{}, content)
	return nil
}
