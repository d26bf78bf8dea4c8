// Package warc reads WARC files as they are found in the wild: streaming, in
// bounded memory, with the exact byte range of every record, and without ever
// giving up on a file because a part of it is broken.
//
// Reading is local. What is returned for a span of bytes depends on those bytes
// alone: a reader that starts at any record's border returns the same records
// and damaged spans as one that starts at the beginning of the file, and a file
// cut off at a border reads the same up to there.
package warc

import (
	"errors"
	"io"
)

// ErrNotWARC says that nothing in a file looks like a WARC record. The wrapping
// error says what the file looks like.
var ErrNotWARC = errors.New("not a WARC file")

// Defaults of Options.
const (
	DefaultMaxBlock  = 64 << 20
	DefaultMaxHeader = 64 << 10
)

// Options limit what a reader keeps in memory and choose what it returns.
type Options struct {
	// MaxBlock is the number of content block bytes kept per record; 0 stands
	// for DefaultMaxBlock.
	MaxBlock int64
	// MaxHeader is the length of the longest record header read; longer ones
	// are damage. 0 stands for DefaultMaxHeader.
	MaxHeader int
	// Shared asks for the records of gzip members that hold more than one, with
	// Offset −1 and Length 0. Otherwise such a member is one Record{Shared: true}
	// with its range and without content.
	Shared bool
}

// Reader reads the records of one file.
type Reader struct{ src io.Reader }

// NewReader returns a reader of src, whose first byte is at offset start of the
// file.
func NewReader(src io.Reader, start int64, o Options) *Reader { return &Reader{src: src} }

// Next returns the next record or damaged span. At the end of the input it
// returns io.EOF; if the input was the beginning of a file (start is 0) in which
// nothing looks like a WARC record, it returns an error that wraps ErrNotWARC
// instead, after one damaged span that covers everything. Any other error is
// src's own: damage is never an error.
func (r *Reader) Next() (*Record, error) { return nil, io.EOF }
