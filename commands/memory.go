package commands

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"

	"finest/internal/contract"
)

// Extraction makes much garbage of which little lives long: collecting it when
// the heap has grown fivefold instead of twofold saves a seventh of the
// processor time, and near the limit it is collected as often as it takes.
const (
	gcPercent   = 400
	memoryLimit = 1 << 30
	// workingHeap is about what lives on the heap while pages are refined, apart
	// from assets.
	workingHeap = 64 << 20
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

// allowMemory lets the process take that many bytes before it collects garbage
// as often as it takes, unless the operator set GOMEMLIMIT.
func allowMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(bytes, memoryLimit))
	}
}

// evalGCPercent is the runtime's default: what an evaluation holds lives long, and
// training makes no garbage.
const evalGCPercent = 100

// collectForEval is the policy of commands that only train models, unless the
// operator set GOGC.
func collectForEval() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(evalGCPercent)
	}
}

// spareAssets lets the heap grow by as much as without the assets of a recipe,
// which stay for good and are no reason to collect garbage more seldom, unless
// the operator set GOGC. Of several recipes the one with most assets counts.
func spareAssets(r contract.Recipe, dir string) {
	if os.Getenv("GOGC") != "" {
		return
	}
	held := int64(workingHeap)
	for _, s := range r.Stages {
		for _, a := range s.Assets {
			if info, err := os.Stat(filepath.Join(dir, a.Name)); err == nil {
				held += info.Size()
			}
		}
	}
	percent := int(gcPercent * workingHeap / held)
	if before := debug.SetGCPercent(percent); before < percent {
		debug.SetGCPercent(before)
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
