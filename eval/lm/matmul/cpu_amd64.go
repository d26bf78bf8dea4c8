package matmul

// hasAVX2FMA says that the processor has AVX2 and FMA, and that the operating
// system keeps the registers they need.
var hasAVX2FMA = detect(cpuid, xgetbv)

// Bits of CPUID leaf 1 in ECX, of leaf 7 in EBX, and of XCR0, as in Intel's
// Software Developer's Manual, volume 1, section 14.3 and 14.7.
const (
	leaf1FMA, leaf1OSXSAVE, leaf1AVX = 1 << 12, 1 << 27, 1 << 28
	leaf7AVX2                        = 1 << 5
	xcr0SSE, xcr0AVX                 = 1 << 1, 1 << 2
)

func detect(cpuid func(leaf, sub uint32) (a, b, c, d uint32), xgetbv func() uint32) bool {
	last, _, _, _ := cpuid(0, 0)
	if last < 7 {
		return false
	}
	const leaf1 = leaf1FMA | leaf1OSXSAVE | leaf1AVX
	if _, _, c, _ := cpuid(1, 0); c&leaf1 != leaf1 {
		return false
	}
	if xgetbv()&(xcr0SSE|xcr0AVX) != xcr0SSE|xcr0AVX {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&leaf7AVX2 != 0
}

func cpuid(leaf, sub uint32) (a, b, c, d uint32)

func xgetbv() uint32
