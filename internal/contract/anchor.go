package contract

import (
	"regexp"
	"strconv"
)

// Anchor is the head of a task server's audit log as its operator writes it on
// chain, in one field of a commitment. It is no claim: that has two fields.
type Anchor struct {
	// Seq and Hash are those of an entry of the log.
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

var anchorRE = regexp.MustCompile(`^finest-audit/1 ([1-9][0-9]{0,17}) ([0-9a-f]{64})$`)

// Fields returns the one Raw field of the commitment.
func (a Anchor) Fields() [][]byte {
	return [][]byte{[]byte("finest-audit/1 " + strconv.FormatInt(a.Seq, 10) + " " + a.Hash)}
}

// ParseAnchor reads the fields of a commitment.
func ParseAnchor(fields [][]byte) (Anchor, error) {
	if len(fields) != 1 || len(fields[0]) > MaxField {
		return Anchor{}, invalid("anchor has %d fields", len(fields))
	}
	parts := anchorRE.FindSubmatch(fields[0])
	if parts == nil {
		return Anchor{}, invalid("anchor %.120q", fields[0])
	}
	seq, err := strconv.ParseInt(string(parts[1]), 10, 64)
	if err != nil {
		return Anchor{}, invalid("anchor %.120q: %v", fields[0], err)
	}
	return Anchor{Seq: seq, Hash: string(parts[2])}, nil
}
