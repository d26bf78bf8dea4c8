// Package warc reads WARC files as they are found in the wild: streaming, in
// bounded memory, with the exact byte range of every record, and without ever
// giving up on a file because a part of it is broken.
//
// Reading is local. What is returned for a span of bytes depends on those bytes
// alone, if the span reaches from one border to another: a border is where a good
// record begins, and the start and the end of the file. So a reader that starts
// at a border returns the same records and damaged spans as one that starts at
// the beginning of the file, and a file cut off at a border reads the same up to
// there.
package warc

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
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
	// Offset −1 and Length 0, as far as they can be read. Otherwise such a member
	// is one Record{Shared: true} with its range and without content.
	Shared bool
}

// Reader reads the records of one file: WARC 0.17 to 1.1, gzip with one record
// per member or with several, uncompressed, or a mixture.
//
// A damaged span begins where a record or member should begin and does not, and
// reaches to the next good one: from damage in a gzip member to the next member,
// from damage in uncompressed records to the next line that starts with WARC/,
// from bytes that look like neither to either. What a broken member's inflater
// ran over is searched too, up to 8 MiB of it.
//
// A reader holds one block and one header, as Options limit them, 128 KiB of
// buffers, and the compressed bytes of the current record as far as 8 MiB.
type Reader struct {
	options Options
	tape    *tape
	start   int64

	gz     *gzip.Reader
	member *bufio.Reader // what gz inflates
	head   []byte        // scratch of readHeader

	// inside is the offset of the shared member whose records are being
	// returned, or −1.
	inside int64
	// pending is the good record after the damaged one that was returned.
	pending *Record
	// seen says that something began like a WARC record.
	seen bool
	// looksLike describes the input if it began with something else.
	looksLike string
	err       error
}

// NewReader returns a reader of src, whose first byte is at offset start of the
// file.
func NewReader(src io.Reader, start int64, o Options) *Reader {
	if o.MaxBlock <= 0 {
		o.MaxBlock = DefaultMaxBlock
	}
	if o.MaxHeader <= 0 {
		o.MaxHeader = DefaultMaxHeader
	}
	gz := new(gzip.Reader)
	return &Reader{
		options: o,
		tape:    newTape(src, start),
		start:   start,
		gz:      gz,
		member:  bufio.NewReaderSize(gz, bufferSize),
		inside:  -1,
	}
}

// Next returns the next record or damaged span. The record is the caller's.
//
// At the end of the input it returns io.EOF. If the input was a whole file
// (start is 0) in which nothing began like a WARC record, it returns an error
// that wraps ErrNotWARC instead; the damaged span that covers the file comes
// before it. Any other error is src's own: damage is never an error.
func (r *Reader) Next() (*Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	rec, err := r.next()
	if err != nil {
		if errors.Is(err, io.EOF) && r.start == 0 && !r.seen && r.looksLike != "" {
			err = fmt.Errorf("%w: it looks like %s", ErrNotWARC, r.looksLike)
		}
		r.err = err
		return nil, err
	}
	return rec, nil
}

func (r *Reader) next() (*Record, error) {
	if rec := r.pending; rec != nil {
		r.pending = nil
		return rec, nil
	}
	if r.inside >= 0 {
		if rec, err := r.nextInside(); rec != nil || err != nil {
			return rec, err
		}
	}
	for {
		if _, err := skipLines(r.tape.br); err != nil {
			return nil, err
		}
		at := r.tape.pos()
		rec, err := r.unit()
		switch {
		case err != nil:
			return r.damaged(at, err)
		case rec != nil:
			return rec, nil
		}
	}
}

// unit reads what begins at the tape's position: a record, a gzip member, or
// nothing for a member without content. Its error is damage or src's own.
func (r *Reader) unit() (*Record, error) {
	r.tape.setMark()
	at := r.tape.pos()
	read := r.plainUnit
	isGzip, looked, _ := starts(r.tape.br, gzipMagic)
	if isGzip {
		read = r.gzipUnit
	}
	rec, err := read(at)
	if err == nil {
		return rec, nil
	}
	err = r.classify(err)
	if ahead := at + int64(looked) - r.tape.pos(); ahead > 0 {
		_, _ = r.tape.br.Discard(int(ahead)) // it was looked at, and decided
	}
	return nil, err
}

// classify turns the error of an attempt to read into damage or src's own
// error.
func (r *Reader) classify(err error) error {
	var cause damage
	switch {
	case r.tape.failure() != nil:
		return r.tape.failure()
	case r.tape.ended:
		// Whatever the inflater or a parser made of the bytes there were, with
		// more of them it might have been something else.
		return damage(DamageTruncated)
	case errors.As(err, &cause):
		return cause
	case errors.Is(err, gzip.ErrChecksum):
		return damage(DamageGzipChecksum)
	default:
		return damage(DamageGzipData)
	}
}

// plainUnit reads an uncompressed record.
func (r *Reader) plainUnit(at int64) (*Record, error) {
	br := r.tape.br
	rec, err := r.readRecord(br)
	if err != nil {
		return nil, err
	}
	lines, err := skipLines(br)
	if err == nil && lines == 0 {
		// Nothing ends the block: only another record may follow at once.
		if ok, looked := startsUnit(br); !ok {
			_, _ = br.Discard(looked)
			return nil, damage(DamageBadLength)
		}
	} else if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	rec.Offset, rec.Length = at, r.tape.pos()-at
	return rec, nil
}

// startsUnit reports whether a gzip member or a record follows, and how many
// bytes had to be looked at.
func startsUnit(br *bufio.Reader) (ok bool, looked int) {
	ok, looked, _ = starts(br, gzipMagic)
	if !ok && looked <= 1 {
		ok, looked, _ = starts(br, warcMagic)
	}
	return ok, looked
}

// gzipUnit reads a gzip member.
func (r *Reader) gzipUnit(at int64) (*Record, error) {
	if err := r.gz.Reset(r.tape.br); err != nil {
		if errors.Is(err, gzip.ErrHeader) {
			return nil, damage(DamageGzipHeader)
		}
		return nil, err
	}
	r.gz.Multistream(false)
	r.member.Reset(r.gz)
	switch _, err := skipLines(r.member); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	rec, err := r.readRecord(r.member)
	if err != nil {
		return nil, err
	}
	if _, err := skipLines(r.member); errors.Is(err, io.EOF) {
		rec.Offset, rec.Length = at, r.tape.pos()-at
		return rec, nil
	} else if err != nil {
		return nil, err
	}
	if ok, _, err := starts(r.member, warcMagic); err != nil {
		return nil, noEOF(err, DamageBadLength)
	} else if !ok {
		return nil, damage(DamageBadLength)
	}
	if r.options.Shared {
		r.inside = at
		rec.Offset, rec.Shared = -1, true
		return rec, nil
	}
	for err == nil {
		_, err = r.member.Discard(1 << 30)
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &Record{Offset: at, Length: r.tape.pos() - at, Shared: true}, nil
}
