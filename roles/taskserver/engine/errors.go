package engine

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is. A signed request that one of
// them refuses has changed nothing, and has used up its UUID.
var (
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the name is taken by something else.
	ErrConflict = errors.New("conflict")
	// ErrReplayed: the UUID was used before.
	ErrReplayed = errors.New("request was used before")
	// ErrNoTask: nothing is available.
	ErrNoTask = errors.New("no task is available")
	// ErrNotHolder: the lease is another hotkey's.
	ErrNotHolder = errors.New("lease is held by another hotkey")
	// ErrFenced: the lease is over.
	ErrFenced = errors.New("lease is over")
	// ErrSubmitted: the lease has another result already.
	ErrSubmitted = errors.New("lease has another result already")
	// ErrRecipe: the recipe is not served at this block.
	ErrRecipe = errors.New("recipe is not served")
	// ErrBanned: the operator keeps this hotkey or its coldkey from leasing.
	ErrBanned = errors.New("banned")
	// ErrAhead: the request names a block that is not finalised yet, as far as
	// this server knows; it may succeed later.
	ErrAhead = errors.New("block is not finalised yet")
	// ErrUnavailable: the store cannot be reached, or cannot write, for now.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrState: the state of a task does not allow what its operator wants.
	ErrState = errors.New("not in this state")
)

// QuotaError refuses a new lease to a holder who has as many as it may have, who
// lost some lately, or whose results wait for verdicts.
type QuotaError struct {
	// Holder is the hotkey or the coldkey whose quota it is.
	Holder Holder
	// Quota is how many leases it may have now, Open how many it has.
	Quota, Open int
	// Until is the block at which its pause is over; 0 when it has none, and must
	// end a lease first.
	Until uint64
	// Slot is the slot that was asked for if it is beyond the quota, though fewer
	// leases are open; else 0.
	Slot int
	// MostUnjudged is how many tasks it may have that are leased or wait for
	// verdicts, Unjudged how many wait; 0 unless that is why it is refused.
	Unjudged, MostUnjudged int
}

func (e *QuotaError) Error() string {
	switch {
	case e.Until > 0:
		return fmt.Sprintf("this %s let leases lapse and gets no new one before block %d", e.Holder.Kind, e.Until)
	case e.Slot > 0:
		return fmt.Sprintf("this %s may use slots up to %d for now, not slot %d", e.Holder.Kind, e.Quota, e.Slot)
	case e.MostUnjudged > 0:
		return fmt.Sprintf("this %s has %d results that wait for verdicts and %d leases open, and may have %d together until more of its work is accepted",
			e.Holder.Kind, e.Unjudged, e.Open, e.MostUnjudged)
	}
	return fmt.Sprintf("this %s has %d leases open and may have %d for now", e.Holder.Kind, e.Open, e.Quota)
}

// refused is an error that answers a request, as opposed to what failed to.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

func refuse(err error) error { return refused{err} }

// BanError is ErrBanned with what the operator says.
type BanError struct {
	Holder Holder
	Reason string
}

func (e *BanError) Error() string {
	return fmt.Sprintf("this %s gets no leases here: %s", e.Holder.Kind, e.Reason)
}

// Is makes it an ErrBanned.
func (e *BanError) Is(target error) bool { return target == ErrBanned }
