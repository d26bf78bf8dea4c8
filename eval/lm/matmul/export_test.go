package matmul

// Plain returns a Scratch of the generic kernel.
func Plain() *Scratch { return &Scratch{plain: true} }

// UsePlain makes the functions of vectors the generic ones, until restore.
func UsePlain() (restore func()) {
	vectors, plainly = generic, true
	return func() { vectors, plainly = choose(), !hasAVX2FMA }
}

var plainly = !hasAVX2FMA

// Plainly says whether the functions of vectors are the generic ones.
func Plainly() bool { return plainly }
