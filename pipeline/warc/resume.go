package warc

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Limits on the work that broken input can cause. The worst a crafted file can
// do is to have every byte inflated a few times.
const (
	// maxWaste is how many bytes failed attempts to resume may read within one
	// damaged span; after that the reader no longer goes back.
	maxWaste = 4 * maxRewind
	// attemptCost is the least that an attempt counts.
	attemptCost = 4 << 10
	// seekStep is how far ahead a sign is looked for at a time, so that signs of
	// one kind being dense does not repeat the search for the other.
	seekStep = 1 << 10
)

// damaged is called after the attempt to read what begins at offset at failed
// with err. It looks for the next good record, keeps it as pending, and returns
// the damaged span before it.
//
// The search starts right behind at, because an inflater that lost its way and
// a Content-Length that lies run over good records. What decides is the bytes
// of the span alone: an attempt that failed only because of what lies behind
// the place where reading resumes is called truncated, as it would be if the
// input ended there.
func (r *Reader) damaged(at int64, err error) (*Record, error) {
	var cause damage
	if !errors.As(err, &cause) {
		return nil, err
	}
	head := r.tape.sample(at, sampleSize)
	if r.start == 0 && !r.seen && r.looksLike == "" {
		r.looksLike = describe(head)
	}
	marks := startsLike(head)
	seen := r.tape.pos() // the attempt at offset at looked at nothing from here on
	reached, from, waste := seen, at+1, int64(0)
	for {
		if reached-from > maxRewind || waste > maxWaste {
			from = max(from, reached)
		}
		if err := r.seek(from, marks); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			return &Record{Offset: at, Length: r.tape.pos() - at, Damage: string(cause)}, nil
		}
		next := r.tape.pos()
		rec, err := r.unit()
		if rec != nil {
			if seen > next {
				cause = DamageTruncated
			}
			r.pending = rec
			return &Record{Offset: at, Length: next - at, Damage: string(cause)}, nil
		}
		if err != nil && !errors.As(err, new(damage)) {
			return nil, err
		}
		end := r.tape.pos()
		reached = max(reached, end)
		waste += max(end-next, attemptCost)
		from = next + 1
	}
}

// seek moves the tape to the next place at or behind offset from where one of
// marks begins. Its error is io.EOF or src's own.
func (r *Reader) seek(from int64, marks signs) error {
	if err := r.tape.goTo(from); err != nil {
		return err
	}
	for {
		r.tape.setMark()
		if found, err := marks.next(r.tape.br); found || err != nil {
			return err
		}
	}
}

// nextInside returns the next record of the shared member being read, a damaged
// part of it, or nothing at its end.
func (r *Reader) nextInside() (*Record, error) {
	at := r.inside
	_, err := skipLines(r.member)
	if errors.Is(err, io.EOF) {
		r.inside = -1
		return nil, nil
	}
	var rec *Record
	if err == nil {
		if rec, err = r.readRecord(r.member); err == nil {
			rec.Offset, rec.Shared = -1, true
			return rec, nil
		}
	}
	err = r.classify(err)
	if breaksRecord(err) {
		lines := signs{warc: true}
		for found := false; !found; {
			var end error
			if found, end = lines.next(r.member); end != nil {
				break // the next call meets it again
			}
		}
		return &Record{Offset: -1, Shared: true, Damage: err.Error()}, nil //nolint:nilerr // damage is a record, not an error
	}
	r.inside = -1
	return r.damaged(at, err)
}

// breaksRecord reports whether err is damage of a record, and not of the gzip
// member around it.
func breaksRecord(err error) bool {
	var cause damage
	if !errors.As(err, &cause) {
		return false
	}
	switch cause {
	case DamageNotWARC, DamageBadHeader, DamageBadLength:
		return true
	}
	return false
}

// signs are the beginnings to look for.
type signs struct{ gzip, warc bool }

// startsLike returns what to look for behind something that starts with head.
func startsLike(head []byte) signs {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		return signs{gzip: true}
	case len(head) >= len(warcMagic) && bytes.EqualFold(head[:len(warcMagic)], warcMagic):
		return signs{warc: true}
	default:
		return signs{gzip: true, warc: true}
	}
}

// next reads over what is buffered in br up to the first sign and reports
// whether it found one. Its error is that of br.
func (s signs) next(br *bufio.Reader) (found bool, err error) {
	if _, err := br.Peek(1); err != nil {
		return false, err
	}
	ahead, _ := br.Peek(min(br.Buffered(), seekStep))
	line, member := -1, -1
	if s.warc {
		line = bytes.IndexByte(ahead, '\n')
	}
	if s.gzip {
		member = bytes.IndexByte(ahead, gzipMagic[0])
	}
	switch {
	case line < 0 && member < 0:
		_, err = br.Discard(len(ahead))
		return false, err
	case member < 0 || line >= 0 && line < member:
		_, _ = br.Discard(line + 1)
		found, _, _ = starts(br, warcMagic)
		return found, nil
	default:
		_, _ = br.Discard(member)
		if found, _, _ = starts(br, gzipMagic); !found {
			_, _ = br.Discard(1)
		}
		return found, nil
	}
}
