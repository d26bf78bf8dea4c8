package devhub

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"finest/hub"
	"finest/internal/canon"
)

const (
	lfsMedia = "application/vnd.git-lfs+json"
	// maxFile is the largest file that the Hub takes, in bytes.
	maxFile = 500_000_000_000
	// maxParts is how many parts an object store puts together.
	maxParts = 10_000
	// maxBatchParts bounds the URLs of one batch.
	maxBatchParts = 50_000
)

type batchRequest struct {
	Operation string       `json:"operation"`
	Transfers []string     `json:"transfers"`
	HashAlgo  string       `json:"hash_algo"`
	Objects   []objectJSON `json:"objects"`
}

// objectJSON is an object in a batch,
// https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md.
type objectJSON struct {
	OID           string                `json:"oid"`
	Size          int64                 `json:"size"`
	Authenticated bool                  `json:"authenticated,omitempty"`
	Actions       map[string]actionJSON `json:"actions,omitempty"`
	Error         *objectError          `json:"error,omitempty"`
}

type actionJSON struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header,omitempty"`
}

type objectError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// lfsRepo drops the ".git" that repositories have in URLs of LFS.
func lfsRepo(r *http.Request) error {
	name, isGit := strings.CutSuffix(r.PathValue("name"), ".git")
	if !isGit {
		return nowhere(nil, nil)
	}
	r.SetPathValue("name", name)
	return nil
}

// lfsBatch says where objects are to be sent, or read.
func (s *Server) lfsBatch(w http.ResponseWriter, r *http.Request) error {
	if err := lfsRepo(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", lfsMedia)
	repo, _, err := s.readable(r)
	if err != nil {
		return err
	}
	var q batchRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	switch {
	case len(q.Objects) > maxBatch:
		return refuse(http.StatusRequestEntityTooLarge, "%d objects, at most %d in a batch", len(q.Objects), maxBatch)
	case q.HashAlgo != "" && q.HashAlgo != "sha256" && q.HashAlgo != "sha_256": // as @huggingface/hub has it
		return refuse(http.StatusConflict, "hash algorithm %.60q is not sha256", q.HashAlgo)
	case q.Operation == "upload":
		_, err = s.writable(r)
	case q.Operation == "download":
		_, err = s.open(r)
	default:
		err = refuse(http.StatusUnprocessableEntity, "operation %.60q is neither upload nor download", q.Operation)
	}
	if err != nil {
		return err
	}
	b := &batch{server: s, request: r, repo: repo, multipart: slices.Contains(q.Transfers, "multipart")}
	answer := b.upload
	if q.Operation == "download" {
		answer = b.download
	}
	for i := range q.Objects {
		o := &q.Objects[i]
		*o = objectJSON{OID: o.OID, Size: o.Size}
		if err := validObject(*o); err != nil {
			o.Error = err
			continue
		}
		if err := answer(o); err != nil {
			return err
		}
	}
	transfer := "basic"
	if b.parts > 0 {
		transfer = "multipart"
	}
	return ok(w, map[string]any{"transfer": transfer, "objects": q.Objects, "hash_algo": "sha256"})
}

func validObject(o objectJSON) *objectError {
	if _, err := canon.ParseHash(o.OID); err != nil {
		return &objectError{http.StatusUnprocessableEntity, "the oid is not a SHA-256 in hex"}
	}
	if o.Size < 0 || o.Size > maxFile {
		return &objectError{http.StatusUnprocessableEntity, "the size is negative or larger than 500 GB"}
	}
	return nil
}

// batch is one that is being answered.
type batch struct {
	server    *Server
	request   *http.Request
	repo      string
	multipart bool // the client can
	parts     int  // of all uploads so far
}

func (o objectJSON) file() hub.File { return hub.File{Path: o.OID, Size: o.Size, SHA256: o.OID} }

// upload adds the actions that bring an object here; none if it is here.
func (b *batch) upload(o *objectJSON) error {
	s, r := b.server, b.request
	has, err := s.store.HasObject(r.Context(), o.file())
	if err != nil || has {
		return err
	}
	upload := actionJSON{Href: s.objectURL(r, http.MethodPut, o.file())}
	if b.multipart && o.Size > s.o.ChunkSize {
		chunk := max(s.o.ChunkSize, (o.Size+maxParts-1)/maxParts)
		parts := int((o.Size + chunk - 1) / chunk)
		if b.parts += parts; b.parts > maxBatchParts {
			o.Error = &objectError{http.StatusRequestEntityTooLarge, "too many parts in one batch"}
			return nil
		}
		upload = s.multipart(r, o.file(), chunk, parts)
	}
	verify := endpoint(r) + "/datasets/" + b.repo + ".git/info/lfs/objects/verify"
	o.Authenticated = true
	o.Actions = map[string]actionJSON{"upload": upload, "verify": {Href: verify}}
	return nil
}

func (b *batch) download(o *objectJSON) error {
	has, err := b.server.store.HasObject(b.request.Context(), o.file())
	switch {
	case err != nil:
		return err
	case !has:
		o.Error = &objectError{http.StatusNotFound, "Object does not exist"}
	default:
		o.Authenticated = true
		o.Actions = map[string]actionJSON{"download": {Href: b.server.objectURL(b.request, http.MethodGet, o.file())}}
	}
	return nil
}

// lfsVerify says whether an object has arrived.
func (s *Server) lfsVerify(w http.ResponseWriter, r *http.Request) error {
	if err := lfsRepo(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", lfsMedia)
	if _, err := s.writable(r); err != nil {
		return err
	}
	var o objectJSON
	if err := readJSON(w, r, &o); err != nil {
		return err
	}
	if bad := validObject(o); bad != nil {
		return refuse(bad.Code, "%s", bad.Message)
	}
	size, err := s.store.ObjectSize(r.Context(), o.OID)
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return refuse(http.StatusNotFound, "Object %s does not exist", o.OID)
	case err != nil:
		return err
	case size != o.Size:
		return refuse(http.StatusUnprocessableEntity, "object %s has %d bytes, not %d", o.OID, size, o.Size)
	}
	return ok(w, map[string]any{"success": true})
}
