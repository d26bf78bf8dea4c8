package filter

import (
	"bytes"
	"hash/maphash"
)

// lineSet is a set of the lines of a file: the file itself and a table of
// offsets, together the file's size and at most 11 bytes a line. The adult
// domains of UT1, 4.5 million lines, take 156 MB.
type lineSet struct {
	data []byte
	seed maphash.Seed
	// table holds 1 + the offset of a line at or, if that is taken, after its
	// hash; it is at most three quarters full. Offsets fit, as assets are not
	// larger than assets.MaxBytes.
	table []uint32
}

// newLineSet returns the set of the lines of data, stripped of white space;
// empty lines and those that begin with # are left out.
func newLineSet(data []byte) *lineSet {
	lines := bytes.Count(data, []byte("\n")) + 1
	size := 2
	for 3*size < 4*lines {
		size *= 2
	}
	s := &lineSet{data: data, seed: maphash.MakeSeed(), table: make([]uint32, size)}
	for start := 0; start < len(data); {
		line := s.lineAt(start)
		if entry := bytes.TrimSpace(line); len(entry) > 0 && line[0] != '#' {
			at := start + bytes.Index(line, entry)
			s.table[s.free(entry)] = uint32(at) + 1
		}
		start += len(line) + 1
	}
	return s
}

// lineAt returns the bytes from an offset to the end of its line.
func (s *lineSet) lineAt(at int) []byte {
	rest := s.data[at:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		return rest[:end]
	}
	return rest
}

// free returns the slot where an entry goes. Equal entries are not looked for:
// an entry that is there twice does no harm.
func (s *lineSet) free(entry []byte) uint64 {
	slot := s.hash(entry)
	for s.table[slot] != 0 {
		slot = s.after(slot)
	}
	return slot
}

func (s *lineSet) has(text string) bool {
	entry := []byte(text)
	if len(entry) == 0 {
		return false
	}
	for slot := s.hash(entry); s.table[slot] != 0; slot = s.after(slot) {
		if bytes.Equal(bytes.TrimSpace(s.lineAt(int(s.table[slot]-1))), entry) {
			return true
		}
	}
	return false
}

func (s *lineSet) hash(entry []byte) uint64 {
	return maphash.Bytes(s.seed, entry) & uint64(len(s.table)-1)
}

func (s *lineSet) after(slot uint64) uint64 { return (slot + 1) & uint64(len(s.table)-1) }
