package devhub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"finest/hub"
	"finest/hub/localhub"
)

// maxUploads bounds the multipart uploads that are under way; each holds a file
// open.
const maxUploads = 256

// upload is a file that arrives in parts.
type upload struct {
	content *localhub.Incoming
	expires time.Time

	completing sync.Mutex // held while the parts are put together
	over       bool       // content is an object or gone; under completing

	mu      sync.Mutex
	etags   map[int]string // of the parts that are here
	stopped bool           // no part is let in
	busy    sync.WaitGroup // parts that are being written
}

// multipart returns the action that uploads a file in parts: the URL that
// completes it, and in the header the URLs of the parts by number.
func (s *Server) multipart(r *http.Request, f hub.File, chunk int64, parts int) actionJSON {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	name := hex.EncodeToString(id)
	query := s.query(url.Values{"oid": {f.SHA256}, "size": {itoa(f.Size)}, "chunk": {itoa(chunk)}, "upload": {name}})
	storage := s.storageEndpoint(r)
	header := map[string]string{"chunk_size": itoa(chunk)}
	for n := 1; n <= parts; n++ {
		path := fmt.Sprintf("%sparts/%s/%d", storagePrefix, name, n)
		header[strconv.Itoa(n)] = storage + s.sign(permit{http.MethodPut, path, query})
	}
	href := endpoint(r) + s.sign(permit{http.MethodPost, completePath, query})
	return actionJSON{Href: href, Header: header}
}

// upload returns the upload of an id, a new one if it has none.
func (s *Server) upload(id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.uploads[id]; ok {
		return u, nil
	}
	now := s.o.Now()
	for id, u := range s.uploads {
		if now.After(u.expires) {
			delete(s.uploads, id)
			s.ending.Go(u.end)
		}
	}
	if s.closed || len(s.uploads) >= maxUploads {
		return nil, errors.New("too many uploads are under way")
	}
	content, err := s.store.NewIncoming()
	if err != nil {
		return nil, err
	}
	u := &upload{content: content, expires: now.Add(Expiry), etags: map[int]string{}}
	s.uploads[id] = u
	return u, nil
}

// lookUp returns an upload, nil if there is none of that id.
func (s *Server) lookUp(id string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads[id]
}

// forget drops an upload.
func (s *Server) forget(id string) {
	s.mu.Lock()
	u := s.uploads[id]
	delete(s.uploads, id)
	s.mu.Unlock()
	if u != nil {
		s.ending.Go(u.end) // parts that are being written may take their time
	}
}

// begin tells whether a part may be written; done must follow then.
func (u *upload) begin() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return false
	}
	u.busy.Add(1)
	return true
}

func (u *upload) done(part int, etag string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if etag == "" {
		delete(u.etags, part) // only some of its bytes may be there
	} else {
		u.etags[part] = etag
	}
	u.busy.Done()
}

// stop lets no part in, until it is undone, and waits for those that are being
// written.
func (u *upload) stop() {
	u.mu.Lock()
	u.stopped = true
	u.mu.Unlock()
	u.busy.Wait()
}

func (u *upload) goOn() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = false
}

// end drops what is there of a file.
func (u *upload) end() {
	u.completing.Lock()
	defer u.completing.Unlock()
	u.stop()
	u.close()
}

// close is called under completing, with the parts stopped.
func (u *upload) close() {
	u.over = true
	_ = u.content.Close()
}

// putPart takes one part of a file to its place.
func (s *Server) putPart(w http.ResponseWriter, r *http.Request, values url.Values) {
	part, err := strconv.Atoi(r.PathValue("part"))
	size, chunk := number(values, "size"), number(values, "chunk")
	offset := int64(part-1) * chunk
	if err != nil || r.ContentLength != min(chunk, size-offset) {
		storageProblem(w, http.StatusBadRequest, "InvalidArgument", "the body does not have the size of the part")
		return
	}
	u, err := s.upload(values.Get("upload"))
	if err != nil || !u.begin() {
		storageProblem(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
		return
	}
	etag := ""
	defer func() { u.done(part, etag) }()
	sum := crc32.New(castagnoli)
	to := io.MultiWriter(io.NewOffsetWriter(u.content, offset), sum)
	n, err := io.CopyBuffer(to, http.MaxBytesReader(w, r.Body, r.ContentLength), make([]byte, copyBytes))
	if err != nil || n != r.ContentLength {
		s.o.Log.Debug().Err(err).Int64("bytes", n).Msg("devhub: part not stored")
		storageProblem(w, http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
		return
	}
	etag = fmt.Sprintf(`"%08x-%d"`, sum.Sum32(), part)
	w.Header().Set("ETag", etag)
	w.WriteHeader(http.StatusOK)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// copyBytes is how much of a body is read at a time.
const copyBytes = 128 << 10

type completeRequest struct {
	OID   string `json:"oid"`
	Parts []struct {
		PartNumber int    `json:"partNumber"`
		ETag       string `json:"etag"`
	} `json:"parts"`
}

// complete makes an object of the parts. Repeated for an object that is there it
// does nothing.
func (s *Server) complete(w http.ResponseWriter, r *http.Request) error {
	values, good := s.permitted(r)
	if !good {
		return refuse(http.StatusForbidden, "the URL has expired, or its signature is wrong")
	}
	var q completeRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	f := hub.File{Path: q.OID, SHA256: values.Get("oid"), Size: number(values, "size")}
	if q.OID != f.SHA256 {
		return refuse(http.StatusBadRequest, "the upload is not of the object %.64q", q.OID)
	}
	// A client that went away may ask again for what is done meanwhile.
	ctx := context.WithoutCancel(r.Context())
	id := values.Get("upload")
	u := s.lookUp(id)
	if u != nil {
		u.completing.Lock()
		defer u.completing.Unlock()
	}
	switch has, err := s.store.HasObject(ctx, f); {
	case err != nil:
		return err
	case has:
		s.forget(id)
		return ok(w, map[string]any{"success": true})
	case u == nil || u.over:
		return refuse(http.StatusNotFound, "NoSuchUpload: the upload has no parts, or has ended")
	}
	if err := s.assemble(ctx, u, q, f, int((f.Size-1)/number(values, "chunk")+1)); err != nil {
		return err
	}
	s.forget(id)
	return ok(w, map[string]any{"success": true})
}

// assemble makes f of the parts of an upload, which takes other parts again if
// they are not those of f.
func (s *Server) assemble(ctx context.Context, u *upload, q completeRequest, f hub.File, parts int) error {
	u.stop()
	err := u.check(q, parts)
	if err == nil {
		err = u.content.Keep(ctx, f)
	}
	if err != nil {
		u.goOn()
	}
	if errors.Is(err, hub.ErrCorrupt) {
		return refuse(http.StatusBadRequest, "the parts are not the object %s of %d bytes", f.SHA256, f.Size)
	}
	return err
}

// check holds the parts of a completion against those that are here.
func (u *upload) check(q completeRequest, want int) error {
	if len(q.Parts) != want {
		return refuse(http.StatusBadRequest, "%d parts, the object has %d", len(q.Parts), want)
	}
	for i, p := range q.Parts {
		if p.PartNumber != i+1 {
			return refuse(http.StatusBadRequest, "InvalidPartOrder: part %d is in the place of part %d", p.PartNumber, i+1)
		}
		etag := u.etags[p.PartNumber]
		if etag == "" || p.ETag != etag && strconv.Quote(p.ETag) != etag {
			return refuse(http.StatusBadRequest, "InvalidPart: part %d has not arrived, or has another ETag", p.PartNumber)
		}
	}
	return nil
}

// removeUploads ends all uploads.
func (s *Server) removeUploads() {
	s.mu.Lock()
	uploads := s.uploads
	s.uploads = map[string]*upload{}
	s.mu.Unlock()
	for _, u := range uploads {
		u.end()
	}
}
