package huggingface

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	// chunkSizeKey is the header of an upload action that makes it multipart.
	chunkSizeKey = "chunk_size"
	// maxParts is S3's limit (docs.aws.amazon.com, "Amazon S3 multipart upload
	// limits").
	maxParts = 10_000
	// maxETag is longer than any ETag of a part, which is an MD5.
	maxETag = 1024
)

// multipart sends an object in parts of a size that the hub sets, and then says
// that they are all there.
type multipart struct{}

// part is one part of an object.
type part struct {
	number         int // from 1
	to             *url.URL
	offset, length int64
}

type completion struct {
	OID   string         `json:"oid"`
	Parts []completePart `json:"parts"`
}

type completePart struct {
	PartNumber int    `json:"partNumber"`
	ETag       string `json:"etag"`
}

func (multipart) put(ctx context.Context, c *Client, o *object, upload *action) error {
	if _, ok := upload.Header[chunkSizeKey]; !ok {
		// An object of one part comes without parts.
		return basic{}.put(ctx, c, o, upload)
	}
	done, err := c.storageURL(upload.Href)
	if err != nil {
		return strange("object %s: %v", o.OID, err)
	}
	parts, err := c.parts(upload, o.Size)
	if err != nil {
		return strange("object %s: %v", o.OID, err)
	}
	complete := completion{OID: o.OID, Parts: make([]completePart, len(parts))}
	err = parallel(ctx, c.o.Parallel, parts, func(ctx context.Context, i int) error {
		p := parts[i]
		etag, err := c.putBytes(ctx, o, p.to, nil, p.offset, p.length)
		if err == nil && (etag == "" || len(etag) > maxETag) {
			err = strange("object %s: storage gives part %d no ETag", o.OID, p.number)
		}
		complete.Parts[i] = completePart{p.number, etag}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.post(ctx, done, make(http.Header), complete); err != nil {
		return fmt.Errorf("complete object %s of %d parts: %w", o.OID, len(parts), err)
	}
	return nil
}

// parts reads where the parts of an object of size bytes go. Their numbers are
// keys of the header, with or without leading zeros, and none may be missing.
func (c *Client) parts(upload *action, size int64) ([]part, error) {
	chunk, err := strconv.ParseInt(string(upload.Header[chunkSizeKey]), 10, 64)
	if err != nil || chunk <= 0 {
		return nil, fmt.Errorf("parts of %.40q bytes", upload.Header[chunkSizeKey])
	}
	count := (size-1)/chunk + 1
	if size <= 0 || count > maxParts {
		return nil, fmt.Errorf("%d bytes in parts of %d, more than %d parts", size, chunk, maxParts)
	}
	parts := make([]part, count)
	for key, href := range upload.Header {
		number, err := strconv.ParseInt(strings.TrimLeft(key, "0"), 10, 64)
		if err != nil {
			continue
		}
		if number < 1 || number > count {
			return nil, fmt.Errorf("part %d of %d bytes in parts of %d", number, size, chunk)
		}
		if parts[number-1].to != nil {
			return nil, fmt.Errorf("part %d twice", number)
		}
		to, err := c.storageURL(string(href))
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", number, err)
		}
		offset := (number - 1) * chunk
		parts[number-1] = part{int(number), to, offset, min(chunk, size-offset)}
	}
	for i, p := range parts {
		if p.to == nil {
			return nil, fmt.Errorf("part %d of %d is missing", i+1, count)
		}
	}
	return parts, nil
}
