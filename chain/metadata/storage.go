package metadata

import (
	"bytes"
	"fmt"

	"finest/chain/scale"
)

// StorageItem is a storage item of one runtime.
type StorageItem struct {
	*Storage
	Pallet string
	prefix string // of the pallet's storage keys
	m      *Metadata
}

// StorageItem finds a storage item by name; without one the error is a
// *MissingError.
func (m *Metadata) StorageItem(pallet, name string) (*StorageItem, error) {
	if p, ok := m.Pallet(pallet); ok {
		for i := range p.Storage {
			if p.Storage[i].Name == name {
				return &StorageItem{Storage: &p.Storage[i], Pallet: pallet, prefix: p.Prefix, m: m}, nil
			}
		}
	}
	return nil, &MissingError{"storage item", pallet + "." + name}
}

// keyTypes are the types of the keys, one a hasher.
func (s *StorageItem) keyTypes() ([]TypeID, error) {
	if len(s.Hashers) <= 1 {
		return []TypeID{s.Storage.Key}[:len(s.Hashers)], nil
	}
	t, err := s.m.typ(s.Storage.Key)
	if err != nil {
		return nil, err
	}
	if t.Kind != Tuple || len(t.Tuple) != len(s.Hashers) {
		return nil, fmt.Errorf("%d hashers for a key of type %s", len(s.Hashers), t.name())
	}
	return t.Tuple, nil
}

// Key returns the storage key of the keys: the hashes of the pallet's and the
// item's name, and what the hashers make of each key. With fewer keys than
// hashers it is the prefix of all entries that begin with these.
func (s *StorageItem) Key(keys ...any) ([]byte, error) {
	types, err := s.keyTypes()
	if err == nil && len(keys) > len(types) {
		err = fmt.Errorf("%d keys, at most %d", len(keys), len(types))
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s.%s: %w", s.Pallet, s.Name, err)
	}
	pallet, item := SumTwox128([]byte(s.prefix)), SumTwox128([]byte(s.Name))
	b := append(pallet[:], item[:]...)
	for i, key := range keys {
		encoded, err := s.m.EncodeValue(nil, types[i], key)
		if err == nil {
			b, err = s.Hashers[i].Sum(b, encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("key of %s.%s: key %d: %w", s.Pallet, s.Name, i, err)
		}
	}
	return b, nil
}

// DecodeKey reads the keys out of a full storage key of this item. Every hasher must
// keep its key; the hashes before the keys are not checked.
func (s *StorageItem) DecodeKey(full []byte) ([]any, error) {
	types, err := s.keyTypes()
	if err != nil {
		return nil, fmt.Errorf("decode key of %s.%s: %w", s.Pallet, s.Name, err)
	}
	prefix, err := s.Key()
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(full, prefix) {
		return nil, fmt.Errorf("decode key of %s.%s: %x is a key of another item", s.Pallet, s.Name, full)
	}
	d := scale.NewDecoder(full[len(prefix):])
	keys := []any{}
	for i, h := range s.Hashers {
		if !h.Concat() {
			return nil, fmt.Errorf("decode key of %s.%s: key %d is hashed only", s.Pallet, s.Name, i)
		}
		d.Fixed(h.size())
		keys = append(keys, s.m.DecodeValue(d, types[i]))
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("decode key of %s.%s: %w", s.Pallet, s.Name, err)
	}
	return keys, nil
}

// Decode reads a stored value. With nil raw (nothing stored) it is the default, or
// nil for an optional item.
func (s *StorageItem) Decode(raw []byte) (any, error) {
	if raw == nil {
		if s.Optional {
			return nil, nil
		}
		raw = s.Default
	}
	v, err := s.m.decodeAll(raw, s.Value)
	if err != nil {
		return nil, fmt.Errorf("decode %s.%s: %w", s.Pallet, s.Name, err)
	}
	return v, nil
}

// Encode writes a value as it is stored.
func (s *StorageItem) Encode(v any) ([]byte, error) {
	b, err := s.m.EncodeValue([]byte{}, s.Value, v)
	if err != nil {
		return nil, fmt.Errorf("encode %s.%s: %w", s.Pallet, s.Name, err)
	}
	return b, nil
}
