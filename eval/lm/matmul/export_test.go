package matmul

// Plain returns a Scratch of the generic kernel.
func Plain() *Scratch { return &Scratch{plain: true} }
