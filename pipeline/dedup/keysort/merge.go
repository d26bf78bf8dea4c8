package keysort

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"iter"
	"os"
)

// stream gives sorted entries: those of block, then those that r still has.
type stream struct {
	head  Entry
	block []Entry
	r     io.Reader // nil if block is all
	left  int64     // entries in r
	buf   []Entry
}

// decodeEntries is how many entries a stream decodes at once.
const decodeEntries = 128

func fileStream(f *os.File, r run, bufferBytes int) stream {
	section := io.NewSectionReader(f, r.offset, r.length)
	return stream{r: bufio.NewReaderSize(section, bufferBytes), left: r.length / entryBytes}
}

// advance moves to the next entry and reports whether there is one.
func (s *stream) advance() (bool, error) {
	if len(s.block) == 0 {
		if s.left == 0 {
			return false, nil
		}
		if err := s.fill(); err != nil {
			return false, err
		}
	}
	s.head, s.block = s.block[0], s.block[1:]
	return true, nil
}

func (s *stream) fill() error {
	var raw [decodeEntries * entryBytes]byte
	n := min(s.left, decodeEntries)
	if _, err := io.ReadFull(s.r, raw[:n*entryBytes]); err != nil {
		return err
	}
	s.buf = s.buf[:0]
	for i := range n {
		s.buf = append(s.buf, decode((*[entryBytes]byte)(raw[i*entryBytes:])))
	}
	s.block, s.left = s.buf, s.left-n
	return nil
}

func encode(raw *[entryBytes]byte, e Entry) {
	binary.LittleEndian.PutUint64(raw[0:], e.Key)
	binary.LittleEndian.PutUint32(raw[8:], e.Document)
	binary.LittleEndian.PutUint32(raw[12:], e.Place)
}

func decode(raw *[entryBytes]byte) Entry {
	return Entry{
		binary.LittleEndian.Uint64(raw[0:]), binary.LittleEndian.Uint32(raw[8:]), binary.LittleEndian.Uint32(raw[12:]),
	}
}

// merge yields the entries of all streams in order.
func merge(ctx context.Context, streams []stream) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		h := make(heap, 0, len(streams))
		for i := range streams {
			more, err := streams[i].advance()
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if more {
				h = append(h, &streams[i])
			}
		}
		for i := len(h)/2 - 1; i >= 0; i-- {
			h.sink(i)
		}
		for n := 0; len(h) > 0; n++ {
			if n%4096 == 0 && ctx.Err() != nil {
				yield(Entry{}, context.Cause(ctx))
				return
			}
			if !yield(h[0].head, nil) {
				return
			}
			more, err := h[0].advance()
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !more {
				last := len(h) - 1
				h[0] = h[last]
				h = h[:last]
			}
			h.sink(0)
		}
	}
}

// heap is a binary heap of streams, the one with the least head first.
type heap []*stream

// sink restores the order below i.
func (h heap) sink(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if right := least + 1; right < len(h) && h[right].head.Compare(h[least].head) < 0 {
			least = right
		}
		if h[least].head.Compare(h[i].head) >= 0 {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
