package tokens

// longPiece is the length in bytes from which a heap finds the next merge.
// Scanning for it is faster on words, but takes a time that grows with the
// square of the length.
const longPiece = 64

// count returns how many tokens a piece of less than 4 GiB is encoded as. Work
// is bounded by n log n of its length.
func (v *vocabulary) count(piece string) int {
	if v.has(piece) {
		return 1
	}
	if len(piece) < longPiece {
		return v.countShort(piece)
	}
	return v.countLong(piece)
}

// countShort merges the leftmost pair of lowest rank until none is left.
func (v *vocabulary) countShort(piece string) int {
	var parts, merged [longPiece]rank
	n := len(piece)
	for i := range n {
		parts[i] = v.bytes[piece[i]]
	}
	for i := range n - 1 {
		merged[i] = v.pairs[piece[i]][piece[i+1]]
	}
	for n > 1 {
		best, at := none, 0
		for i, r := range merged[:n-1] {
			if r < best {
				best, at = r, i
			}
		}
		if best == none {
			break
		}
		parts[at] = best
		copy(parts[at+1:n-1], parts[at+2:n])
		copy(merged[at+1:n-1], merged[at+2:n])
		n--
		if at > 0 {
			merged[at-1] = v.merges.get(parts[at-1], best)
		}
		if at < n-1 {
			merged[at] = v.merges.get(best, parts[at+1])
		}
	}
	return n
}

// countLong does the same over a linked list of parts and a heap of merges. It
// takes 20 bytes for each byte of the piece.
func (v *vocabulary) countLong(piece string) int {
	l := list{vocabulary: v, parts: make([]part, len(piece)), queue: make(queue, 0, len(piece))}
	for i := range l.parts {
		l.parts[i] = part{token: v.bytes[piece[i]], previous: uint32(i - 1), next: uint32(i + 1)}
	}
	for i := range len(piece) - 1 {
		l.propose(uint32(i))
	}
	n := len(piece)
	for len(l.queue) > 0 {
		merged, at := l.queue.pop()
		left := &l.parts[at]
		if left.token == none || int(left.next) >= len(l.parts) || v.merges.get(left.token, l.parts[left.next].token) != merged {
			continue // it or its neighbour has merged since
		}
		right := &l.parts[left.next]
		left.token, left.next, right.token = merged, right.next, none
		n--
		if int(left.next) < len(l.parts) {
			l.parts[left.next].previous = at
			l.propose(at)
		}
		if at > 0 {
			l.propose(left.previous)
		}
	}
	return n
}

// part is a token, or none where another has taken it in. The part at byte 0 has
// no previous one, the last part a next one behind the end.
type part struct {
	token          rank
	previous, next uint32
}

// list is a piece on its way; the queue holds merges that may have become
// stale.
type list struct {
	vocabulary *vocabulary
	parts      []part
	queue      queue
}

// propose queues the merge of a part with the next one, if there is one.
func (l *list) propose(at uint32) {
	if merged := l.vocabulary.merges.get(l.parts[at].token, l.parts[l.parts[at].next].token); merged != none {
		l.queue.push(merged, at)
	}
}

// queue is a binary heap of merges by rank, then byte position. Both stand in
// one word: rank above, position below, so that comparing is one instruction.
type queue []uint64

func (q *queue) push(merged rank, at uint32) {
	*q = append(*q, uint64(merged)<<32|uint64(at))
	h := *q
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent] <= h[i] {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (q *queue) pop() (merged rank, at uint32) {
	h := *q
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if h[i] <= h[child] {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	return rank(top >> 32), uint32(top)
}
