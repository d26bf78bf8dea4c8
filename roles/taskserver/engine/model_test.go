package engine_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
)

// TestModel makes 100,000 steps by a fixed seed and, in FINEST_SOAK, 1,000,000
// by a new one. FINEST_SEED repeats another.
func TestModel(t *testing.T) {
	t.Parallel()
	steps, seed := 100_000, uint64(7)
	if testing.Short() {
		steps = 10_000
	}
	if os.Getenv("FINEST_SOAK") != "" {
		steps, seed = 1_000_000, rand.Uint64()
	}
	if text := os.Getenv("FINEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	enginetest.Run(t, func(*testing.T) engine.Store { return memstore.New() }, steps, seed)
}

func TestCrowd(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	enginetest.Crowd(t, []engine.Store{store, store, store})
}
