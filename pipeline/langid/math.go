package langid

import "math"

// The standard library computes exp and log in assembly on some CPUs and may
// fuse operations on others. These two give the same bits everywhere; their
// error stays below 1e-15 of the result, far below the single precision to which
// all results are rounded.

const (
	ln2     = 0.693147180559945309417232121458
	ln2High = 6.93147180369123816490e-01 // the upper 32 bits of ln 2
	ln2Low  = 1.90821492927058770002e-10 // ln 2 - ln2High
)

// exp returns e to the power x: x = k ln 2 + r, and the power series for r.
func exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 709:
		return math.Inf(1)
	case x < -745:
		return 0
	}
	k := math.Floor(float64(x/ln2) + 0.5)
	r := float64(x-float64(k*ln2High)) - float64(k*ln2Low)
	sum := 1.0
	for i := 15.0; i > 0; i-- {
		sum = 1 + float64(float64(sum*r)/i)
	}
	return math.Ldexp(sum, int(k))
}

// log returns the natural logarithm of x > 0: x = m 2^k with m near 1, and the
// series of the area tangent of (m-1)/(m+1).
func log(x float64) float64 {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	s := (m - 1) / (m + 1)
	square := float64(s * s)
	var sum float64
	for i := 23.0; i > 0; i -= 2 {
		sum = float64(sum*square) + 1/i
	}
	return float64(float64(k)*ln2) + float64(2*float64(s*sum))
}
