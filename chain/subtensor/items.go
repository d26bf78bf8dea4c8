package subtensor

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
)

// item is one value in storage.
type item struct {
	pallet, name string
	keys         []any
	// without is the value where the runtime has no such item; nil: an error.
	without any
}

// readItems reads several values, of different items too, with one request.
func (c *Client) readItems(ctx context.Context, at chain.Block, items ...item) ([]any, error) {
	rt, err := c.layoutAt(ctx, at)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	var stored []*metadata.StorageItem
	var keys [][]byte
	var places []int
	for i, it := range items {
		s, err := rt.Meta.StorageItem(it.pallet, it.name)
		if it.without != nil && missing(err) {
			out[i] = it.without
			continue
		}
		if err != nil {
			return nil, err
		}
		key, err := s.Key(it.keys...)
		if err != nil {
			return nil, fmt.Errorf("storage key of %s.%s: %w", it.pallet, it.name, err)
		}
		stored, keys, places = append(stored, s), append(keys, key), append(places, i)
	}
	raw, err := c.rawMany(ctx, at, keys)
	if err != nil {
		return nil, err
	}
	for i, s := range stored {
		if out[places[i]], err = s.Decode(raw[i]); err != nil {
			return nil, fmt.Errorf("decode %s.%s at block %d: %w", s.Pallet, s.Name, at.Number, err)
		}
	}
	return out, nil
}

// missing says that the runtime lacks what was asked of it.
func missing(err error) bool {
	var m *metadata.MissingError
	return errors.As(err, &m)
}

// as returns v as a T; name says what it is.
func as[T any](v any, name string) (T, error) {
	t, ok := v.(T)
	if !ok {
		return t, fmt.Errorf("%s is a %T, want a %T", name, v, t)
	}
	return t, nil
}

// reader takes values of known types out of what was read; its first error
// sticks.
type reader struct {
	values []any
	err    error
}

func next[T any](r *reader, name string) (v T) {
	if r.err == nil && len(r.values) == 0 {
		r.err = fmt.Errorf("%s is not there", name)
	}
	if r.err != nil {
		return v
	}
	v, r.err = as[T](r.values[0], name)
	r.values = r.values[1:]
	return v
}

func (r *reader) key(name string) (k chain.PublicKey) {
	b := next[[]byte](r, name)
	if r.err == nil && copy(k[:], b) != len(b) {
		r.err = fmt.Errorf("%s has %d bytes, want %d", name, len(b), len(k))
	}
	return k
}

func list[T any](r *reader, name string) []T {
	values := next[[]any](r, name)
	out := make([]T, len(values))
	for i, v := range values {
		if r.err == nil {
			out[i], r.err = as[T](v, name)
		}
	}
	return out
}
