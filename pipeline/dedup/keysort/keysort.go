// Package keysort sorts the keys by which documents are compared, in bounded
// memory: what does not fit goes to sorted runs on disk, which are merged when
// they are read.
package keysort

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"sync"
)

// Entry is one key of one document.
type Entry struct {
	Key      uint64
	Document uint32
	// Place tells the keys of a document apart: the number of a band, or of a
	// sentence.
	Place uint32
}

// Compare orders entries by key, then document, then place.
func (e Entry) Compare(o Entry) int {
	if e.Key != o.Key {
		return cmp.Compare(e.Key, o.Key)
	}
	return cmp.Compare(uint64(e.Document)<<32|uint64(e.Place), uint64(o.Document)<<32|uint64(o.Place))
}

const (
	entryBytes = 16
	// DefaultBudget is the memory for entries without another word: those of a
	// million documents with 14 keys fit.
	DefaultBudget = 256 << 20
	// blockEntries is how many entries are sorted as one piece.
	blockEntries = 1 << 20
)

// Options say what a sorter may use.
type Options struct {
	// Dir is the folder for runs; without one, everything stays in memory.
	Dir string
	// Budget is the number of bytes of memory for entries, DefaultBudget if 0.
	// Merging runs takes as much again, or 4 KiB for each run if that is more:
	// never up to Budget²/4096 bytes of entries, 16 TiB at the default.
	Budget int64
}

// Sorter takes entries in any order and gives them back in order. It is for one
// goroutine, and for one use.
type Sorter struct {
	dir      string
	capacity int       // entries in memory
	blocks   [][]Entry // all but the last are full
	held     int       // entries in blocks
	file     *os.File  // nil until the first run
	unlinked bool
	runs     []run
	end      int64 // of the last run in file
}

// run is a sorted stretch of the file.
type run struct{ offset, length int64 }

// New returns an empty sorter.
func New(o Options) *Sorter {
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	return &Sorter{dir: o.Dir, capacity: int(max(o.Budget/entryBytes, 1))}
}

// Add takes an entry. An error is one of the disk.
func (s *Sorter) Add(e Entry) error {
	if s.held == s.capacity && s.dir != "" {
		if err := s.spill(); err != nil {
			return fmt.Errorf("sort keys in %s: %w", s.dir, err)
		}
	}
	last := len(s.blocks) - 1
	if last < 0 || len(s.blocks[last]) == blockEntries {
		last++
		s.blocks = slices.Grow(s.blocks, 1)[:last+1]
		s.blocks[last] = s.blocks[last][:0]
		if last > 0 && cap(s.blocks[last]) == 0 {
			s.blocks[last] = make([]Entry, 0, blockEntries)
		}
	}
	s.blocks[last] = append(s.blocks[last], e)
	s.held++
	return nil
}

// spill moves what is in memory to a run of its own.
func (s *Sorter) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "keys-*")
		if err != nil {
			return err
		}
		// Without a name nothing is left behind, however the process ends.
		s.file, s.unlinked = f, os.Remove(f.Name()) == nil
	}
	s.sortBlocks()
	w := bufio.NewWriterSize(s.file, 1<<20)
	var raw [entryBytes]byte
	for e, err := range merge(context.Background(), s.heldStreams()) {
		if err != nil {
			return err
		}
		encode(&raw, e)
		if _, err := w.Write(raw[:]); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	length := int64(s.held) * entryBytes
	s.runs = append(s.runs, run{s.end, length})
	s.end += length
	// The blocks beyond the length keep their memory, and are taken up again.
	s.blocks, s.held = s.blocks[:0], 0
	return nil
}

// sortBlocks sorts each block, as many at once as there are CPUs.
func (s *Sorter) sortBlocks() {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, b := range s.blocks {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			slices.SortFunc(b, Entry.Compare)
		})
	}
	wg.Wait()
}

func (s *Sorter) heldStreams() []stream {
	streams := make([]stream, 0, len(s.blocks)+len(s.runs))
	for _, b := range s.blocks {
		streams = append(streams, stream{block: b})
	}
	return streams
}

// Sorted yields all entries in order. It ends with the first error of ctx or the
// disk. Nothing may be added after it was called.
func (s *Sorter) Sorted(ctx context.Context) iter.Seq2[Entry, error] {
	s.sortBlocks()
	streams := s.heldStreams()
	if len(s.runs) > 0 {
		size := min(max(int64(s.capacity)*entryBytes/int64(len(s.runs)), 4<<10), 1<<20)
		for _, r := range s.runs {
			streams = append(streams, fileStream(s.file, r, int(size)))
		}
	}
	return func(yield func(Entry, error) bool) {
		for e, err := range merge(ctx, streams) {
			if err != nil {
				err = fmt.Errorf("merge keys: %w", err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Close frees disk and memory.
func (s *Sorter) Close() error {
	s.blocks, s.held = nil, 0
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if !s.unlinked {
		err = cmp.Or(err, os.Remove(s.file.Name()))
	}
	s.file = nil
	return err
}
