package huggingface

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"finest/hub"
)

// sampleLength is how much of a file the Hub looks at to tell text from binary
// (huggingface_hub, _commit_api.py).
const sampleLength = 512

// readSample returns the first bytes of a source.
func readSample(src hub.Source) ([]byte, error) {
	if src.Size == 0 {
		return nil, nil
	}
	content, err := src.Open()
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = content.Close() }()
	sample := make([]byte, min(src.Size, sampleLength))
	n, err := content.ReadAt(sample, 0)
	switch {
	case n == len(sample):
		return sample, nil
	case err == nil || errors.Is(err, io.EOF):
		return nil, fmt.Errorf("content ends after %d of the stated %d bytes: %w", n, src.Size, hub.ErrCorrupt)
	default:
		return nil, fmt.Errorf("read source: %w", err)
	}
}

// buffers are what contents are hashed through: large enough that reading costs
// little beside SHA-256.
var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// check reads a whole source and compares it with its stated size and SHA-256.
// It returns the id that Git gives the content if git is set.
func check(ctx context.Context, src hub.Source, git bool) (gitID string, err error) {
	content, err := src.Open()
	if err != nil {
		return "", fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	blob := newBlob(src.Size)
	into := io.Writer(sum)
	if git {
		into = io.MultiWriter(sum, blob)
	}
	// A byte more than stated, to notice that there is more.
	n, err := copyAll(ctx, into, io.NewSectionReader(content, 0, src.Size+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read source: %w", err)
	case n != src.Size:
		return "", fmt.Errorf("content does not have the stated %d bytes: %w", src.Size, hub.ErrCorrupt)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != src.SHA256 {
		return "", fmt.Errorf("content has SHA-256 %s, not %s: %w", got, src.SHA256, hub.ErrCorrupt)
	}
	return hex.EncodeToString(blob.Sum(nil)), nil
}

// newBlob begins the hash that Git names a content of size bytes by
// (git-scm.com, Git Internals, "Object Storage").
func newBlob(size int64) hash.Hash {
	h := sha1.New()
	_, _ = fmt.Fprintf(h, "blob %d\x00", size)
	return h
}

// copyAll is io.Copy with a large buffer that stops when ctx ends.
func copyAll(ctx context.Context, w io.Writer, r io.Reader) (n int64, err error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		k, err := r.Read(*buf)
		if _, werr := w.Write((*buf)[:k]); werr != nil {
			return n, werr
		}
		n += int64(k)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}
