package runtime

import (
	"bytes"

	"github.com/tidwall/btree"
)

// State holds the storage of the chain after a block: raw keys and values as
// clients read them, in the order of keys. A State is for one goroutine; any
// number may read one that nobody changes or copies.
type State struct{ m *btree.Map[string, []byte] }

// degree makes the nodes of the tree small: a block copies a node for each of the
// few entries it changes, and an archive keeps all of them.
const degree = 4

// NewState returns an empty state.
func NewState() *State { return &State{m: btree.NewMap[string, []byte](degree)} }

// Copy returns a state that changes on its own. It takes the same time for any
// size. The original must not be read or copied at that moment by others.
func (s *State) Copy() *State { return &State{m: s.m.Copy()} }

// Get returns the value under key, which must not be changed; nil if unset.
func (s *State) Get(key []byte) []byte {
	v, _ := s.m.Get(string(key))
	return v
}

// Set stores value under key. The state keeps the slice.
func (s *State) Set(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	s.m.Set(string(key), value)
}

// Delete removes key.
func (s *State) Delete(key []byte) { s.m.Delete(string(key)) }

// Len is the number of keys.
func (s *State) Len() int { return s.m.Len() }

// Range calls f with the entries whose keys begin with prefix and follow after
// (nil: all), in the order of keys, until f returns false. f must change nothing.
func (s *State) Range(prefix, after []byte, f func(key, value []byte) bool) {
	from := string(prefix)
	if bytes.Compare(after, prefix) > 0 {
		from = string(after)
	}
	s.m.Ascend(from, func(k string, v []byte) bool {
		if len(k) < len(prefix) || k[:len(prefix)] != string(prefix) {
			return false
		}
		if after != nil && k <= string(after) {
			return true
		}
		return f([]byte(k), v)
	})
}
