package runtime

import (
	"finest/chain/metadata"
)

// query is one answer in the making: it reads the state by the names of the
// storage items. The first error sticks, and reads after it give zero values.
type query struct {
	r      *Runtime
	s      *State
	output metadata.TypeID
	err    error
}

// raw is what is stored; nil where nothing is.
func (q *query) raw(pallet, item string, keys ...any) ([]byte, *metadata.StorageItem) {
	if q.err != nil {
		return nil, nil
	}
	i, err := q.r.meta.StorageItem(pallet, item)
	if err != nil {
		q.err = err
		return nil, nil
	}
	key, err := i.Key(keys...)
	if err != nil {
		q.err = err
		return nil, nil
	}
	return q.s.Get(key), i
}

// get is the value of a storage item, its default where none is stored.
func (q *query) get(pallet, item string, keys ...any) any {
	b, i := q.raw(pallet, item, keys...)
	if q.err != nil {
		return nil
	}
	v, err := i.Decode(b)
	if err != nil {
		q.err = err
	}
	return v
}

// subtensor is the value of an item of the pallet of subnets.
func (q *query) subtensor(item string, keys ...any) any {
	return q.get("SubtensorModule", item, keys...)
}

func (q *query) num(item string, keys ...any) uint64 {
	n, _ := q.subtensor(item, keys...).(uint64)
	return n
}

func (q *query) flag(item string, keys ...any) bool {
	b, _ := q.subtensor(item, keys...).(bool)
	return b
}

func (q *query) bytes(item string, keys ...any) []byte {
	b, _ := q.subtensor(item, keys...).([]byte)
	return b
}

// column is a list by uid, as long as the subnet has uids: what is missing is
// zero.
func column[T any](q *query, item string, n int, keys ...any) []T {
	out := make([]T, n)
	list, _ := q.subtensor(item, keys...).([]any)
	for i := range min(n, len(list)) {
		out[i], _ = list[i].(T)
	}
	return out
}

// netuids are those of the subnets that exist, in order.
func (q *query) netuids() []uint16 {
	item, err := q.r.meta.StorageItem("SubtensorModule", "NetworksAdded")
	if err != nil {
		q.err = err
		return nil
	}
	prefix, err := item.Key()
	if err != nil {
		q.err = err
		return nil
	}
	var out []uint16
	q.s.Range(prefix, nil, func(key, value []byte) bool {
		keys, err := item.DecodeKey(key)
		if err != nil {
			q.err = err
			return false
		}
		if netuid, ok := keys[0].(uint64); ok && len(value) == 1 && value[0] == 1 {
			out = append(out, uint16(netuid))
		}
		return true
	})
	return out
}

func (q *query) block() uint64 {
	n, _ := q.get("System", "Number").(uint64)
	return n
}

// argument is an integer argument; it was checked when the arguments were read.
func argument(in metadata.Record, name string) uint64 {
	n, _ := in.Get(name).(uint64)
	return n
}

func netuidOf(in metadata.Record) uint16 { return uint16(argument(in, "netuid")) }

// cut keeps those entries of a map, and of each map in a list, that the type has
// fields for.
func (q *query) cut(id metadata.TypeID, v any) any {
	t := q.r.meta.Types[id]
	if len(t.Path) == 1 && t.Path[0] == "Option" {
		return q.cut(t.Params[0].Type, v)
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t.Fields))
		for _, f := range t.Fields {
			if value, ok := v[f.Name]; ok {
				out[f.Name] = value
			}
		}
		return out
	case []any:
		if t.Kind != metadata.Sequence {
			return v
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = q.cut(t.Elem, v[i])
		}
		return out
	}
	return v
}
