package dataset

import (
	"testing"
	"time"

	"finest/pipeline/shard/guard"
)

// A file of 100 GB takes hours to read, which is no reason to refuse it.
func TestLimitsGrowWithFiles(t *testing.T) {
	t.Parallel()
	small, large := limited(guard.Guard{}, 1000), limited(guard.Guard{}, 100e9)
	if small != (guard.Guard{Memory: guardMemory, CPU: guard.DefaultCPU, Wall: guard.DefaultWall}) {
		t.Errorf("a small file: %+v", small)
	}
	if large.Memory != guardMemory || large.CPU < 6*time.Hour || large.Wall < large.CPU {
		t.Errorf("a large file: %+v", large)
	}
	given := guard.Guard{Memory: 1, CPU: 2, Wall: 3}
	if got := limited(given, 100e9); got != given {
		t.Errorf("limits that are given become %+v", got)
	}
}
