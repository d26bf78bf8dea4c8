package runtime

import (
	"bytes"
	"slices"

	"finest/chain/timelock"
)

// indexTimelocked keeps the ordered set of commitments that have a timelocked
// field.
func (x *exec) indexTimelocked(t timelocked, has bool) {
	set := timelockedIndex.get(x.s)
	at, found := slices.BinarySearchFunc(set, t, func(a, b timelocked) int {
		if a.netuid != b.netuid {
			return int(a.netuid) - int(b.netuid)
		}
		return bytes.Compare(a.who[:], b.who[:])
	})
	switch {
	case has == found:
		return
	case has:
		set = slices.Insert(set, at, t)
	default:
		set = slices.Delete(set, at, at+1)
	}
	timelockedIndex.put(x.s, set)
}

// maxRevealed is how many decrypted fields of a hotkey the chain keeps.
const maxRevealed = 10

// revealCommitments decrypts the timelocked fields whose pulse is there. They
// leave their commitments, and a commitment without fields goes; one that cannot
// be decrypted leaves without an event.
func (x *exec) revealCommitments() {
	for _, t := range timelockedIndex.get(x.s) {
		c, ok := commitmentOf.lookup(x.s, t.netuid, t.who)
		if !ok {
			x.indexTimelocked(t, false)
			continue
		}
		var kept []field
		waiting := false
		for _, f := range c.fields {
			if f.tag != tagTimelocked {
				kept = append(kept, f)
				continue
			}
			p, ok := pulses.lookup(x.s, f.round)
			if !ok {
				kept, waiting = append(kept, f), true
				continue
			}
			if text, err := decrypt(f.body, p); err == nil {
				x.reveal(t, text)
			}
		}
		if len(kept) == len(c.fields) {
			continue
		}
		x.indexTimelocked(t, waiting)
		if len(kept) == 0 {
			commitmentOf.drop(x.s, t.netuid, t.who)
			continue
		}
		c.fields = kept
		commitmentOf.put(x.s, c, t.netuid, t.who)
	}
}

func (x *exec) reveal(t timelocked, text []byte) {
	all := append(revealedOf.get(x.s, t.netuid, t.who), revealed{text, x.block()})
	if len(all) > maxRevealed {
		all = all[len(all)-maxRevealed:]
	}
	revealedOf.put(x.s, all, t.netuid, t.who)
	x.deposit("Commitments", "CommitmentRevealed", t.netuid, t.who)
}

func decrypt(ciphertext []byte, p pulse) ([]byte, error) {
	var signature timelock.Signature
	copy(signature[:], p.signature)
	return timelock.Decrypt(ciphertext, signature)
}
