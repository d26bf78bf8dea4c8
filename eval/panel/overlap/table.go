package overlap

// table maps the hashes of grams of one length to what is known of them. It is
// open, with linear probing; key 0 is a free slot, so that hash 0 counts as 1.
type table struct {
	words int
	keys  []uint64
	grams []gram
	used  int
}

// gram is what is known of a sequence of words of held-out text.
type gram struct {
	// first and last are the units it was found in first and last, by number.
	first, last uint32
	// sources counts units that it was found in, up to 255.
	sources uint8
}

// slot returns where a hash is, or would be; ok if it is there.
func (t *table) slot(hash uint64) (at int, ok bool) {
	if len(t.keys) == 0 {
		return 0, false
	}
	hash = max(hash, 1)
	mask := uint64(len(t.keys) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch t.keys[i] {
		case hash:
			return int(i), true
		case 0:
			return int(i), false
		}
	}
}

// add notes that a gram is in a unit.
func (t *table) add(hash uint64, unit uint32) {
	if t.used >= len(t.keys)/2 {
		t.grow()
	}
	at, ok := t.slot(hash)
	if !ok {
		t.keys[at] = max(hash, 1)
		t.grams[at] = gram{first: unit, last: unit, sources: 1}
		t.used++
		return
	}
	g := &t.grams[at]
	if g.last != unit && g.sources < 255 {
		g.sources++
	}
	g.last = unit
}

func (t *table) grow() {
	old := *t
	size := max(1024, 2*len(old.keys))
	t.keys, t.grams = make([]uint64, size), make([]gram, size)
	for i, key := range old.keys {
		if key != 0 {
			at, _ := t.slot(key)
			t.keys[at], t.grams[at] = key, old.grams[i]
		}
	}
}
