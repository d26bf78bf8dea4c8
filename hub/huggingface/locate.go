package huggingface

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"finest/hub"
	"finest/internal/polite"
)

// located is what the hub says about a file and where its content is.
type located struct {
	commit string
	// size of the whole file; −1 unknown.
	size int64
	// sum is the SHA-256 of an LFS object, gitID what Git names another file by;
	// "" unknown.
	sum, gitID string
	// at is where the content is to be fetched; nil if it is in resp.
	at *url.URL
	// resp is the answer itself, open; nil if at is set, the request was a HEAD, or
	// the span lies behind the file's end.
	resp *http.Response
}

// locate asks for a file. span is a Range header, "" for the whole. Redirects
// within the endpoint are of renamed repositories and followed; the one that
// names the file's size, or leaves the endpoint, says where the content is: LFS
// objects are in storage, others in a cache of the endpoint.
func (c *Client) locate(ctx context.Context, method string, ref hub.Ref, path, span string) (*located, error) {
	if err := validateRef(ref); err != nil {
		return nil, err
	}
	if err := validatePath(path); err != nil {
		return nil, err
	}
	to, err := url.Parse(c.endpoint.String() + resolvePath(ref, path))
	if err != nil {
		return nil, fmt.Errorf("path %.200q: %w", path, err)
	}
	for range maxHops + 1 {
		header := rangeHeader(span)
		c.authorize(header, to)
		resp, err := c.exchange(ctx, method, to, header, nil, 0)
		if err != nil {
			return nil, err
		}
		next, err := c.redirect(resp)
		switch {
		case err != nil:
			return nil, err
		case next != nil && (resp.Header.Get("X-Linked-Size") != "" || !c.isOurs(next)):
			polite.Discard(resp)
			return linked(ref, resp, next)
		case next == nil:
			return c.direct(ref, resp)
		}
		polite.Discard(resp)
		to = next
	}
	return nil, fmt.Errorf("%s %s: more than %d redirects: %w", method, to.Host, maxHops, hub.ErrUnavailable)
}

func rangeHeader(span string) http.Header {
	h := http.Header{"Accept": {"*/*"}}
	if span != "" {
		h.Set("Range", span)
	}
	return h
}

// linked reads a redirect to content.
func linked(ref hub.Ref, resp *http.Response, at *url.URL) (*located, error) {
	l := &located{at: at}
	if err := l.readHeader(ref, resp); err != nil {
		return nil, err
	}
	if l.size < 0 {
		return nil, strange("%s: the hub does not say how long the file is", polite.Describe(resp.Request))
	}
	return l, nil
}

// direct reads an answer that is the content, or its header.
func (c *Client) direct(ref hub.Ref, resp *http.Response) (*located, error) {
	l := &located{resp: resp}
	total := resp.ContentLength
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		_, total = contentRange(resp)
	case http.StatusRequestedRangeNotSatisfiable:
		if _, total = contentRange(resp); total < 0 {
			return nil, c.failure(resp)
		}
		polite.Discard(resp)
		return &located{commit: ref.Revision, size: total}, nil
	default:
		return nil, c.failure(resp)
	}
	err := l.readHeader(ref, resp)
	switch {
	case err != nil:
	case encoded(resp):
		err = strange("%s: content encoded as %.40q, which was not asked for", polite.Describe(resp.Request), resp.Header.Get("Content-Encoding"))
	case l.size < 0:
		l.size = total
	case total >= 0 && l.size != total:
		err = fmt.Errorf("%s: %d bytes instead of %d: %w", polite.Describe(resp.Request), total, l.size, hub.ErrCorrupt)
	}
	if err == nil && resp.Request.Method != http.MethodHead {
		return l, nil
	}
	_ = resp.Body.Close()
	l.resp = nil
	return l, err
}

// readHeader reads what the hub says about a file. Answers without X-Repo-Commit
// come from something else, such as the page of a captive portal.
func (l *located) readHeader(ref hub.Ref, resp *http.Response) error {
	h := resp.Header
	l.commit = h.Get("X-Repo-Commit")
	if l.commit == "" {
		return strange("%s: status %s and type %.40q without X-Repo-Commit: this is not the hub", polite.Describe(resp.Request), resp.Status, h.Get("Content-Type"))
	}
	if err := checkCommit(ref, l.commit); err != nil {
		return fmt.Errorf("%s: %w", polite.Describe(resp.Request), err)
	}
	l.size = -1
	if text := h.Get("X-Linked-Size"); text != "" {
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || size < 0 || size > maxSize {
			return fmt.Errorf("%s: a file of %.40q bytes: %w", polite.Describe(resp.Request), text, hub.ErrCorrupt)
		}
		l.size = size
	}
	switch etag := trimETag(h.Get("X-Linked-Etag")); {
	case isHash(etag):
		l.sum = etag
	case hub.IsSHA(etag):
		l.gitID = etag
	default:
		if etag = trimETag(h.Get("ETag")); hub.IsSHA(etag) && l.at == nil {
			l.gitID = etag
		}
	}
	return nil
}

// same reports whether l and m are the same file as far as the hub says.
func (l *located) same(m *located) bool {
	return l.sum == m.sum && l.gitID == m.gitID && (l.size == m.size || l.size < 0 || m.size < 0)
}

func (l *located) String() string { return fmt.Sprintf("%d bytes %s%s", l.size, l.sum, l.gitID) }

// trimETag returns an entity tag without quotes and the mark of a weak one.
func trimETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
}

// contentRange reads "bytes 0-9/100" or "bytes */100" (RFC 9110, 14.4); −1 is
// unknown.
func contentRange(resp *http.Response) (first, total int64) {
	first, total = -1, -1
	span, found := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	span, size, slash := strings.Cut(span, "/")
	if !found || !slash {
		return first, total
	}
	if n, err := strconv.ParseInt(size, 10, 64); err == nil && n >= 0 && n <= maxSize {
		total = n
	}
	from, _, _ := strings.Cut(span, "-")
	if n, err := strconv.ParseInt(from, 10, 64); err == nil && n >= 0 {
		first = n
	}
	return first, total
}

// encoded reports whether a body is not as stored.
func encoded(resp *http.Response) bool {
	e := resp.Header.Get("Content-Encoding")
	return e != "" && !strings.EqualFold(e, "identity")
}
