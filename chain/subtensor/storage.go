package subtensor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"finest/chain"
	"finest/chain/metadata"
)

const (
	// keysAsked is how many values one request asks for: 256 is the size of a
	// subnet.
	keysAsked = 256
	// keysPaged is the most that nodes give out at once (sc-rpc,
	// STORAGE_KEYS_PAGED_MAX_COUNT).
	keysPaged = 1000
	// entriesRead bounds a map: no map of one subnet has as many entries.
	entriesRead = 1 << 17
)

// read reads one value; the default where it is unset, nil where it is optional.
func (c *Client) read(ctx context.Context, at chain.Block, pallet, item string, keys ...any) (any, error) {
	values, err := c.readMany(ctx, at, pallet, item, [][]any{keys})
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

// readMany reads several values of one item, in the order of the keys.
func (c *Client) readMany(ctx context.Context, at chain.Block, pallet, item string, keys [][]any) ([]any, error) {
	s, err := c.itemAt(ctx, at, pallet, item)
	if err != nil {
		return nil, err
	}
	full := make([][]byte, len(keys))
	for i, k := range keys {
		if full[i], err = s.Key(k...); err != nil {
			return nil, fmt.Errorf("read %s.%s: %w", pallet, item, err)
		}
	}
	values, err := c.values(ctx, at, s, full)
	if err != nil {
		return nil, fmt.Errorf("read %s.%s after block %d: %w", pallet, item, at.Number, err)
	}
	return values, nil
}

// entry of a map.
type entry struct {
	keys  []any
	value any
}

// readMap reads all entries of a map whose keys begin with prefix, in the order
// of their storage keys. The keys of an entry are all of them, with the prefix.
func (c *Client) readMap(ctx context.Context, at chain.Block, pallet, item string, prefix ...any) ([]entry, error) {
	s, err := c.itemAt(ctx, at, pallet, item)
	if err != nil {
		return nil, err
	}
	start, err := s.Key(prefix...)
	if err != nil {
		return nil, fmt.Errorf("read %s.%s: %w", pallet, item, err)
	}
	entries, err := c.entries(ctx, at, s, start)
	if err != nil {
		return nil, fmt.Errorf("read %s.%s after block %d: %w", pallet, item, at.Number, err)
	}
	return entries, nil
}

// itemAt finds a storage item in the runtime that wrote the state of a block.
func (c *Client) itemAt(ctx context.Context, at chain.Block, pallet, item string) (*metadata.StorageItem, error) {
	r, err := c.layoutAt(ctx, at)
	if err != nil {
		return nil, err
	}
	return r.Meta.StorageItem(pallet, item)
}

func (c *Client) entries(ctx context.Context, at chain.Block, s *metadata.StorageItem, prefix []byte) ([]entry, error) {
	keys, err := c.keys(ctx, at, prefix)
	if err != nil {
		return nil, err
	}
	values, err := c.values(ctx, at, s, keys)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(keys))
	for i, k := range keys {
		entries[i].value = values[i]
		if entries[i].keys, err = s.DecodeKey(k); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// keys lists the storage keys with a prefix, page by page.
func (c *Client) keys(ctx context.Context, at chain.Block, prefix []byte) ([][]byte, error) {
	var keys [][]byte
	var last any // null before the first page
	for {
		var page []hexBytes
		if err := c.callAt(ctx, at, &page, "state_getKeysPaged", hexBytes(prefix), keysPaged, last, wire(at.Hash)); err != nil {
			return nil, err
		}
		for _, k := range page {
			// Without an order a page could follow itself for ever.
			if !bytes.HasPrefix(k, prefix) || (len(keys) > 0 && bytes.Compare(k, keys[len(keys)-1]) <= 0) {
				return nil, fmt.Errorf("node lists key %x out of order", k[:min(len(k), 80)])
			}
			keys = append(keys, k)
			last = k
		}
		if len(page) < keysPaged {
			return keys, nil
		}
		if len(keys) > entriesRead {
			return nil, fmt.Errorf("map has more than %d entries", entriesRead)
		}
	}
}

// values reads and decodes the values of storage keys of one item.
func (c *Client) values(ctx context.Context, at chain.Block, s *metadata.StorageItem, keys [][]byte) ([]any, error) {
	raw, err := c.rawMany(ctx, at, keys)
	if err != nil {
		return nil, err
	}
	values := make([]any, len(keys))
	for i, k := range keys {
		if values[i], err = s.Decode(raw[i]); err != nil {
			return nil, fmt.Errorf("decode value of key %x: %w", k, err)
		}
	}
	return values, nil
}

// rawMany reads the values of storage keys in their order; nil where unset. All
// together they may have as many bytes as one answer.
func (c *Client) rawMany(ctx context.Context, at chain.Block, keys [][]byte) ([][]byte, error) {
	values := make([][]byte, 0, len(keys))
	var size int64
	for chunk := range slices.Chunk(keys, keysAsked) {
		found, err := c.rawValues(ctx, at, chunk)
		if err != nil {
			return nil, err
		}
		for _, k := range chunk {
			values = append(values, found[string(k)])
			size += int64(len(found[string(k)]))
		}
		if size > c.o.MessageLimit {
			return nil, fmt.Errorf("values have more than %d bytes", c.o.MessageLimit)
		}
	}
	return values, nil
}

// change is a storage key and its value, nil where it is unset.
type change struct{ key, value hexBytes }

// UnmarshalJSON reads [key, value].
func (p *change) UnmarshalJSON(data []byte) error {
	var pair []hexBytes
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("change is not a key and a value")
	}
	p.key, p.value = pair[0], pair[1]
	return nil
}

// rawValues reads the values of at most keysAsked storage keys; nil where one is
// unset.
func (c *Client) rawValues(ctx context.Context, at chain.Block, keys [][]byte) (map[string][]byte, error) {
	asked := make([]hexBytes, len(keys))
	for i, k := range keys {
		asked[i] = k
	}
	var sets []struct {
		Changes []change `json:"changes"`
	}
	if err := c.callAt(ctx, at, &sets, "state_queryStorageAt", asked, wire(at.Hash)); err != nil {
		return nil, err
	}
	values := make(map[string][]byte, len(keys))
	for _, set := range sets {
		for _, p := range set.Changes {
			values[string(p.key)] = p.value
		}
	}
	for _, k := range keys {
		if _, told := values[string(k)]; !told {
			return nil, fmt.Errorf("node does not tell the value of key %x", k)
		}
	}
	return values, nil
}

// events are those of block at.
func (c *Client) events(ctx context.Context, at chain.Block) ([]metadata.Event, error) {
	r, err := c.layoutAt(ctx, at)
	if err != nil {
		return nil, err
	}
	s, err := r.Meta.StorageItem("System", "Events")
	if err != nil {
		return nil, err
	}
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	raw, err := c.rawValues(ctx, at, [][]byte{key})
	if err != nil {
		return nil, fmt.Errorf("read events of block %d: %w", at.Number, err)
	}
	if raw[string(key)] == nil {
		return nil, nil // genesis
	}
	events, err := r.Meta.Events(raw[string(key)])
	if err != nil {
		return nil, fmt.Errorf("decode events of block %d: %w", at.Number, err)
	}
	return events, nil
}
