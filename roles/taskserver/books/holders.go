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

// struck checks the strikes that an entry leaves to the holders of a lease. By
// is 1 for a strike, −1 for one taken back, 0 if the entry has none.
func (b *Books) struck(l *lease, s *Strikes, by int) error {
	if by == 0 || s == nil {
		if by != 0 || s != nil {
			return illegal("strikes %+v where %d is due", s, by)
		}
		return nil
	}
	hot, cold := b.hotkeys.records[l.hotkey].strikes, b.coldkeys.records[l.coldkey].strikes
	want := Strikes{Hotkey: min(max(0, hot+by), MaxStrikes), Coldkey: min(max(0, cold+by), MaxStrikes)}
	if *s != want {
		return illegal("strikes %+v, not %+v", *s, want)
	}
	return nil
}

// strike keeps strikes that were checked.
func (b *Books) strike(l *lease, s *Strikes, by int, block uint64) {
	if s == nil {
		return
	}
	for _, r := range []struct {
		*record
		strikes int
	}{{&b.hotkeys.records[l.hotkey], s.Hotkey}, {&b.coldkeys.records[l.coldkey], s.Coldkey}} {
		r.record.strikes = r.strikes
		if by > 0 {
			r.record.struck = max(r.record.struck, block)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
