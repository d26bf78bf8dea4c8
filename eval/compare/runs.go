package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"finest/eval/lm"
	"finest/internal/canon"
	"finest/internal/durable"
)

// Runs are finished runs on disk, by what they depend on: training spec, kernel
// class, tokenizer, training text in its order, and examples. A file is whole or
// not there; one that does not match its checksum is as good as none. When they
// take more than a limit of bytes, those not used for longest are removed.
type Runs struct {
	dir   string
	limit int64
	now   func() time.Time

	mu sync.Mutex
}

// Limits of what is kept on disk.
const (
	// runsLimit holds a thousand runs of the tiers for processors.
	runsLimit = 1 << 30
	// runLimit is the size of a file that is read at all.
	runLimit = 256 << 20
	// leftover is the age at which a temporary file of a killed process is removed.
	leftover = 24 * time.Hour
)

const (
	runSuffix = ".run"
	runMode   = 0o644
)

// OpenRuns opens or creates the folder of finished runs. One folder may be used by
// several processes.
func OpenRuns(dir string) (*Runs, error) {
	if err := durable.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("open finished runs: %w", err)
	}
	r := &Runs{dir: dir, limit: runsLimit, now: time.Now}
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("open finished runs: %w", err)
	}
	r.sweep()
	return r, nil
}

// Get returns the result of a finished run; false where there is none that is
// whole.
func (r *Runs) Get(key canon.Hash) (lm.Result, bool) {
	path := r.path(key)
	info, err := os.Stat(path)
	if err != nil || info.Size() > runLimit {
		return lm.Result{}, false
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return lm.Result{}, false
	}
	result, err := decodeRun(key, raw)
	if err != nil {
		return lm.Result{}, false
	}
	// The age of the file is when it was used last. Where that cannot be written
	// it is removed a little sooner, which is no fault.
	_ = os.Chtimes(path, time.Time{}, r.now())
	return result, true
}

// Put keeps the result of a run. After an error the run is not kept, and nothing
// else is lost.
func (r *Runs) Put(key canon.Hash, result lm.Result) error {
	raw, err := encodeRun(key, result)
	if err != nil {
		return fmt.Errorf("keep run %s: %w", key, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.evict(int64(len(raw)))
	if err := durable.WriteBytes(r.path(key), runMode, raw); err != nil {
		return fmt.Errorf("keep run %s: %w", key, err)
	}
	return nil
}

func (r *Runs) path(key canon.Hash) string { return filepath.Join(r.dir, key.String()+runSuffix) }

// evict removes the runs not used for longest until so many more bytes fit. What
// cannot be removed stays.
func (r *Runs) evict(more int64) {
	files := r.files(func(name string) bool { return strings.HasSuffix(name, runSuffix) })
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	total := more
	for _, f := range files {
		total += f.Size()
	}
	for _, f := range files {
		if total <= r.limit {
			return
		}
		if os.Remove(filepath.Join(r.dir, f.Name())) == nil {
			total -= f.Size()
		}
	}
}

// sweep removes what killed processes left behind.
func (r *Runs) sweep() {
	temporary := func(name string) bool {
		return strings.HasPrefix(name, ".") && strings.Contains(name, runSuffix+".tmp-")
	}
	for _, f := range r.files(temporary) {
		if r.now().Sub(f.ModTime()) > leftover {
			_ = os.Remove(filepath.Join(r.dir, f.Name()))
		}
	}
}

func (r *Runs) files(want func(name string) bool) []fs.FileInfo {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil
	}
	var out []fs.FileInfo
	for _, e := range entries {
		if !e.Type().IsRegular() || !want(e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil {
			out = append(out, info)
		}
	}
	return out
}

// A file is the SHA-256 of all that follows its first line, in hex, and then the
// JSON of a storedRun.
type storedRun struct {
	Key    string    `json:"key"`
	Result lm.Result `json:"result"`
}

var errDamaged = errors.New("file of a run is damaged")

func encodeRun(key canon.Hash, result lm.Result) ([]byte, error) {
	body, err := json.Marshal(storedRun{Key: key.String(), Result: result})
	if err != nil {
		return nil, err
	}
	return append([]byte(canon.Sum(body)+"\n"), body...), nil
}

func decodeRun(key canon.Hash, raw []byte) (lm.Result, error) {
	sum, body, found := bytes.Cut(raw, []byte("\n"))
	if !found || canon.Sum(body) != string(sum) {
		return lm.Result{}, errDamaged
	}
	var run storedRun
	if err := json.Unmarshal(body, &run); err != nil {
		return lm.Result{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if run.Key != key.String() {
		return lm.Result{}, fmt.Errorf("%w: it holds run %.64q", errDamaged, run.Key)
	}
	return run.Result, nil
}

// checkResult says why a trainer's result cannot be used: a trainer may be a
// program of someone else's.
func checkResult(result lm.Result, kernel string, examples []lm.Example) error {
	if result.Kernel != kernel {
		return fmt.Errorf("it ran on kernel %.64q, not %q", result.Kernel, kernel)
	}
	if len(result.Scores) != len(examples) {
		return fmt.Errorf("it has %d scores for %d examples", len(result.Scores), len(examples))
	}
	for i, s := range result.Scores {
		want := len(examples[i].Tokens) - examples[i].From
		if s.Tokens != want || s.Correct < 0 || s.Correct > want || !finite(s.NLL) {
			return fmt.Errorf("example %d of %d tokens scored %v over %d tokens, %d of them right", i, want, s.NLL, s.Tokens, s.Correct)
		}
	}
	for _, p := range result.Losses {
		if !finite(p.Loss) {
			return fmt.Errorf("%w: the loss of step %d is %v", lm.ErrDiverged, p.Step, p.Loss)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
