package runtime

import (
	"slices"
	"testing"
)

// FuzzCall: whatever a client asks, the answer is one that decodes, or an error,
// and the state stays as it was.
func FuzzCall(f *testing.F) {
	methods := make([]string, 0, len(apis))
	for name := range apis {
		methods = append(methods, name)
	}
	slices.Sort(methods)
	for i := range methods {
		f.Add(uint16(i), []byte{1, 0})
		f.Add(uint16(i), []byte{1, 0, 1, 12, 3, 0, 52, 0, 73, 0})
		f.Add(uint16(i), []byte{0xfe, 0xff, 0xff, 0xff, 0, 0, 0})
	}
	cfg := subnetOfThree()
	s := Genesis(cfg)
	size := s.Len()
	runtimes := []*Runtime{New(V1, cfg), New(V2, cfg)}
	f.Fuzz(func(t *testing.T, n uint16, args []byte) {
		name := methods[int(n)%len(methods)]
		for _, r := range runtimes {
			out, err := r.Call(s, name, args)
			if err != nil {
				continue
			}
			m := method(t, r, name)
			if _, err := m.Decode(out); err != nil {
				t.Errorf("answer of %s to %x does not decode: %v", name, args, err)
			}
		}
		if s.Len() != size {
			t.Errorf("%s changed the state", name)
		}
	})
}
