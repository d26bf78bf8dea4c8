package polite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxResumes bounds how often one download is taken up again. Each time costs
// the server a request, so a line that drops every few megabytes is worth it
// and one that drops every few kilobytes is not.
const maxResumes = 500

// download reads a whole file over as many connections as it takes. What makes
// that sound: the length is known from the first response, so that a connection
// that ends cleanly but early is noticed, and the file's version is compared
// with every later one, so that two states of it never mix.
type download struct {
	ctx     context.Context
	site    *site
	path    string
	version version
	head    []byte // read already, to be returned first
	body    io.ReadCloser
	at      int64 // offset of the next byte of body
	resumes int   // so far
	fails   int   // since the last byte
	cut     error // why body ended, to be dealt with by the next Read
	err     error // final
}

// connect begins to read at the offset reached so far.
func (d *download) connect() error {
	var header []string
	if d.at > 0 {
		header = []string{"Range", fmt.Sprintf("bytes=%d-", d.at)}
		if etag := d.version.etag; etag != "" && !strings.HasPrefix(etag, "W/") {
			header = append(header, "If-Range", etag)
		}
	}
	resp, err := d.site.get(d.ctx, http.MethodGet, d.path, header...)
	if err != nil {
		return err
	}
	v := versionOf(resp)
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode == http.StatusPartialContent && d.at > 0 && startsAt(resp, d.at):
	default:
		return statusError(resp)
	}
	if d.at > 0 && !v.is(d.version) {
		_ = resp.Body.Close()
		return fmt.Errorf("read %s from %s: %w: it was %v, now %v", d.path, d.site, ErrChanged, d.version, v)
	}
	if resp.StatusCode == http.StatusOK && d.at > 0 {
		// The server knows no ranges: it began again, and what is here already
		// must be read over, not appended.
		if n, err := io.CopyN(io.Discard, resp.Body, d.at); err != nil {
			_ = resp.Body.Close()
			return d.site.cut(d.ctx, d.path, fmt.Errorf("at byte %d: %w", n, err))
		}
	}
	if d.at == 0 {
		d.version = v
	}
	d.body = resp.Body
	return nil
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	if len(d.head) > 0 {
		n := copy(p, d.head)
		d.head = d.head[n:]
		return n, nil
	}
	for d.err == nil {
		if d.version.size >= 0 && d.at >= d.version.size {
			d.err = io.EOF
			break
		}
		err := d.cut
		switch d.cut = nil; {
		case err != nil:
		case d.body == nil:
			err = d.connect()
		default:
			if n := d.read(p); n > 0 || len(p) == 0 {
				return n, nil
			}
		}
		if err != nil {
			d.err = d.failed(err)
		}
	}
	return 0, d.err
}

// read reads from the present connection, and gives it up when it ends.
func (d *download) read(p []byte) int {
	if d.version.size >= 0 {
		p = p[:min(int64(len(p)), d.version.size-d.at)]
	}
	n, err := d.body.Read(p)
	d.at += int64(n)
	if n > 0 {
		d.fails = 0
	}
	if err == nil {
		return n
	}
	_ = d.body.Close()
	d.body = nil
	if errors.Is(err, io.EOF) {
		if d.version.size < 0 {
			d.version.size = d.at
		}
		if d.at == d.version.size {
			return n
		}
		err = io.ErrUnexpectedEOF
	}
	d.cut = d.site.cut(d.ctx, d.path, fmt.Errorf("at byte %d of %d: %w", d.at, d.version.size, err))
	return n
}

// failed returns err if it is final. After a cut it waits and returns nil.
func (d *download) failed(err error) error {
	if !errors.Is(err, errCut) {
		return err
	}
	d.resumes++
	d.fails++
	if d.fails >= d.site.client.Attempts || d.resumes > maxResumes {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return d.site.client.Rest(d.ctx, d.fails)
}

// Close implements io.Closer.
func (d *download) Close() error {
	if d.err == nil {
		d.err = fmt.Errorf("read %s: %w", d.path, io.ErrClosedPipe)
	}
	if d.body == nil {
		return nil
	}
	err := d.body.Close()
	d.body = nil
	return err
}
