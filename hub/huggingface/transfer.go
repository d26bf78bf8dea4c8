package huggingface

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"finest/hub"
)

// transfer is a way to send the bytes of an object. The hub chooses one of those
// offered in the LFS batch; another one (Xet) is one more entry of transfers.
type transfer interface {
	// put stores the object's content at the hub. The content has been checked.
	put(ctx context.Context, c *Client, o *object, upload *action) error
}

// transfers are the ways this client knows, by their names in the LFS batch. A
// reply without a name means basic (git-lfs, docs/api/batch.md).
var transfers = map[string]transfer{
	"":          basic{},
	"basic":     basic{},
	"multipart": multipart{},
}

// transferNames are offered to the hub.
var transferNames = []string{"basic", "multipart"}

// object is a content to be sent, whatever paths it will have.
type object struct {
	batchObject
	source  hub.Source
	sample  []byte
	content hub.Content // open while it is sent
	meter   *meter
	// failed ends the transfer because the content cannot be read.
	failed func(error)
}

// body returns length bytes from offset as a request's body, from its start each
// time it is asked for.
func (o *object) body(offset, length int64) func() (io.Reader, error) {
	count := o.meter.part()
	return func() (io.Reader, error) {
		return count.from(&sourceReader{io.NewSectionReader(o.content, offset, length), length, o.failed}), nil
	}
}

// sourceReader reads left bytes of a source. Only it can tell a source that
// cannot be read from a connection that is cut.
type sourceReader struct {
	r      io.Reader
	left   int64
	failed func(error)
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && s.left > 0:
		err = fmt.Errorf("source has become shorter: %w", hub.ErrCorrupt)
		s.failed(err)
	case err != nil && !errors.Is(err, io.EOF):
		err = fmt.Errorf("read source: %w", err)
		s.failed(err)
	}
	return n, err
}

// basic sends an object in one request.
type basic struct{}

func (basic) put(ctx context.Context, c *Client, o *object, upload *action) error {
	to, err := c.storageURL(upload.Href)
	if err != nil {
		return strange("object %s: %v", o.OID, err)
	}
	_, err = c.putBytes(ctx, o, to, headerOf(upload.Header), 0, o.Size)
	return err
}

// putBytes sends a part of an object, when there is a slot, and returns its
// ETag.
func (c *Client) putBytes(ctx context.Context, o *object, to *url.URL, header http.Header, offset, length int64) (etag string, err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-c.slots }()
	resp, err := c.send(ctx, http.MethodPut, to, header, o.body(offset, length), length)
	if err != nil {
		return "", fmt.Errorf("send bytes %d to %d of object %s: %w", offset, offset+length, o.OID, err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("ETag"), nil
}
