package commands

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"finest/internal/contract"
)

// TestSpareAssets: assets do not multiply with the heap's growth.
func TestSpareAssets(t *testing.T) {
	before := debug.SetGCPercent(gcPercent)
	defer debug.SetGCPercent(before)
	dir := t.TempDir()
	path := filepath.Join(dir, "list")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 3*workingHeap); err != nil {
		t.Fatal(err)
	}
	large := contract.Recipe{Stages: []contract.StageSpec{{Assets: []contract.Asset{{Name: "list"}, {Name: "missing"}}}}}
	for _, c := range []struct {
		gogc   string
		recipe contract.Recipe
		want   int
	}{{"", contract.Recipe{}, gcPercent}, {"200", large, gcPercent}, {"", large, gcPercent / 4}, {"", contract.Recipe{}, gcPercent / 4}} {
		t.Setenv("GOGC", c.gogc)
		spareAssets(c.recipe, dir)
		got := debug.SetGCPercent(gcPercent)
		debug.SetGCPercent(got)
		if got != c.want {
			t.Errorf("GOGC %q, %d stages: %d %%, want %d %%", c.gogc, len(c.recipe.Stages), got, c.want)
		}
	}
}

// TestAllowMemory: an evaluation may take what it needs, and no less than other
// commands, unless the operator says how much.
func TestAllowMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		operator    string
		bytes, want int64
	}{{"", 3 << 30, 3 << 30}, {"", 1 << 20, memoryLimit}, {"2GiB", 3 << 30, memoryLimit}} {
		debug.SetMemoryLimit(memoryLimit)
		t.Setenv("GOMEMLIMIT", c.operator)
		allowMemory(c.bytes)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("GOMEMLIMIT %q: %d bytes allow %d, want %d", c.operator, c.bytes, got, c.want)
		}
	}
}
