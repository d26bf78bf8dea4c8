package matmul

import "testing"

func TestDetect(t *testing.T) {
	const all = leaf1FMA | leaf1OSXSAVE | leaf1AVX
	for name, c := range map[string]struct {
		last, leaf1, leaf7, xcr0 uint32
		want                     bool
	}{
		"all of it":                      {7, all, leaf7AVX2, 7, true},
		"no leaf 7":                      {6, all, leaf7AVX2, 7, false},
		"no FMA":                         {7, all &^ leaf1FMA, leaf7AVX2, 7, false},
		"no AVX":                         {7, all &^ leaf1AVX, leaf7AVX2, 7, false},
		"no AVX2":                        {7, all, 0, 7, false},
		"a system that knows no XSAVE":   {7, all &^ leaf1OSXSAVE, leaf7AVX2, 7, false},
		"a system that forgets the half": {7, all, leaf7AVX2, xcr0SSE, false},
	} {
		t.Run(name, func(t *testing.T) {
			cpuid := func(leaf, _ uint32) (a, b, c1, d uint32) {
				switch leaf {
				case 0:
					return c.last, 0, 0, 0
				case 1:
					return 0, 0, c.leaf1, 0
				}
				return 0, c.leaf7, 0, 0
			}
			xgetbv := func() uint32 {
				if c.leaf1&leaf1OSXSAVE == 0 {
					t.Fatal("XGETBV without OSXSAVE is an illegal instruction")
				}
				return c.xcr0
			}
			if got := detect(cpuid, xgetbv); got != c.want {
				t.Errorf("%v, not %v", got, c.want)
			}
		})
	}
}
