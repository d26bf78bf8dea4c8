package huggingface

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"finest/hub"
	"finest/internal/polite"
)

const (
	// maxSkip is how much of an answer is read over when a server knows no ranges.
	maxSkip = 64 << 20
	// maxResumes bounds how often one read is taken up again, each time for two
	// requests.
	maxResumes = 200
)

// Open reads length bytes of a file from offset. A connection that is cut, or
// ends early, is taken up where it was, at the commit that reading began with.
// The whole of a file is compared with its hash, and the reader ends with
// hub.ErrCorrupt instead of io.EOF if it differs.
func (c *Client) Open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	r, err := c.open(ctx, ref, path, offset, length)
	if err != nil {
		return nil, fmt.Errorf("open %.200q of %s: %w", path, ref, err)
	}
	return r, nil
}

func (c *Client) open(ctx context.Context, ref hub.Ref, path string, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 || offset > maxSize {
		return nil, fmt.Errorf("offset %d is in no file", offset)
	}
	r := &reader{client: c, ctx: ctx, ref: ref, path: path, from: offset, at: offset, length: min(length, maxSize)}
	for err := r.connect(); err != nil; err = r.connect() {
		if err := r.failed(err); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// reader reads a span of a file over as many connections as it takes.
type reader struct {
	client *Client
	ctx    context.Context
	ref    hub.Ref // by commit once the first answer is there
	path   string
	from   int64
	length int64 // as asked for; negative is to the end

	file    *located // what the first answer said; nil before
	sum     hash.Hash
	want    string // what sum must be in the end
	body    io.ReadCloser
	at      int64 // offset of the next byte
	resumes int   // so far
	fails   int   // since the last byte
	cut     error // why body ended, to be dealt with by the next Read
	err     error // final
}

// connect begins to read at the offset reached so far.
func (r *reader) connect() error {
	method := http.MethodGet
	if r.length == 0 {
		method = http.MethodHead
	}
	l, err := r.client.locate(r.ctx, method, r.ref, r.path, r.span())
	if err != nil {
		return err
	}
	resp := l.resp
	if err := r.adopt(l); err != nil {
		polite.Discard(resp)
		return err
	}
	if end, known := r.end(); known && r.at >= end {
		polite.Discard(resp)
		return nil
	}
	if l.at != nil {
		if resp, err = r.fetch(l); err != nil {
			return err
		}
	}
	if resp == nil {
		return strange("the hub says that byte %d is behind the end of %d bytes", r.at, l.size)
	}
	if err := r.begin(resp); err != nil {
		_ = resp.Body.Close()
		return err
	}
	r.body = resp.Body
	return nil
}

// span is the Range header of what is left to read.
func (r *reader) span() string {
	switch {
	case r.length > 0:
		return fmt.Sprintf("bytes=%d-%d", r.at, r.from+r.length-1)
	case r.length < 0 && r.at > 0:
		return fmt.Sprintf("bytes=%d-", r.at)
	}
	return ""
}

// adopt takes the first answer for what the file is, and compares later ones.
func (r *reader) adopt(l *located) error {
	if r.file != nil {
		if !l.same(r.file) {
			return fmt.Errorf("it was %s, now %s: %w", r.file, l, hub.ErrCorrupt)
		}
		r.file.size = max(r.file.size, l.size)
		return nil
	}
	if l.size >= 0 && r.from > l.size {
		return fmt.Errorf("offset %d in a file of %d bytes", r.from, l.size)
	}
	r.file, r.ref.Revision = l, l.commit
	if whole := r.from == 0 && (r.length < 0 || l.size >= 0 && r.length >= l.size); !whole {
		return nil
	}
	switch {
	case l.sum != "":
		r.sum, r.want = sha256.New(), l.sum
	case l.gitID != "" && l.size >= 0:
		r.sum, r.want = newBlob(l.size), l.gitID
	}
	return nil
}

// end returns the offset that reading ends at, and whether it is known: a file
// without a length ends where its answer does.
func (r *reader) end() (int64, bool) {
	switch {
	case r.length < 0:
		return r.file.size, r.file.size >= 0
	case r.file.size < 0:
		return r.from + r.length, true
	}
	return min(r.from+r.length, r.file.size), true
}

// errStorage says that storage has not what the hub says it has. Its URLs expire,
// so the hub is asked for another one.
var errStorage = errors.New("storage does not serve it")

// fetch asks storage, which gets no token unless it is the endpoint itself.
func (r *reader) fetch(l *located) (*http.Response, error) {
	header := rangeHeader(r.span())
	r.client.authorize(header, l.at)
	resp, err := r.client.send(r.ctx, http.MethodGet, l.at, header, nil, 0)
	var answer *Error
	switch {
	case !errors.As(err, &answer):
		return resp, err
	case answer.Status == http.StatusRequestedRangeNotSatisfiable:
		return nil, fmt.Errorf("%s: byte %d of %d is behind the end: %w", answer.Request, r.at, l.size, hub.ErrCorrupt)
	case isBusy(answer.Status):
		return nil, err
	}
	// The class of the answer is left out: that the hub denies or does not know
	// the file is not what storage says.
	return nil, fmt.Errorf("%w: %s: %d %s", errStorage, answer.Request, answer.Status, answer.Message)
}

// begin checks that an answer goes on at the offset reached, or brings it there.
func (r *reader) begin(resp *http.Response) error {
	where := polite.Describe(resp.Request)
	size := r.file.size
	switch {
	case encoded(resp):
		return strange("%s: content encoded as %.40q, which was not asked for", where, resp.Header.Get("Content-Encoding"))
	case resp.StatusCode == http.StatusPartialContent && r.span() != "":
		first, total := contentRange(resp)
		if first != r.at {
			return strange("%s: Content-Range %.60q for %s", where, resp.Header.Get("Content-Range"), r.span())
		}
		return r.checkSize(where, total)
	case resp.StatusCode != http.StatusOK:
		return strange("%s: status %s for a file", where, resp.Status)
	case resp.ContentLength != size && isPage(resp, r.path):
		return strange("%s: a page of type %.40q in place of the file", where, resp.Header.Get("Content-Type"))
	}
	if err := r.checkSize(where, resp.ContentLength); err != nil {
		return err
	}
	if r.at > maxSkip {
		return strange("%s: storage knows no ranges, and %d bytes are too many to read over", where, r.at)
	}
	// What is here already must be read over, not appended.
	if _, err := io.CopyN(io.Discard, resp.Body, r.at); err != nil {
		return r.broken(err)
	}
	return nil
}

// checkSize compares the size of an answer, −1 if it does not say, with what the
// hub says.
func (r *reader) checkSize(where string, size int64) error {
	if size >= 0 && r.file.size >= 0 && size != r.file.size {
		return fmt.Errorf("%s: a file of %d bytes instead of %d: %w", where, size, r.file.size, hub.ErrCorrupt)
	}
	return nil
}

// isPage reports whether an answer is a page such as captive portals send.
func isPage(resp *http.Response, path string) bool {
	return strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html") &&
		!strings.HasSuffix(path, ".html") && !strings.HasSuffix(path, ".htm")
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for r.err == nil {
		if end, known := r.end(); known && r.at >= end {
			r.err = r.finish()
			break
		}
		err := r.cut
		switch r.cut = nil; {
		case err != nil:
		case r.body == nil:
			err = r.connect()
		default:
			if n := r.read(p); n > 0 || len(p) == 0 {
				return n, nil
			}
		}
		if err == nil {
			continue
		}
		if err := r.failed(err); err != nil {
			r.err = fmt.Errorf("read %.200q of %s: %w", r.path, r.ref, err)
		}
	}
	return 0, r.err
}

// read reads from the present connection, and gives it up when it ends.
func (r *reader) read(p []byte) int {
	if end, known := r.end(); known {
		p = p[:min(int64(len(p)), end-r.at)]
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	if r.sum != nil {
		_, _ = r.sum.Write(p[:n])
	}
	if n > 0 {
		r.fails = 0
	}
	if err == nil {
		return n
	}
	_ = r.body.Close()
	r.body = nil
	if errors.Is(err, io.EOF) {
		if r.file.size < 0 {
			r.file.size = r.at
		}
		if end, _ := r.end(); r.at >= end {
			return n
		}
		err = io.ErrUnexpectedEOF
	}
	r.cut = r.broken(err)
	return n
}

// broken returns why a transfer ended before its time.
func (r *reader) broken(err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	return fmt.Errorf("at byte %d of %d: %w: %w", r.at, r.file.size, errCut, err)
}

// failed returns err if it is final. After a cut it waits and returns nil.
func (r *reader) failed(err error) error {
	if !errors.Is(err, errCut) && !errors.Is(err, errStorage) {
		return err
	}
	r.resumes++
	r.fails++
	if r.fails >= r.client.http.Attempts || r.resumes > maxResumes {
		return fmt.Errorf("%w: %w", hub.ErrUnavailable, err)
	}
	return r.client.http.Rest(r.ctx, r.fails)
}

// finish returns io.EOF if what was read is what was asked for.
func (r *reader) finish() error {
	if r.sum != nil {
		if got := hex.EncodeToString(r.sum.Sum(nil)); got != r.want {
			return fmt.Errorf("read %.200q of %s: its hash is %s, not %s: %w", r.path, r.ref, got, r.want, hub.ErrCorrupt)
		}
	}
	if r.length >= 0 && r.at < r.from+r.length {
		return fmt.Errorf("read %.200q of %s: %d bytes from %d go beyond its end at %d: %w", r.path, r.ref, r.length, r.from, r.at, io.ErrUnexpectedEOF)
	}
	return io.EOF
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.err == nil {
		r.err = fmt.Errorf("read %.200q: %w", r.path, io.ErrClosedPipe)
	}
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
