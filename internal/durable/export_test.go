package durable

// Fd returns the descriptor that holds the lock.
func (l *Lock) Fd() int { return int(l.f.Fd()) }
