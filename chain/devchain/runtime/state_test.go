package runtime_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/chain/devchain/runtime"
)

// A state and its copies hold what maps would, and change on their own.
func TestState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := []*runtime.State{runtime.NewState()}
		models := []map[string]string{{}}
		key := rapid.StringMatching(`[ab]{0,4}`)
		pick := func(t *rapid.T) int { return rapid.IntRange(0, len(states)-1).Draw(t, "state") }
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i, k, v := pick(t), key.Draw(t, "key"), key.Draw(t, "value")
				states[i].Set([]byte(k), []byte(v))
				models[i][k] = v
			},
			"delete": func(t *rapid.T) {
				i, k := pick(t), key.Draw(t, "key")
				states[i].Delete([]byte(k))
				delete(models[i], k)
			},
			"copy": func(t *rapid.T) {
				i := pick(t)
				states = append(states, states[i].Copy())
				models = append(models, maps.Clone(models[i]))
			},
			"": func(t *rapid.T) {
				for i := range states {
					check(t, states[i], models[i], key.Draw(t, "prefix"), key.Draw(t, "after"))
				}
			},
		})
	})
}

func check(t *rapid.T, s *runtime.State, model map[string]string, prefix, after string) {
	if s.Len() != len(model) {
		t.Fatalf("%d keys, want %d", s.Len(), len(model))
	}
	var want, got []string
	for k, v := range model {
		if !bytes.Equal(s.Get([]byte(k)), []byte(v)) {
			t.Fatalf("%q is %q, want %q", k, s.Get([]byte(k)), v)
		}
		if strings.HasPrefix(k, prefix) && k > after {
			want = append(want, k)
		}
	}
	slices.Sort(want)
	s.Range([]byte(prefix), []byte(after), func(k, v []byte) bool {
		got = append(got, string(k))
		return true
	})
	if !slices.Equal(got, want) {
		t.Fatalf("keys %q after %q with prefix %q, want %q", got, after, prefix, want)
	}
}
