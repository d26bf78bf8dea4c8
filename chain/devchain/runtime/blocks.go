package runtime

import (
	"encoding/binary"

	"finest/chain"
)

// Begin starts block number on the state of its parent: what happens before all
// extrinsics. Weights and commitments whose round is out are revealed, and epochs
// run that are due.
func (r *Runtime) Begin(s *State, number uint32, parent chain.Hash) {
	x := &exec{r, s, initializing}
	x.initialize(number, parent)
	x.noteUpgrade()
	x.stepSubnets()
	x.revealCommitments()
}

// End finishes the block after its last extrinsic.
func (r *Runtime) End(s *State) {
	x := &exec{r, s, finalizing}
	x.addPulses()
}

// noteUpgrade tells of a runtime that runs for the first time.
func (x *exec) noteUpgrade() {
	now := upgrade{uint64(x.version.Spec()), SpecName}
	if before, _ := lastUpgrade.lookup(x.s); before != now {
		lastUpgrade.put(x.s, now)
		x.deposit("System", "CodeUpdated")
	}
}

// networks are the numbers of the subnets in order, without the root network.
func networks(s *State) (out []uint16) {
	networksAdded.each(s, func(rest []byte, added bool) {
		if len(rest) != 2 {
			return // set by hand
		}
		if netuid := binary.LittleEndian.Uint16(rest); added && netuid != 0 {
			out = append(out, netuid)
		}
	})
	return out
}
