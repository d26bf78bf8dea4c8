package books

import (
	"maps"
	"slices"
)

// registry numbers the addresses of one kind and keeps their records.
type registry struct {
	numbers map[string]uint32
	records []record
}

// record is what is known of a holder.
type record struct {
	address string
	strikes int
	struck  uint64
	ban     string
	live    int
	// Results that wait for verdicts, and accepted ones.
	unjudged, accepted int
}

func newRegistry() registry { return registry{numbers: make(map[string]uint32)} }

// number returns the number of an address, a new one if it has none.
func (r *registry) number(address string) uint32 {
	n, ok := r.numbers[address]
	if !ok {
		n = uint32(len(r.records))
		r.numbers[address] = n
		r.records = append(r.records, record{address: address})
	}
	return n
}

// of returns the record of an address; a zero one if it has none.
func (r *registry) of(address string) record {
	if n, ok := r.numbers[address]; ok {
		return r.records[n]
	}
	return record{address: address}
}

func (r *registry) address(number uint32) string { return r.records[number].address }

// Recount makes a lease that counts counted among the strikes of a holder count
// level, from −1 to 1, as far as strikes stay between 0 and MaxStrikes. It
// returns the strikes, and what the lease counts among them.
func Recount(strikes, counted, level int) (after, counts int) {
	after = min(max(0, strikes+level-counted), MaxStrikes)
	return after, counted + after - strikes
}

// struck checks the strikes that an entry leaves to the holders of a lease which
// is to count level from now on; it names none if nothing changes.
func (b *Books) struck(l *lease, s *Strikes, level int) error {
	var want *Strikes
	if int(l.hotkeyStrikes) != level || int(l.coldkeyStrikes) != level {
		want = &Strikes{}
		want.Hotkey, _ = Recount(b.hotkeys.records[l.hotkey].strikes, int(l.hotkeyStrikes), level)
		want.Coldkey, _ = Recount(b.coldkeys.records[l.coldkey].strikes, int(l.coldkeyStrikes), level)
	}
	switch {
	case s == nil && want != nil:
		return illegal("no strikes, not %+v", *want)
	case s != nil && want == nil:
		return illegal("strikes %+v where none change", *s)
	case s != nil && *s != *want:
		return illegal("strikes %+v, not %+v", *s, *want)
	}
	return nil
}

// strike makes a lease count level among the strikes of its holders, as was
// checked.
func (b *Books) strike(l *lease, level int, block uint64) {
	for _, r := range []struct {
		*record
		counted *int8
	}{{&b.hotkeys.records[l.hotkey], &l.hotkeyStrikes}, {&b.coldkeys.records[l.coldkey], &l.coldkeyStrikes}} {
		if level > 0 && int(*r.counted) < level {
			r.struck = max(r.struck, block)
		}
		after, counts := Recount(r.strikes, int(*r.counted), level)
		r.strikes, *r.counted = after, int8(counts)
	}
}

// account counts a task that moved from a state to another by a lease among the
// results of the lease's holders.
func (b *Books) account(l *lease, from, to stateIndex) {
	if from == to {
		return
	}
	for _, r := range []*record{&b.hotkeys.records[l.hotkey], &b.coldkeys.records[l.coldkey]} {
		r.results(from, -1)
		r.results(to, 1)
	}
}

func (r *record) results(state stateIndex, by int) {
	switch state {
	case submitted:
		r.unjudged += by
	case accepted:
		r.accepted += by
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
