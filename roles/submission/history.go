package submission

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"finest/internal/contract"
)

// ErrNoLog says that a claim's own commit will not give its log: the commit can
// be read and does not hold it, or it stayed unreadable for too long.
var ErrNoLog = errors.New("no such claim log")

// States of a claim.
const (
	// Pending: its log was not readable yet, or waits for that of a claim before.
	Pending = "pending"
	// Unread: its log is not asked for any more. It changes nothing, unless a later
	// valid log begins with it.
	Unread = "unread"
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
	// Seen is the newest final block when the claim was seen first.
	Seen uint64 `json:"seen,omitempty"`
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
// An error that wraps ErrNoLog says that this claim need not be asked again; any
// other that its log cannot be read now.
type ReadLog func(ctx context.Context, c Claimed) ([]byte, error)

// Advance settles the claims of one hotkey, oldest first, as far as their logs
// can be read, and returns the tasks that they bind, first line first. claims
// are changed in place. An error is that of ctx.
//
// A log must begin with the bytes of the last valid log before it. A claim whose
// own log cannot be read stands for the part of a later valid log that has the
// claimed SHA-256. So what a claim binds does not depend on when it is read: a
// claim waits while one before it is pending whose log it does not begin with.
func Advance(ctx context.Context, claims []Claimed, read ReadLog) ([]Bound, error) {
	a := advance{claims: claims}
	pending := a.pending()
	if len(pending) == 0 {
		return nil, nil
	}
	// The newest log mostly begins with all others, which need not be read then.
	newest := pending[len(pending)-1]
	log := a.read(ctx, newest, read)
	a.settle(newest, log)
	for _, i := range pending[:len(pending)-1] {
		if claims[i].State == Pending {
			a.settle(i, a.read(ctx, i, read))
		}
	}
	a.settle(newest, log)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return a.bound, nil
}

type advance struct {
	claims []Claimed
	bound  []Bound
}

func (a *advance) pending() []int {
	var out []int
	for i, c := range a.claims {
		if c.State == Pending {
			out = append(out, i)
		}
	}
	return out
}

// read returns the log of claim i, nil if that cannot be had.
func (a *advance) read(ctx context.Context, i int, read ReadLog) []byte {
	c := &a.claims[i]
	log, err := read(ctx, *c)
	if err != nil {
		c.Reason = err.Error()
		if errors.Is(err, ErrNoLog) {
			c.State = Unread
		}
		return nil
	}
	if log == nil {
		log = []byte{}
	}
	return log
}

// settle decides claim i by its log, and with it every claim before it that is
// not settled, unless one of them has to be waited for. It does nothing for a
// claim that is settled or has no log.
func (a *advance) settle(i int, log []byte) {
	c := &a.claims[i]
	if c.State != Pending || log == nil {
		return
	}
	valid := lastValid(a.claims[:i])
	if reason := extends(log, valid); reason != "" {
		c.State, c.Reason = Void, reason
		return
	}
	end := validBytes(valid)
	ends := prefixes(log, end, a.claims[:i])
	prefix := make([]int, i) // −1 where the claim stands for no part of the log
	for j, earlier := range a.claims[:i] {
		if earlier.State != Pending && earlier.State != Unread {
			continue
		}
		at, begins := ends[earlier.Claim.LogSHA256]
		switch {
		case begins && at >= end:
			prefix[j], end = at, at
		case earlier.State == Pending:
			c.Reason = fmt.Sprintf("waits for the log claimed at block %d, which cannot be read", earlier.Block)
			return
		default:
			prefix[j] = -1
		}
	}
	for j := range a.claims[:i] {
		earlier := &a.claims[j]
		switch {
		case earlier.State != Pending && earlier.State != Unread:
		case prefix[j] < 0:
			earlier.State = Void
			earlier.Reason = fmt.Sprintf("its log was never readable, and the log claimed at block %d does not begin with it", c.Block)
		default:
			a.validate(j, log[:prefix[j]])
		}
	}
	a.validate(i, log)
}

// validate makes claim i valid with this log.
func (a *advance) validate(i int, log []byte) {
	c := &a.claims[i]
	before := validBytes(lastValid(a.claims[:i]))
	c.State, c.Reason, c.Bytes = Valid, "", len(log)
	lines, err := contract.ParseLog(log[before:])
	if err != nil {
		return // no: extends parsed all of it
	}
	for _, line := range lines {
		a.bound = append(a.bound, Bound{Block: c.Block, Line: line, Uncertain: c.Uncertain})
	}
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
		return fmt.Sprintf("its log has %d bytes, fewer than the %d of the log claimed at block %d", len(log), valid.Bytes, valid.Block)
	}
	if sum := sha256.Sum256(log[:valid.Bytes]); hex.EncodeToString(sum[:]) != valid.Claim.LogSHA256 {
		return fmt.Sprintf("its log does not begin with the log claimed at block %d", valid.Block)
	}
	return ""
}

// prefixes returns where the parts of log that unsettled claims name end: at a
// newline, at byte from or later. One pass, whatever their number.
func prefixes(log []byte, from int, claims []Claimed) map[string]int {
	wanted := make(map[string]bool)
	for _, c := range claims {
		if c.State == Pending || c.State == Unread {
			wanted[c.Claim.LogSHA256] = true
		}
	}
	ends := make(map[string]int)
	if len(wanted) == 0 {
		return ends
	}
	hash := sha256.New()
	hash.Write(log[:from])
	for end := from; ; {
		if sum := hex.EncodeToString(hash.Sum(nil)); wanted[sum] {
			ends[sum] = end
		}
		next := bytes.IndexByte(log[end:], '\n')
		if next < 0 {
			return ends
		}
		hash.Write(log[end : end+next+1])
		end += next + 1
	}
}

// lastValid returns the newest valid one of claims, nil without.
func lastValid(claims []Claimed) *Claimed {
	for i := len(claims) - 1; i >= 0; i-- {
		if claims[i].State == Valid {
			return &claims[i]
		}
	}
	return nil
}

func validBytes(c *Claimed) int {
	if c == nil {
		return 0
	}
	return c.Bytes
}
