package books

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"finest/internal/canon"
)

// zeroHash stands before the first entry.
var zeroHash = strings.Repeat("0", 64)

// Next returns e as the entry after head, which is the zero Entry before the
// first, with detail in it.
func Next(head, e Entry, detail any) (Entry, error) {
	raw, err := canon.Marshal(detail)
	if err != nil {
		return Entry{}, fmt.Errorf("write audit entry %d: %w", head.Seq+1, err)
	}
	e.Detail, e.Seq, e.Previous = raw, head.Seq+1, previous(head)
	if e.Hash, err = e.Sum(); err != nil {
		return Entry{}, fmt.Errorf("write audit entry %d: %w", e.Seq, err)
	}
	return e, nil
}

// Sum returns what Hash must be. It spells the canonical JSON itself: replaying
// a log is little else than this.
func (e Entry) Sum() (string, error) {
	var err error
	b := make([]byte, 0, 512)
	text := func(key, value string) {
		b = append(b, key...)
		b, err = appendString(b, value, err)
	}
	number := func(key string, value uint64) {
		b = strconv.AppendUint(append(b, key...), value, 10)
	}
	text(`{"actor":`, e.Actor)
	number(`,"block":`, e.Block)
	b = append(append(b, `,"detail":`...), e.Detail...)
	text(`,"from":`, e.From)
	number(`,"generation":`, uint64(max(e.Generation, 0)))
	text(`,"op":`, e.Op)
	text(`,"previous":`, e.Previous)
	number(`,"seq":`, uint64(max(e.Seq, 0)))
	text(`,"task":`, e.Task)
	text(`,"to":`, e.To)
	return canon.Sum(append(b, '}')), err
}

// appendString appends a JSON string; most have nothing to escape.
func appendString(b []byte, s string, err error) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			raw, failed := canon.Marshal(s)
			return append(b, raw...), errors.Join(err, failed)
		}
	}
	return append(append(append(b, '"'), s...), '"'), err
}

// Follows says why e cannot be the entry after head: the chain is broken.
func (e Entry) Follows(head Entry) error {
	switch {
	case e.Seq <= head.Seq:
		return fmt.Errorf("entry %d comes after entry %d", e.Seq, head.Seq)
	case e.Seq != head.Seq+1:
		return fmt.Errorf("entry %d comes after entry %d: what is between them is missing", e.Seq, head.Seq)
	}
	sum, err := e.Sum()
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	if sum != e.Hash {
		return fmt.Errorf("entry %d has another hash than its content: it was changed", e.Seq)
	}
	if e.Previous != previous(head) {
		return fmt.Errorf("entry %d does not follow entry %d: one of them was changed or exchanged", e.Seq, head.Seq)
	}
	return nil
}

func previous(head Entry) string {
	if head.Seq == 0 {
		return zeroHash
	}
	return head.Hash
}
