package books

import (
	"fmt"
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

// Sum returns what Hash must be.
func (e Entry) Sum() (string, error) {
	e.Hash = ""
	raw, err := canon.Marshal(e)
	if err != nil {
		return "", err
	}
	return canon.Sum(raw), nil
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
