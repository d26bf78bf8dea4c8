package subtensor

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"finest/chain"
)

func TestPad(t *testing.T) {
	w := func(pairs ...uint16) (out []chain.Weight) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, chain.Weight{UID: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for _, c := range []struct {
		in             []chain.Weight
		neurons, least uint16
		want           []chain.Weight
	}{
		{nil, 5, 3, nil},
		{w(2, 9), 5, 1, w(2, 9)},
		{w(2, 9), 5, 3, w(0, 0, 1, 0, 2, 9)},
		{w(2, 9), 3, 1024, w(0, 0, 1, 0, 2, 9)},
		{w(4, 9, 0, 1), 5, 4, w(0, 1, 1, 0, 2, 0, 4, 9)},
		{w(1, 9, 1, 9), 2, 2, w(1, 9, 1, 9)},
	} {
		if got := pad(c.in, c.neurons, c.least); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v padded to %d of %d is %v, want %v", c.in, c.least, c.neurons, got, c.want)
		}
	}
}

func TestPadKeepsWhatIsPaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		neurons := rapid.Uint16Range(1, 300).Draw(t, "neurons")
		least := rapid.Uint16().Draw(t, "least")
		uids := rapid.SliceOfNDistinct(rapid.Uint16Range(0, neurons-1), 1, int(neurons), rapid.ID[uint16]).Draw(t, "uids")
		var in []chain.Weight
		for _, uid := range uids {
			in = append(in, chain.Weight{UID: uid, Value: rapid.Uint16Range(1, math.MaxUint16).Draw(t, "value")})
		}
		out := pad(in, neurons, least)
		if want := max(len(in), int(min(least, neurons))); len(out) != want {
			t.Fatalf("%d weights became %d, want %d", len(in), len(out), want)
		}
		if !slices.IsSortedFunc(out, func(a, b chain.Weight) int { return int(a.UID) - int(b.UID) }) {
			t.Fatalf("not in uid order: %v", out)
		}
		paid := slices.DeleteFunc(out, func(w chain.Weight) bool { return w.Value == 0 })
		slices.SortFunc(in, func(a, b chain.Weight) int { return int(a.UID) - int(b.UID) })
		if !slices.Equal(paid, in) {
			t.Fatalf("%v became %v", in, paid)
		}
	})
}

func TestUpscale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in []chain.Weight
		for uid, v := range rapid.SliceOfN(rapid.Uint16(), 1, 50).Draw(t, "values") {
			in = append(in, chain.Weight{UID: uint16(uid), Value: v})
		}
		largest := slices.MaxFunc(in, func(a, b chain.Weight) int { return int(a.Value) - int(b.Value) }).Value
		for i, w := range upscale(in) {
			want := 0.0
			if largest > 0 {
				want = math.Round(float64(in[i].Value) * 65535 / float64(largest))
			}
			if float64(w.Value) != want || w.UID != in[i].UID {
				t.Fatalf("%v of %d became %v, want %v", in[i], largest, w, want)
			}
		}
	})
}
