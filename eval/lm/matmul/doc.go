// Package matmul multiplies matrices of float32 and has the vector functions
// that training a transformer needs.
//
// There are two classes of kernels. "avx2-fma" is assembly for amd64 with AVX2
// and FMA; "generic" is Go, whose products are rounded before they are added, so
// that no compiler fuses them. Within a class a result is a function of the
// arguments alone: the blocks have the same size on every processor, sums have a
// fixed order and no instruction is used whose precision is left to the
// processor. Between the classes results differ in the last bits.
//
// All of it runs on the goroutine that calls. Not a number and infinities go the
// way IEEE 754 gives them. Slices that are too short are a programming error and
// panic; nothing is read or written outside of them.
package matmul

// Kernel names the class of kernels in use: "avx2-fma" or "generic".
func Kernel() string {
	if hasAVX2FMA {
		return "avx2-fma"
	}
	return "generic"
}
