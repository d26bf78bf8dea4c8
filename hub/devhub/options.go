package devhub

import (
	"time"

	"github.com/rs/zerolog"
)

// Defaults of Options.
const (
	// DefaultPageSize is how many entries of a tree the Hub lists at once.
	DefaultPageSize = 1000
	// DefaultChunkSize is the least that an object store takes as a part.
	DefaultChunkSize = 5 << 20
)

// Options of a server. The zero value is good.
type Options struct {
	// PageSize is how many entries of a tree or a log one reply holds at most;
	// 0 is DefaultPageSize.
	PageSize int
	// ChunkSize is the size of the parts of a multipart upload in bytes, and the
	// largest file that is uploaded in one piece; 0 is DefaultChunkSize. A file
	// of more than 10,000 parts has larger ones.
	ChunkSize int64
	// Now is the time; nil is time.Now.
	Now func() time.Time
	// Log hears of each request at the level debug; nothing is logged when it is
	// the zero value.
	Log zerolog.Logger
}

func (o *Options) defaults() {
	if o.PageSize <= 0 {
		o.PageSize = DefaultPageSize
	}
	if o.ChunkSize <= 0 {
		o.ChunkSize = DefaultChunkSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}
