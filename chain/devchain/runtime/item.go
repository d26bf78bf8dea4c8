package runtime

import (
	"encoding/binary"
	"fmt"
	"sync"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// item is a storage item with values of type V. Hashers and default are those of
// the schema, which is looked at when the item is first used.
type item[V any] struct {
	codec[V]
	at func() location
}

// location is where an item lies.
type location struct {
	*metadata.Storage
	prefix []byte // twox128 of the pallet and of the item
}

func newItem[V any](c codec[V], pallet, name string) item[V] {
	return item[V]{c, sync.OnceValue(func() location { return locate(pallet, name) })}
}

func locate(pallet, name string) location {
	m := Metadata(V1) // storage does not move between the versions
	for i := range m.Pallets {
		for j := range m.Pallets[i].Storage {
			if s := &m.Pallets[i].Storage[j]; m.Pallets[i].Name == pallet && s.Name == name {
				first, second := metadata.SumTwox128([]byte(pallet)), metadata.SumTwox128([]byte(name))
				return location{s, append(first[:], second[:]...)}
			}
		}
	}
	panic(fmt.Sprintf("storage item %s.%s is not in the schema", pallet, name))
}

// key returns the storage key; with fewer keys than hashers, a prefix.
func (i item[V]) key(keys ...any) []byte {
	l := i.at()
	out := append([]byte(nil), l.prefix...)
	for n, k := range keys {
		var err error
		if out, err = l.Hashers[n].Sum(out, encodeKey(k)); err != nil {
			panic(err) // the schema has known hashers only
		}
	}
	return out
}

func encodeKey(k any) []byte {
	switch k := k.(type) {
	case uint16:
		return binary.LittleEndian.AppendUint16(nil, k)
	case uint32:
		return binary.LittleEndian.AppendUint32(nil, k)
	case uint64:
		return binary.LittleEndian.AppendUint64(nil, k)
	case chain.PublicKey:
		return k[:]
	}
	panic(fmt.Sprintf("key of type %T", k))
}

// get returns the value, or the default of the item where none is set.
func (i item[V]) get(s *State, keys ...any) V {
	v, ok := i.lookup(s, keys...)
	if !ok && !i.at().Optional {
		return i.read(scale.NewDecoder(i.at().Default))
	}
	return v
}

// lookup says whether a value is set.
func (i item[V]) lookup(s *State, keys ...any) (v V, ok bool) {
	raw := s.Get(i.key(keys...))
	if raw == nil {
		return v, false
	}
	return i.read(scale.NewDecoder(raw)), true
}

func (i item[V]) put(s *State, v V, keys ...any) { s.Set(i.key(keys...), i.append(nil, v)) }

func (i item[V]) drop(s *State, keys ...any) { s.Delete(i.key(keys...)) }

// each calls f with the values whose keys begin with prefix, and with what follows
// the prefix in their keys: hashes and keys. f may change the state.
func (i item[V]) each(s *State, f func(rest []byte, v V), prefix ...any) {
	type entry struct{ key, value []byte }
	var entries []entry
	from := i.key(prefix...)
	s.Range(from, nil, func(key, value []byte) bool {
		entries = append(entries, entry{key[len(from):], value})
		return true
	})
	for _, e := range entries {
		f(e.key, i.read(scale.NewDecoder(e.value)))
	}
}

// set returns list with index n set to v, grown with zeros as needed.
func set[V any](list []V, n uint16, v V) []V {
	for len(list) <= int(n) {
		var zero V
		list = append(list, zero)
	}
	list[n] = v
	return list
}

// nth returns list[n], or zero if there is no such index.
func nth[V any](list []V, n uint16) (v V) {
	if int(n) < len(list) {
		return list[n]
	}
	return v
}
