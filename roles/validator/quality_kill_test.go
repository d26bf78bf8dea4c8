package validator_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/roles/validator"
)

// lifeOn runs two rounds of a validator on a copy of a folder, until it is killed
// at a step on its journal, and then as many of another one on the same folder. It
// returns what is known of every task in the end, but for the weights: all lives
// share a chain.
func (s *school) lifeOn(t *testing.T, folder string, f *fault) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	o := s.options()
	o.Board, o.DataDir = nil, dir
	var round validator.Round
	live := func(f *fault) (dead bool) {
		v, err := validator.New(o)
		if err != nil {
			t.Fatal(err)
		}
		v.WrapJournal(func(path string, j validator.Journal) validator.Journal { return &killJournal{j, path, t, f} })
		defer func() { _ = v.Close() }()
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(killed); !ok {
					panic(r)
				}
				dead = true
			}
		}()
		for range 2 {
			if round, err = v.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return false
	}
	if live(f) {
		live(&fault{})
	} else if f.at > 0 {
		t.Errorf("nobody was killed at step %d", f.at)
	}
	known := make(map[string]string)
	for _, s := range round.Submissions {
		known[s.Hotkey+" "+s.Task] = fmt.Sprintf("%s %t %d %v %v %q", s.Outcome, s.Settled, s.Block, s.Quality, s.Pay, s.Reason)
	}
	return known
}

// TestKilledWhileARecipeIsJudged: at every entry of the journal that a judgement
// leads to; what is known in the end does not depend on it, nor what is trained.
func TestKilledWhileARecipeIsJudged(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	bert, cora := s.Miner("//Bert"), s.Miner("//Cora")
	s.claim(bert, twin, 2)
	block := s.claim(cora, twin, 1)
	s.judged(block)
	s.restart()
	// The tasks wait for their recipe.
	folder := filepath.Join(t.TempDir(), "state")
	if err := os.CopyFS(folder, os.DirFS(s.dataDir)); err != nil {
		t.Fatal(err)
	}
	s.windowOver(block)
	s.once() // trains; what is below finds the runs on disk
	s.restart()
	trained := s.trainer.runs
	if err := os.CopyFS(filepath.Join(folder, "quality", "runs"), os.DirFS(filepath.Join(s.dataDir, "quality", "runs"))); err != nil {
		t.Fatal(err)
	}
	count := &fault{}
	want := s.lifeOn(t, folder, count)
	if len(want) != 3 {
		t.Fatalf("tasks %v", want)
	}
	for task, known := range want {
		if !strings.HasPrefix(known, "accepted true") {
			t.Errorf("%s is %s", task, known)
		}
	}
	for at := 1; at <= count.steps; at++ {
		for _, way := range []int{before, after, torn} {
			t.Run(fmt.Sprint(at, "/", way), func(t *testing.T) {
				if got := s.lifeOn(t, folder, &fault{at: at, way: way}); !maps.Equal(got, want) {
					t.Errorf("killed at %s: %v, want %v", count.names[at-1], got, want)
				}
			})
		}
	}
	if s.trainer.runs != trained {
		t.Errorf("%d models are trained again", s.trainer.runs-trained)
	}
}
