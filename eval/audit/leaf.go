package audit

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"finest/internal/canon"
	"finest/internal/contract"
)

// Leaf is a row that a manifest commits to, with the way to its root.
type Leaf struct {
	// Index of the row in its tree.
	Index uint64 `json:"index"`
	// Row is the row as the canonical JSON array that the tree hashes.
	Row json.RawMessage `json:"row"`
	// Path is the RFC 6962 audit path, from the leaf upwards.
	Path []string `json:"path"`
}

// canonicalRow is a row of a shard or of a ledger.
type canonicalRow interface{ Canonical() []any }

func encodeRow(r canonicalRow) ([]byte, error) { return canon.Marshal(r.Canonical()) }

// verify reports whether the leaf stands in the tree of size rows with root.
func (l Leaf) verify(size uint64, root canon.Hash) bool {
	path := make([]canon.Hash, len(l.Path))
	for i, p := range l.Path {
		var err error
		if path[i], err = canon.ParseHash(p); err != nil {
			return false
		}
	}
	return canon.VerifyPath(canon.Leaf(l.Row), l.Index, size, path, root)
}

// pathCollector computes the audit path of one leaf while all leaves pass by,
// in memory of one hash per level. The path consists of the roots of complete
// intervals of leaves, which do not overlap.
type pathCollector struct {
	intervals []interval // in the order of the path, from the leaf upwards
	byStart   []int      // intervals in order of their leaves
	current   int
}

type interval struct {
	start, end uint64
	tree       canon.Tree
}

func newPathCollector(index, size uint64) *pathCollector {
	c := &pathCollector{}
	lo, hi := uint64(0), size
	for hi-lo > 1 {
		split := lo + 1<<(bits.Len64(hi-lo-1)-1)
		if index < split {
			c.intervals = append(c.intervals, interval{start: split, end: hi})
			hi = split
		} else {
			c.intervals = append(c.intervals, interval{start: lo, end: split})
			lo = split
		}
	}
	slices.Reverse(c.intervals)
	for i := range c.intervals {
		c.byStart = append(c.byStart, i)
	}
	slices.SortFunc(c.byStart, func(a, b int) int {
		if c.intervals[a].start < c.intervals[b].start {
			return -1
		}
		return 1
	})
	return c
}

// add takes the leaf hashes in order.
func (c *pathCollector) add(index uint64, leaf canon.Hash) {
	for c.current < len(c.byStart) {
		i := &c.intervals[c.byStart[c.current]]
		if index < i.end {
			if index >= i.start {
				i.tree.Add(leaf)
			}
			return
		}
		c.current++
	}
}

func (c *pathCollector) path() []string {
	out := make([]string, len(c.intervals))
	for i := range c.intervals {
		out[i] = c.intervals[i].tree.Root().String()
	}
	return out
}

// decodeArray reads a canonical JSON array into its elements' targets.
func decodeArray(raw []byte, targets ...any) error {
	var cells []json.RawMessage
	if err := json.Unmarshal(raw, &cells); err != nil {
		return err
	}
	if len(cells) != len(targets) {
		return fmt.Errorf("row of %d columns, not %d", len(cells), len(targets))
	}
	for i, cell := range cells {
		if err := json.Unmarshal(cell, targets[i]); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// decodeLedgerRow reads what LedgerRow.Canonical wrote, and nothing else.
func decodeLedgerRow(raw []byte) (contract.LedgerRow, error) {
	var r contract.LedgerRow
	var value, score, keys string
	err := decodeArray(raw, &r.File, &r.Offset, &r.Length, &r.ID, &r.Outcome, &r.Reason, &value, &r.Language,
		&score, &r.Characters, &keys, &r.KeptFile, &r.KeptOffset)
	if err == nil {
		r.Value, err = decodeFloat(value)
	}
	if err == nil {
		r.LanguageScore, err = decodeFloat(score)
	}
	if err == nil {
		r.BandKeys, err = decodeKeys(keys)
	}
	return r, sameSpelling(r, raw, err)
}

// decodeRow reads what Row.Canonical wrote, and nothing else.
func decodeRow(raw []byte) (contract.Row, error) {
	var r contract.Row
	var score string
	err := decodeArray(raw, &r.Text, &r.ID, &r.Dump, &r.URL, &r.Date, &r.FilePath, &r.Language, &score,
		&r.TokenCount, &r.WARCOffset, &r.WARCLength)
	if err == nil {
		r.LanguageScore, err = decodeFloat(score)
	}
	return r, sameSpelling(r, raw, err)
}

func sameSpelling(r canonicalRow, raw []byte, err error) error {
	if err == nil {
		var back []byte
		if back, err = encodeRow(r); err == nil && string(back) != string(raw) {
			err = canon.ErrNotCanonical
		}
	}
	if err != nil {
		return fmt.Errorf("decode row: %w", err)
	}
	return nil
}

func decodeFloat(s string) (float64, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 8 {
		return 0, fmt.Errorf("number %.20q is not 16 hex digits", s)
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

func decodeKeys(s string) ([]uint64, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b)%8 != 0 || len(b) > 8*contract.Bands {
		return nil, fmt.Errorf("band keys %.20q", s)
	}
	var keys []uint64
	for ; len(b) > 0; b = b[8:] {
		keys = append(keys, binary.BigEndian.Uint64(b))
	}
	return keys, nil
}
