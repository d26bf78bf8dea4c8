package bpe

// none stands for no token.
const none = ^uint16(0)

// mergeTable says what two tokens merge into. Tokens made later have higher
// numbers, so that the lowest result is the merge to be made first.
type mergeTable struct {
	bytes [1 << 16]uint16 // of two bytes, at left << 8 | right
	pairs []pairEntry     // of other tokens, by open addressing
	shift uint
}

type pairEntry struct {
	left, right, made uint16
}

func newMergeTable(m Merges) *mergeTable {
	t := &mergeTable{shift: 32}
	for 1<<(32-t.shift) < 4*len(m)+4 {
		t.shift--
	}
	t.pairs = make([]pairEntry, 1<<(32-t.shift))
	for i := range t.pairs {
		t.pairs[i].made = none
	}
	for i := range t.bytes {
		t.bytes[i] = none
	}
	for i, pair := range m {
		made := uint16(firstMerge + i)
		if pair.Left < eos && pair.Right < eos {
			t.bytes[pair.Left<<8|pair.Right] = made
			continue
		}
		at := t.slot(pair.Left, pair.Right)
		for t.pairs[at].made != none {
			at = (at + 1) % uint32(len(t.pairs))
		}
		t.pairs[at] = pairEntry{pair.Left, pair.Right, made}
	}
	return t
}

// slot is Fibonacci hashing of the pair.
func (t *mergeTable) slot(left, right uint16) uint32 {
	return (uint32(left)<<16 | uint32(right)) * 0x9E3779B1 >> t.shift
}

func (t *mergeTable) get(left, right uint16) uint16 {
	if left < eos && right < eos {
		return t.bytes[left<<8|right]
	}
	at := t.slot(left, right)
	for {
		e := t.pairs[at&uint32(len(t.pairs)-1)]
		if e.made == none || e.left == left && e.right == right {
			return e.made
		}
		at++
	}
}

// encode replaces the tokens of a piece, its bytes at first, by those that the
// merges make of them, and returns how many are left.
func (t *mergeTable) encode(tokens *[maxPiece]uint16, n int) int {
	var made [maxPiece]uint16 // of tokens i and i+1
	for i := 0; i+1 < n; i++ {
		made[i] = t.get(tokens[i], tokens[i+1])
	}
	for n > 1 {
		best, at := none, 0
		for i, m := range made[:n-1] {
			if m < best {
				best, at = m, i
			}
		}
		if best == none {
			break
		}
		tokens[at] = best
		copy(tokens[at+1:n-1], tokens[at+2:n])
		copy(made[at:n-2], made[at+1:n-1])
		n--
		if at > 0 {
			made[at-1] = t.get(tokens[at-1], best)
		}
		if at+1 < n {
			made[at] = t.get(best, tokens[at+1])
		}
	}
	return n
}
