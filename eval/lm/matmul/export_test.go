package matmul

// Plain returns a Scratch of the generic kernel.
func Plain() *Scratch { return &Scratch{plain: true} }

// UsePlain makes the functions of vectors the generic ones, until restore.
func UsePlain() (restore func()) {
	before := vectors
	vectors = generic
	return func() { vectors = before }
}
