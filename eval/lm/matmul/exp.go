package matmul

import "math"

// Constants of exp: exp(x) = 2ⁿ·exp(r) with n the whole number nearest to
// x/ln 2 and r = x − n·ln 2, whose two parts keep n·ln2High exact. The polynomial
// is that of expf in Moshier's Cephes library, netlib.org/cephes.
const (
	expLeast, expMost = -88, 88.8
	log2e             = 1.44269504088896341
	ln2High, ln2Low   = 0.693359375, -2.12194440e-4
	// roundToWhole + x − roundToWhole is x, rounded to a whole number.
	roundToWhole = 3 << 22

	expC0, expC1, expC2 = 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3
	expC3, expC4, expC5 = 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1
	// expBias is that of the exponent's bits.
	expBias = 127
)

// exp is e to the power of x.
func exp(x float32) float32 {
	if x < expLeast {
		x = expLeast
	}
	if x > expMost {
		x = expMost
	}
	if x != x {
		return x
	}
	n := float32(x*log2e) + roundToWhole - roundToWhole
	r := x - float32(n*ln2High) - float32(n*ln2Low)
	p := float32(expC0*r) + expC1
	p = float32(p*r) + expC2
	p = float32(p*r) + expC3
	p = float32(p*r) + expC4
	p = float32(p*r) + expC5
	p = float32(float32(p*r)*r) + r + 1
	return p * math.Float32frombits(uint32(int32(n)+expBias)<<23)
}
