package devhub

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"finest/hub"
)

// storageRoutes returns the object store. Like S3 it answers errors in XML and
// knows nothing of the Hub.
func (s *Server) storageRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+storagePrefix+"objects/{oid}", s.allowed(s.putObject))
	mux.HandleFunc("GET "+storagePrefix+"objects/{oid}", s.allowed(s.getObject))
	mux.HandleFunc("PUT "+storagePrefix+"parts/{id}/{part}", s.allowed(s.putPart))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		storageProblem(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	})
	return mux
}

// storageProblem answers as S3 does,
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
func storageProblem(w http.ResponseWriter, status int, code, message string) {
	raw, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: message})
	if err != nil { // texts always are XML
		raw = nil
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), raw...))
}

// allowed lets requests through whose URL the API has signed.
func (s *Server) allowed(next func(http.ResponseWriter, *http.Request, url.Values)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", s.requestID())
		if r.Header.Get("Authorization") != "" {
			storageProblem(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
			return
		}
		values, ok := s.permitted(r)
		if !ok {
			storageProblem(w, http.StatusForbidden, "AccessDenied", "Request has expired, or its signature is wrong")
			return
		}
		if r.Method == http.MethodPut && r.ContentLength < 0 {
			storageProblem(w, http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
			return
		}
		next(w, r, values)
	}
}

// putObject takes a file in one piece.
func (s *Server) putObject(w http.ResponseWriter, r *http.Request, values url.Values) {
	f := hub.File{SHA256: r.PathValue("oid"), Size: number(values, "size")}
	f.Path = f.SHA256
	if r.ContentLength != f.Size {
		storageProblem(w, http.StatusBadRequest, "InvalidArgument", "the body does not have the size that was asked for")
		return
	}
	err := s.store.StoreObject(r.Context(), f, http.MaxBytesReader(w, r.Body, f.Size))
	if errors.Is(err, hub.ErrCorrupt) {
		storageProblem(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		return
	}
	if err != nil {
		s.o.Log.Debug().Err(err).Msg("devhub: object not stored")
		storageProblem(w, http.StatusServiceUnavailable, "ServiceUnavailable", "the object cannot be stored now")
		return
	}
	w.Header().Set("ETag", etagOf(f))
	w.WriteHeader(http.StatusOK)
}

// getObject serves a file, or ranges of it.
func (s *Server) getObject(w http.ResponseWriter, r *http.Request, values url.Values) {
	f := hub.File{SHA256: r.PathValue("oid"), Size: number(values, "size")}
	f.Path = f.SHA256
	content, err := s.store.OpenObject(r.Context(), f, 0, -1)
	if err != nil {
		s.o.Log.Debug().Err(err).Msg("devhub: object not read")
		storageProblem(w, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
		return
	}
	defer func() { _ = content.Close() }()
	w.Header().Set("ETag", etagOf(f))
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, content)
}

// etagOf is how the storage names an object: not by its SHA-256.
func etagOf(f hub.File) string { return strconv.Quote(f.SHA256[32:]) }
