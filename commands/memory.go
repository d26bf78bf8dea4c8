package commands

import (
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Extraction makes much garbage of which little lives long: collecting it when
// the heap has grown fivefold instead of twofold saves a seventh of the
// processor time, and near the limit it is collected as often as it takes.
const (
	gcPercent   = 400
	memoryLimit = 1 << 30
)

// setMemoryPolicy applies it unless the operator set GOGC or GOMEMLIMIT.
func setMemoryPolicy() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// peakMemory returns the most bytes of RAM that this process has held, as the
// operating system counts them; 0 if it does not tell.
func peakMemory() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss
	}
	return u.Maxrss << 10 // Linux counts KiB
}
