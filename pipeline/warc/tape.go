package warc

import (
	"bufio"
	"errors"
	"io"
)

// Sizes of the reader's memory.
const (
	// bufferSize is how much is read at a time, of the input and of a member.
	bufferSize = 64 << 10
	// maxRewind is how far a failed attempt to read a record may have gone for
	// the reader to go back and search what it went over. A reader never holds
	// more than about this many bytes of input.
	maxRewind = 8 << 20
)

// tape is the input of a Reader: a stream that can be wound back to the last
// mark, as long as no more than maxRewind bytes lie between.
//
// Callers read through br. It is a *bufio.Reader because the inflater has a
// fast path for that type, and never takes more of it than it needs.
type tape struct {
	br  *bufio.Reader
	src io.Reader
	// next is the offset of the byte that br asks for next.
	next int64
	// kept are the bytes of the input from keptAt on. They reach up to next or
	// beyond, unless so much was read since the mark that keeping stopped.
	kept   []byte
	keptAt int64
	// mark is where bytes must be kept from.
	mark int64
	// ended says that br was asked for bytes beyond the end of the input.
	ended bool
	// err is src's error, io.EOF included, once it came.
	err error
}

func newTape(src io.Reader, start int64) *tape {
	t := &tape{src: src, next: start, keptAt: start, mark: start}
	t.br = bufio.NewReaderSize(t, bufferSize)
	return t
}

// Read gives br what it asks for: kept bytes after winding back, else new ones.
func (t *tape) Read(p []byte) (int, error) {
	if at := t.next - t.keptAt; at < int64(len(t.kept)) {
		n := copy(p, t.kept[at:])
		t.next += int64(n)
		return n, nil
	}
	if t.err != nil {
		t.ended = true
		return 0, t.err
	}
	n, err := t.src.Read(p)
	t.err = err
	if n == 0 {
		if err != nil {
			t.ended = true
		}
		return 0, err
	}
	t.keep(p[:n])
	t.next += int64(n)
	return n, nil
}

// keep remembers new bytes at next, if all since the mark are still there.
func (t *tape) keep(b []byte) {
	if t.keptAt+int64(len(t.kept)) != t.next || t.next-t.mark >= maxRewind+2*bufferSize {
		return
	}
	if dead := int(t.mark - t.keptAt); dead >= 4*bufferSize && dead >= len(t.kept)/2 {
		t.kept = t.kept[:copy(t.kept, t.kept[dead:])]
		t.keptAt = t.mark
	}
	t.kept = append(t.kept, b...)
}

// pos returns the offset of the next byte of br.
func (t *tape) pos() int64 { return t.next - int64(t.br.Buffered()) }

// setMark lets go of the bytes before pos.
func (t *tape) setMark() {
	t.mark = t.pos()
	if t.keptAt+int64(len(t.kept)) < t.next {
		ahead, _ := t.br.Peek(t.br.Buffered())
		t.kept = append(t.kept[:0], ahead...)
		t.keptAt = t.mark
	}
}

// goTo moves to offset to: back to after the mark, or ahead. Beyond the end
// it stops there.
func (t *tape) goTo(to int64) error {
	if to < t.pos() {
		t.next = to
		t.br.Reset(t)
	}
	t.ended = false
	for t.pos() < to {
		if _, err := t.br.Discard(int(min(to-t.pos(), maxRewind))); err != nil {
			return t.failure()
		}
	}
	return nil
}

// failure returns src's own error if it was met, which is not damage.
func (t *tape) failure() error {
	if t.ended && t.err != nil && !errors.Is(t.err, io.EOF) {
		return t.err
	}
	return nil
}

// sample returns kept bytes from offset from on, at most n.
func (t *tape) sample(from int64, n int) []byte {
	at := from - t.keptAt
	if at < 0 || at > int64(len(t.kept)) {
		return nil
	}
	return t.kept[at:min(at+int64(n), int64(len(t.kept)))]
}
