package compare

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"finest/eval/lm"
	"finest/internal/canon"
)

func openRuns(t *testing.T) *Runs {
	t.Helper()
	r, err := OpenRuns(filepath.Join(t.TempDir(), "runs"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func someResult(n int) lm.Result {
	r := lm.Result{Kernel: "test", Tokens: 7, TrainSeconds: 0.1, EvalSeconds: 1. / 3, Losses: []lm.Point{{Step: 1, Loss: math.Pi}}}
	for i := range n {
		r.Scores = append(r.Scores, lm.Score{NLL: math.Sqrt(float64(i)), Tokens: i + 1, Correct: i})
	}
	return r
}

func TestRunsKeepEveryBit(t *testing.T) {
	r := openRuns(t)
	want := someResult(50)
	if _, found := r.Get(canon.Hash{1}); found {
		t.Error("a run is found before it was kept")
	}
	if err := r.Put(canon.Hash{1}, want); err != nil {
		t.Fatal(err)
	}
	again, err := OpenRuns(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, found := again.Get(canon.Hash{1}); !found || !reflect.DeepEqual(got, want) {
		t.Errorf("found %v: %+v", found, got)
	}
	if _, found := again.Get(canon.Hash{2}); found {
		t.Error("another run is found")
	}
}

// TestDamagedRunIsNoRun: a file changed at any byte, cut anywhere or of another
// run counts as none, and is replaced.
func TestDamagedRunIsNoRun(t *testing.T) {
	key := canon.Hash{1}
	whole, err := encodeRun(key, someResult(3))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		for name, raw := range map[string][]byte{"flipped": flipped, "cut": whole[:i]} {
			if _, err := decodeRun(key, raw); err == nil {
				t.Fatalf("a file %s at byte %d is read", name, i)
			}
		}
	}
	if _, err := decodeRun(canon.Hash{2}, whole); err == nil {
		t.Error("the file of another run is read")
	}
	r := openRuns(t)
	if err := os.WriteFile(r.path(key), whole[:9], runMode); err != nil {
		t.Fatal(err)
	}
	if _, found := r.Get(key); found {
		t.Error("a damaged run is found")
	}
	if err := r.Put(key, someResult(3)); err != nil {
		t.Fatal(err)
	}
	if _, found := r.Get(key); !found {
		t.Error("a run is not found where a damaged one was")
	}
}

func FuzzDecodeRun(f *testing.F) {
	whole, err := encodeRun(canon.Hash{1}, someResult(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:70])
	body := []byte(`{"key":"","result":{"scores":[{"NLL":1e999}]}}`)
	f.Add(append([]byte(canon.Sum(body)+"\n"), body...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := decodeRun(canon.Hash{1}, raw)
		if err != nil {
			return
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("a run that cannot be written is read: %v", err)
		}
	})
}

func TestRunsAreBounded(t *testing.T) {
	r := openRuns(t)
	now := time.Unix(1e9, 0)
	r.now = func() time.Time { return now }
	size, err := encodeRun(canon.Hash{}, someResult(3))
	if err != nil {
		t.Fatal(err)
	}
	r.limit = 3 * int64(len(size))
	put := func(i byte) {
		t.Helper()
		if err := r.Put(canon.Hash{i}, someResult(3)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(r.path(canon.Hash{i}), now, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	for i := range byte(3) {
		put(i)
	}
	if _, found := r.Get(canon.Hash{0}); !found {
		t.Fatal("the first run is gone before there are too many")
	}
	now = now.Add(time.Second)
	put(3)
	for i, want := range []bool{true, false, true, true} {
		if _, found := r.Get(canon.Hash{byte(i)}); found != want {
			t.Errorf("run %d is kept: %v; the one not used for longest goes first", i, found)
		}
	}
}

func TestRunsSweepLeftovers(t *testing.T) {
	r := openRuns(t)
	old, young, foreign := ".a.run.tmp-1", ".b.run.tmp-2", "notes.txt"
	for _, name := range []string{old, young, foreign} {
		if err := os.WriteFile(filepath.Join(r.dir, name), nil, runMode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{old, foreign} {
		if err := os.Chtimes(filepath.Join(r.dir, name), time.Time{}, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenRuns(r.dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{old: false, young: true, foreign: true} {
		if _, err := os.Stat(filepath.Join(r.dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
}

func TestOpenRunsNeedsAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, runMode); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRuns(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("opened a file as a folder: %v", err)
	}
}

func TestCheckResult(t *testing.T) {
	examples := []lm.Example{{Tokens: make([]uint16, 4), From: 2}}
	good := func() lm.Result {
		return lm.Result{Kernel: "k", Scores: []lm.Score{{NLL: 1, Tokens: 2, Correct: 2}}, Losses: []lm.Point{{Step: 1, Loss: 2}}}
	}
	if err := checkResult(good(), "k", examples); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*lm.Result){
		"another kernel": func(r *lm.Result) { r.Kernel = "other" }, "no score": func(r *lm.Result) { r.Scores = nil },
		"a score too many": func(r *lm.Result) { r.Scores = append(r.Scores, r.Scores...) },
		"no number":        func(r *lm.Result) { r.Scores[0].NLL = math.NaN() }, "infinity": func(r *lm.Result) { r.Scores[0].NLL = math.Inf(1) },
		"too few tokens": func(r *lm.Result) { r.Scores[0].Tokens = 1 }, "too many right": func(r *lm.Result) { r.Scores[0].Correct = 3 },
		"less than none right": func(r *lm.Result) { r.Scores[0].Correct = -1 }, "a loss that is none": func(r *lm.Result) { r.Losses[0].Loss = math.NaN() },
	} {
		r := good()
		spoil(&r)
		if checkResult(r, "k", examples) == nil {
			t.Errorf("a result with %s is taken", name)
		}
	}
}
