// Package dataset reads the documents of a dataset on disk: Parquet of any
// schema, JSON lines, plain text, one file or a folder of them. It streams, and
// takes no more memory than a few documents, whatever the files hold.
package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"finest/eval/compare"
	"finest/pipeline/shard/guard"
)

// MaxDocument bounds the bytes of a document: a longer one is passed over and
// counted.
const MaxDocument = 64 << 20

// DefaultTextColumn is where a row has its text unless Options say otherwise.
const DefaultTextColumn = "text"

// Options say how a dataset is read.
type Options struct {
	// TextColumn is the column or field with the text, DefaultTextColumn if empty.
	TextColumn string
	// Guard reads Parquet files once in a process of their own before this one
	// does; nil trusts them.
	Guard *guard.Guard
}

// Stats count what one reading met.
type Stats struct {
	Files     int   `json:"files"`
	Documents int64 `json:"documents"`
	TextBytes int64 `json:"text_bytes"`
	// TooLong were passed over; Repaired had bytes that are no UTF-8, which
	// U+FFFD stands for.
	TooLong  int64 `json:"too_long"`
	Repaired int64 `json:"repaired"`
}

// Set is a dataset: files, in order.
type Set struct {
	path  string
	text  string
	files []file
	// others are files of other kinds in the same folder.
	others int
	bytes  int64
	guard  *guard.Guard
}

// Open finds the files of the dataset at path. The files of a folder are those of
// one kind, at any depth, sorted by path: Parquet if there is any, else JSON lines,
// else text. Of what refine and hub pull write that is data/ alone.
func Open(path string, o Options) (*Set, error) {
	files, others, err := find(path)
	if err != nil {
		return nil, fmt.Errorf("open dataset %s: %w", path, err)
	}
	s := &Set{path: path, text: cmp.Or(o.TextColumn, DefaultTextColumn), files: files, others: others, guard: o.Guard}
	for _, f := range files {
		s.bytes += f.size
	}
	return s, nil
}

// Path is what the dataset was opened as.
func (s *Set) Path() string { return s.path }

// Kind is what all files are: "Parquet", "JSON lines" or "text".
func (s *Set) Kind() string { return s.files[0].kind.String() }

// Others is the number of files with documents that are not read, as they are of
// another kind than those that are.
func (s *Set) Others() int { return s.others }

// Bytes is the size of all files as they are stored.
func (s *Set) Bytes() int64 { return s.bytes }

// Same reports whether two datasets are the same files.
func (s *Set) Same(other *Set) bool {
	if len(s.files) != len(other.files) {
		return false
	}
	for i := range s.files {
		if !os.SameFile(s.files[i].info, other.files[i].info) {
			return false
		}
	}
	return true
}

// Check reads every Parquet file in a process of its own, which a file that
// nobody can read ends instead of this one. Of files of another kind it reads the
// first document, which tells of a wrong column before hours of training do.
// progress is told which file of how many is next; it may be nil.
func (s *Set) Check(ctx context.Context, progress func(file, files int)) error {
	if s.files[0].kind != kindParquet { // all are of one kind
		for _, err := range s.Read(ctx, new(Stats)) {
			return err
		}
		return nil
	}
	if s.guard == nil {
		return nil
	}
	for i, f := range s.files {
		if progress != nil {
			progress(i, len(s.files))
		}
		if err := checkParquet(ctx, *s.guard, f, s.text); err != nil {
			return err
		}
	}
	return nil
}

// Read returns the documents, in order, and counts them in stats, which is
// complete when they are. They end with the first error. The key of a document is
// its row's id, else its URL, else its position.
func (s *Set) Read(ctx context.Context, stats *Stats) iter.Seq2[compare.Document, error] {
	return func(yield func(compare.Document, error) bool) {
		*stats = Stats{}
		r := &reading{ctx: ctx, stats: stats, text: s.text, yield: yield}
		for _, f := range s.files {
			if err := f.read(r); err != nil {
				if !errors.Is(err, errEnough) {
					yield(compare.Document{}, fmt.Errorf("read %s: %w", f.path, err))
				}
				return
			}
			stats.Files++
		}
	}
}

// errEnough ends a reading that nobody wants more of.
var errEnough = errors.New("no more documents are wanted")

// reading is one pass over a dataset.
type reading struct {
	ctx   context.Context
	stats *Stats
	text  string
	rows  int64 // met, with those passed over
	yield func(compare.Document, error) bool
}

// maxKey bounds ids and URLs, which are cut off there.
const maxKey = 4 << 10

// row is what a file has for one document.
type row struct{ id, url, text string }

// skip passes over a document that is too long.
func (r *reading) skip() {
	r.rows++
	r.stats.TooLong++
}

// take hands a document on.
func (r *reading) take(d row) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if len(d.text) > MaxDocument {
		r.skip()
		return nil
	}
	r.rows++
	if !utf8.ValidString(d.text) {
		d.text = strings.ToValidUTF8(d.text, "\uFFFD")
		r.stats.Repaired++
	}
	r.stats.Documents++
	r.stats.TextBytes += int64(len(d.text))
	d.id, d.url = d.id[:min(len(d.id), maxKey)], d.url[:min(len(d.url), maxKey)]
	key := cmp.Or(d.id, d.url, strconv.FormatInt(r.rows-1, 10))
	if !r.yield(compare.Document{Key: key, URL: d.url, Text: d.text}, nil) {
		return errEnough
	}
	return nil
}
