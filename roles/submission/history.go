package submission

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"finest/internal/contract"
)

// States of a claim.
const (
	// Pending: its log was not readable yet.
	Pending = "pending"
	// Valid: its log was read, or stands at the beginning of a later valid log.
	Valid = "valid"
	// Void: it changes nothing; the reason says why.
	Void = "void"
)

// Claimed is one claim of a hotkey, with what is known of its log.
type Claimed struct {
	Block  uint64         `json:"block"`
	Claim  contract.Claim `json:"claim"`
	State  string         `json:"state"`
	Reason string         `json:"reason,omitempty"`
	// Bytes is the length of a valid claim's log.
	Bytes int `json:"bytes,omitempty"`
	// Uncertain: the block is the one storage tells, but claims before it were
	// not seen, so nobody here knows when its tasks were claimed first.
	Uncertain bool `json:"uncertain,omitempty"`
}

// Bound is a task that a claim bound to a block.
type Bound struct {
	Block     uint64           `json:"block"`
	Line      contract.LogLine `json:"line"`
	Uncertain bool             `json:"uncertain,omitempty"`
}

// ReadLog returns the claim log at a claim's commit, whose SHA-256 was checked.
// An error that wraps ErrVoid says that the commit holds no such log; any other
// that it cannot be read now.
type ReadLog func(ctx context.Context, c contract.Claim) ([]byte, error)

// Advance settles the pending claims of one hotkey, oldest first, and returns
// the tasks that they bind. A log must begin with the bytes of the last valid
// log; the tasks of a claim whose log is not readable are those of the later
// log that begins with it. claims are changed in place.
func Advance(ctx context.Context, claims []Claimed, read ReadLog) ([]Bound, error) {
	var bound []Bound
	valid := lastValid(claims, len(claims))
	for i := 0; i < len(claims); i++ {
		if claims[i].State != Pending {
			continue
		}
		log, err := read(ctx, claims[i].Claim)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case isVoid(err):
			claims[i].State, claims[i].Reason = Void, err.Error()
			continue
		case err != nil:
			claims[i].Reason = err.Error()
			continue
		}
		if reason := extends(log, valid); reason != "" {
			claims[i].State, claims[i].Reason = Void, reason
			continue
		}
		// Every earlier claim that is still pending either stands for a prefix of
		// this log or can no longer change anything.
		for j := range i {
			if claims[j].State == Pending {
				bound = append(bound, settleByPrefix(&claims[j], log, lastValid(claims, j+1))...)
			}
		}
		previous := lastValid(claims, i)
		claims[i].State, claims[i].Reason, claims[i].Bytes = Valid, "", len(log)
		bound = append(bound, newLines(log[previousBytes(previous):], claims[i])...)
		valid = &claims[i]
	}
	return bound, nil
}

// settleByPrefix decides a claim whose own log could not be read by a later log
// that is valid.
func settleByPrefix(c *Claimed, log []byte, previous *Claimed) []Bound {
	from := previousBytes(previous)
	for end := from; end <= len(log); {
		if sum := sha256.Sum256(log[:end]); hex.EncodeToString(sum[:]) == c.Claim.LogSHA256 {
			c.State, c.Reason, c.Bytes = Valid, "", end
			return newLines(log[from:end], *c)
		}
		next := bytes.IndexByte(log[end:], '\n')
		if next < 0 {
			break
		}
		end += next + 1
	}
	c.State = Void
	c.Reason = "its log was never readable, and no later log begins with it"
	return nil
}

func newLines(raw []byte, c Claimed) []Bound {
	lines, err := contract.ParseLog(raw)
	if err != nil {
		return nil // the whole log was parsed before
	}
	var out []Bound
	for _, line := range lines {
		out = append(out, Bound{Block: c.Block, Line: line, Uncertain: c.Uncertain})
	}
	return out
}

// extends says why log is none that may follow the last valid one.
func extends(log []byte, valid *Claimed) string {
	if _, err := contract.ParseLog(log); err != nil {
		return err.Error()
	}
	if valid == nil {
		return ""
	}
	if len(log) < valid.Bytes {
		return fmt.Sprintf("its log has %d bytes, fewer than the %d of the log before it", len(log), valid.Bytes)
	}
	if sum := sha256.Sum256(log[:valid.Bytes]); hex.EncodeToString(sum[:]) != valid.Claim.LogSHA256 {
		return fmt.Sprintf("its log does not begin with the log claimed at block %d", valid.Block)
	}
	return ""
}

// lastValid returns the newest valid one of the first n claims.
func lastValid(claims []Claimed, n int) *Claimed {
	for i := n - 1; i >= 0; i-- {
		if claims[i].State == Valid {
			return &claims[i]
		}
	}
	return nil
}

func previousBytes(c *Claimed) int {
	if c == nil {
		return 0
	}
	return c.Bytes
}
