package polite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// sniffLength is how much of a response is looked at to tell an HTML page.
	sniffLength = 512
	// maxSkip is the largest file of which a range is read from a server that
	// knows no ranges; of larger ones that would be no polite thing to do.
	maxSkip = 64 << 20
	// maxTrust is how much memory is set aside because a response promises so
	// many bytes.
	maxTrust = 16 << 20
)

// site is a base of files below a URL.
type site struct {
	root   url.URL
	client *Client
}

var _ Base = (*site)(nil)

// String returns the URL without user and password.
func (s *site) String() string {
	u := s.root
	u.User = nil
	return u.String()
}

// get sends a request for path; header lines are given in pairs.
func (s *site) get(ctx context.Context, method, path string, header ...string) (*http.Response, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	u := s.root
	u.Path += path
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("request %s from %s: %w", path, s, err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	// Stored bytes are wanted: Content-Encoding would be of the transfer alone.
	req.Header.Set("Accept-Encoding", "identity")
	return s.client.Do(req)
}

// statusError returns why a response is not the file, and closes it.
func statusError(resp *http.Response) error {
	Discard(resp)
	class := ErrUnavailable
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		class = ErrNotFound
	case http.StatusRequestedRangeNotSatisfiable:
		class = ErrChanged
	case http.StatusPartialContent, http.StatusNoContent:
		class = ErrUnexpectedContent
	}
	err := fmt.Errorf("%s: %w: HTTP %s", Describe(resp.Request), class, resp.Status)
	if wait, ok := RetryAfter(resp, sentAt(resp)); ok && wait > 0 {
		return &waitError{err, wait}
	}
	return err
}

// waitError is a refusal with the wait that the server asked for.
type waitError struct {
	error
	wait time.Duration
}

func (e *waitError) Unwrap() error { return e.error }

// AskedToWait returns how long the server asked to wait before anything is tried
// again, if err is its refusal. All attempts are over then, or it asked for more
// than Client.MaxWait.
func AskedToWait(err error) (time.Duration, bool) {
	if refusal := (*waitError)(nil); errors.As(err, &refusal) {
		return refusal.wait, true
	}
	return 0, false
}

// sentAt returns when a response was sent by the clock of its server.
func sentAt(resp *http.Response) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// version tells two states of a file apart, as far as the server lets us.
type version struct {
	size           int64 // −1 unknown
	etag, modified string
}

func (v version) String() string {
	return fmt.Sprintf("size %d, ETag %s, Last-Modified %s", v.size, v.etag, v.modified)
}

// versionOf returns the version of a response to a request for a whole file
// (200) or a range (206).
func versionOf(resp *http.Response) version {
	v := version{-1, resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}
	switch resp.StatusCode {
	case http.StatusOK:
		v.size = resp.ContentLength
	case http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		if _, total, ok := strings.Cut(resp.Header.Get("Content-Range"), "/"); ok {
			if n, err := strconv.ParseInt(total, 10, 64); err == nil && n >= 0 {
				v.size = n
			}
		}
	}
	return v
}

// is reports whether v and w may be the same file: what both know is equal.
func (v version) is(w version) bool {
	return (v.size < 0 || w.size < 0 || v.size == w.size) &&
		(v.etag == "" || w.etag == "" || v.etag == w.etag) &&
		(v.modified == "" || w.modified == "" || v.modified == w.modified)
}

// startsAt reports whether a 206 response starts at offset.
func startsAt(resp *http.Response, offset int64) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset))
}

// isPage reports whether head starts an HTML page, such as servers and
// captive portals send with status 200 in place of what was asked for.
func isPage(path string, head []byte) bool {
	if strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".htm") {
		return false
	}
	head = bytes.ToLower(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// Open implements Base.
func (s *site) Open(ctx context.Context, path string) (io.ReadCloser, int64, error) {
	d := &download{ctx: ctx, site: s, path: path, version: version{size: -1}}
	if err := d.connect(); err != nil {
		return nil, 0, err
	}
	head, err := io.ReadAll(io.LimitReader(d, sniffLength))
	if err == nil && isPage(path, head) {
		err = fmt.Errorf("read %s from %s: %w: an HTML page", path, s, ErrUnexpectedContent)
	}
	if err != nil {
		_ = d.Close()
		return nil, 0, err
	}
	d.head = head
	return d, d.version.size, nil
}

// ReadRange implements Base.
func (s *site) ReadRange(ctx context.Context, path string, offset, length int64) ([]byte, int64, error) {
	if err := checkRange(offset, length); err != nil {
		return nil, 0, err
	}
	for attempt := 1; ; attempt++ {
		b, size, err := s.readRange(ctx, path, offset, length)
		if err == nil || !errors.Is(err, errCut) {
			return b, size, err
		}
		if attempt >= s.client.Attempts {
			return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if err := s.client.Rest(ctx, attempt); err != nil {
			return nil, 0, err
		}
	}
}

// readRange is one attempt at ReadRange.
func (s *site) readRange(ctx context.Context, path string, offset, length int64) ([]byte, int64, error) {
	resp, err := s.get(ctx, http.MethodGet, path, "Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	if err != nil {
		return nil, 0, err
	}
	size := versionOf(resp).size
	switch resp.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		if size < 0 || offset < size {
			return nil, 0, statusError(resp)
		}
		Discard(resp)
		return nil, size, nil
	case http.StatusPartialContent:
		if !startsAt(resp, offset) || size <= offset {
			return nil, 0, fmt.Errorf("bad Content-Range %q: %w", resp.Header.Get("Content-Range"), statusError(resp))
		}
	case http.StatusOK:
		return s.cutOut(resp, path, offset, length)
	default:
		return nil, 0, statusError(resp)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := readN(resp.Body, min(length, size-offset))
	if err != nil {
		return nil, 0, s.cut(ctx, path, err)
	}
	return b, size, nil
}

// cutOut reads a range from a whole file, as a server sends it that knows no
// ranges.
func (s *site) cutOut(resp *http.Response, path string, offset, length int64) ([]byte, int64, error) {
	defer func() { _ = resp.Body.Close() }()
	ctx, size := resp.Request.Context(), resp.ContentLength
	head, err := readN(resp.Body, min(max(size, 0), sniffLength))
	switch {
	case err != nil:
		return nil, 0, s.cut(ctx, path, err)
	case isPage(path, head):
		return nil, 0, fmt.Errorf("read %s from %s: %w: an HTML page", path, s, ErrUnexpectedContent)
	case size < 0 || size > maxSkip:
		return nil, 0, fmt.Errorf("read %s from %s: %w: the server knows no ranges", path, s, ErrUnexpectedContent)
	}
	rest, err := readN(resp.Body, size-int64(len(head)))
	if err != nil {
		return nil, 0, s.cut(ctx, path, err)
	}
	whole := append(head, rest...)
	from := min(offset, size)
	return bytes.Clone(whole[from:min(from+length, size)]), size, nil
}

// Size implements Base.
func (s *site) Size(ctx context.Context, path string) (int64, error) {
	resp, err := s.get(ctx, http.MethodHead, path)
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusOK && resp.ContentLength >= 0 {
		return resp.ContentLength, nil
	}
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		return 0, statusError(resp)
	}
	// Some servers do not answer HEAD, or not as they answer GET.
	_, size, err := s.ReadRange(ctx, path, 0, 1)
	return size, err
}

// errCut says that a response ended before its time.
var errCut = errors.New("connection was cut")

// cut returns err as an error of a transfer; errCut unless the context ended.
func (s *site) cut(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("read %s from %s: %w", path, s, ctx.Err())
	}
	return fmt.Errorf("read %s from %s: %w: %w", path, s, errCut, err)
}

// readN reads n bytes. Beyond maxTrust, memory grows with what arrives and not
// with what was promised.
func readN(r io.Reader, n int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(n, maxTrust)) + bytes.MinRead)
	got, err := b.ReadFrom(io.LimitReader(r, n))
	if err == nil && got < n {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}
