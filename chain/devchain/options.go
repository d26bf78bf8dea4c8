package devchain

import (
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/devchain/runtime"
)

// Clock tells the time and wakes sleepers; SystemClock is the real one.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the clock of the operating system.
type SystemClock struct{}

// Now returns the current time.
func (SystemClock) Now() time.Time { return time.Now() }

// After waits for d.
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// SealMode says when the node makes blocks by itself.
type SealMode struct{ every time.Duration }

// OnDemand makes no block by itself but for an extrinsic: one that takes it in at
// once, and as many more as make that one final. Time is that of the chain, one
// BlockTime of the genesis for each block, whatever the clock says. Seal makes
// other blocks. For tests.
var OnDemand = SealMode{}

// Every makes a block each time d has passed on the clock, at least a
// millisecond. What a clock says after a pause is not made up for.
func Every(d time.Duration) SealMode { return SealMode{every: max(d, time.Millisecond)} }

// Options of a node.
type Options struct {
	// Genesis is what block 0 holds; Start in it is the time of the clock when it
	// is zero. The seals of blocks are drawn from its Seed. Open has it from the
	// folder.
	Genesis runtime.Config
	// FinalityLag is how many blocks the newest final block is behind the head.
	// Open has it from the folder.
	FinalityLag uint64
	Seal        SealMode
	// Keep is how many blocks behind the newest final one keep their state; 0
	// keeps all, as an archive node does. Headers and bodies are always kept.
	Keep uint64
	// Clock is SystemClock when it is nil.
	Clock Clock
	// Log hears what goes on at the level debug; nothing is logged when it is
	// the zero value.
	Log zerolog.Logger
}

// maxLag bounds FinalityLag: a block on demand is followed by as many.
const maxLag = 1000

func (o *Options) defaults() error {
	if o.FinalityLag > maxLag {
		return fmt.Errorf("finality lag of %d blocks, at most %d", o.FinalityLag, maxLag)
	}
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.Genesis.Start.IsZero() {
		o.Genesis.Start = o.Clock.Now()
	}
	o.Genesis.Start = o.Genesis.Start.UTC().Truncate(time.Millisecond)
	return o.Genesis.Validate()
}
