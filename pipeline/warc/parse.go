package warc

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// damage is the error of input that breaks the format, as opposed to errors of
// whatever the input is read from.
type damage string

func (d damage) Error() string { return string(d) }

var (
	gzipMagic = []byte{0x1f, 0x8b, 8}
	warcMagic = []byte("WARC/")
)

const (
	// maxLength is the longest content block believed in. A longer one is a
	// mistake, and believing it would swallow the rest of the file.
	maxLength = 64 << 30
	// blockStep is how much of a block is allocated before its bytes are there.
	blockStep = 1 << 20
)

// starts reports whether the bytes ahead are magic, in any case of letters, and
// how many of them had to be looked at. It never looks at more than it must, so
// that the answer at the end of the input is the answer anywhere.
func starts(br *bufio.Reader, magic []byte) (ok bool, looked int, err error) {
	for n := 1; n <= len(magic); n++ {
		ahead, err := br.Peek(n)
		if err != nil {
			return false, n - 1, err
		}
		if c, m := ahead[n-1], magic[n-1]; c != m && (m < 'A' || m > 'Z' || c != m+'a'-'A') {
			return false, n, nil
		}
	}
	return true, len(magic), nil
}

// skipLines reads over line ends and returns how many bytes they were.
func skipLines(br *bufio.Reader) (n int64, err error) {
	for {
		c, err := br.ReadByte()
		if err != nil {
			return n, err
		}
		if c != '\r' && c != '\n' {
			return n, br.UnreadByte()
		}
		n++
	}
}

// readRecord reads a record's header and block, but not the line ends behind.
// The header's end and the block's must lie within br.
func (r *Reader) readRecord(br *bufio.Reader) (*Record, error) {
	rec := &Record{}
	head, err := r.readHeader(br)
	if err != nil {
		return nil, err
	}
	first, rest, _ := bytes.Cut(head, []byte{'\n'})
	rec.Version = string(bytes.TrimSpace(first[len(warcMagic):]))
	rec.Fields = parseFields(rest)
	rec.Type = rec.Field("WARC-Type")
	rec.ID = rec.Field("WARC-Record-ID")
	rec.TargetURI = rec.Field("WARC-Target-URI")
	rec.Date = rec.Field("WARC-Date")
	rec.PayloadType = rec.Field("WARC-Identified-Payload-Type")
	length, err := strconv.ParseUint(rec.Field("Content-Length"), 10, 63)
	if err != nil || length > maxLength {
		return nil, damage(DamageBadLength)
	}
	return rec, r.readBlock(br, rec, int64(length))
}

// readHeader reads the version line and the fields up to the empty line. The
// result is valid until the next call.
func (r *Reader) readHeader(br *bufio.Reader) ([]byte, error) {
	if ok, looked, err := starts(br, warcMagic); err != nil {
		return nil, noEOF(err, DamageNotWARC)
	} else if !ok {
		_, _ = br.Discard(looked)
		return nil, damage(DamageNotWARC)
	}
	r.head = r.head[:0]
	for line := 0; ; {
		part, err := br.ReadSlice('\n')
		r.head = append(r.head, part...)
		if len(r.head) > r.options.MaxHeader {
			return nil, damage(DamageBadHeader)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, noEOF(err, DamageBadHeader)
		}
		text := bytes.TrimSuffix(r.head[line:len(r.head)-1], []byte{'\r'})
		if line == 0 {
			if !isVersion(text) {
				return nil, damage(DamageBadHeader)
			}
			r.seen = true
		}
		if len(text) == 0 {
			return r.head[:line], nil
		}
		line = len(r.head)
	}
}

// isVersion reports whether line, which starts with WARC/, ends in digits, a
// point and digits. Which digits does not matter: no version ever changed how
// records are framed.
func isVersion(line []byte) bool {
	major, minor, ok := bytes.Cut(bytes.TrimRight(line[len(warcMagic):], " \t"), []byte{'.'})
	return ok && isDigits(major) && isDigits(minor)
}

func isDigits(b []byte) bool {
	return len(b) > 0 && len(b) < 8 && len(bytes.Trim(b, "0123456789")) == 0
}

// readBlock reads the content block of the given length into rec.
func (r *Reader) readBlock(br *bufio.Reader, rec *Record, length int64) error {
	rec.BlockLength = length
	keep := min(length, r.options.MaxBlock)
	for have := int64(0); have < keep; have = int64(len(rec.Block)) {
		// Twice what is there already: a lie about the length costs little.
		want := min(keep, max(2*have, blockStep))
		grown := make([]byte, want)
		copy(grown, rec.Block)
		rec.Block = grown
		if _, err := io.ReadFull(br, rec.Block[have:]); err != nil {
			return noEOF(err, DamageBadLength)
		}
	}
	rec.Truncated = keep < length
	for left := length - keep; left > 0; {
		n, err := br.Discard(int(min(left, 1<<30)))
		if left -= int64(n); err != nil {
			return noEOF(err, DamageBadLength)
		}
	}
	return nil
}

// noEOF returns err, or cause if err says that the bytes ended too early.
func noEOF(err error, cause damage) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cause
	}
	return err
}
