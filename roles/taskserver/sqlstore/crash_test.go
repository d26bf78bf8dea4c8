package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
	"finest/roles/taskserver/storetest"
)

// A child is this test's own program, which works through the script on the
// store at crashStore and kills itself at write number crashAt.
const (
	crashStore = "FINEST_TEST_CRASH_STORE"
	crashAt    = "FINEST_TEST_CRASH_AT"
)

// maxReady is how soon a server must be ready again after a crash.
const maxReady = 2 * time.Second

func TestKilledAtEveryWriteSQLite(t *testing.T) {
	killAtEveryWrite(t, func(t testing.TB, k int) string { return filepath.Join(memoryDir(t), fmt.Sprint(k), "tasks.sqlite") })
}

func TestKilledAtEveryWritePostgreSQL(t *testing.T) {
	database := postgres(t)
	killAtEveryWrite(t, func(t testing.TB, k int) string { return database.schema(t, fmt.Sprint(k)) })
}

// killAtEveryWrite kills a server at its first, second, third … write, until it
// makes none so many. After each crash all that was answered is there, and the
// rest of the script leads where it leads without a crash.
func killAtEveryWrite(t *testing.T, place func(t testing.TB, k int) string) {
	t.Helper()
	s := newScript(t)
	stride := 1
	if testing.Short() {
		stride = 17
	}
	var ended atomic.Bool
	var slowest atomic.Int64
	for k := 1; !ended.Load() && !t.Failed(); {
		t.Run(fmt.Sprint("writes from ", k), func(t *testing.T) {
			for range atOnce {
				at := k
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					t.Parallel()
					ready, killed := s.killAt(t, place(t, at), at)
					slowest.Store(max(slowest.Load(), int64(ready)))
					if !killed {
						ended.Store(true)
					}
				})
				k += stride
			}
		})
	}
	t.Logf("%d operations; open again after at most %v", len(s.operations), time.Duration(slowest.Load()))
}

// atOnce is how many children run at a time: most of their time is waiting for
// the disk.
const atOnce = 4

// killAt kills a server at write k, and goes on.
func (s *script) killAt(t *testing.T, where string, k int) (ready time.Duration, killed bool) {
	answers, killed := runChild(t, where, k)
	if !killed && len(answers) != len(s.operations) {
		t.Errorf("%d of %d operations were answered", len(answers), len(s.operations))
	}
	ready = s.resume(t, where, answers)
	if ready > maxReady {
		t.Errorf("the store is open after %v", ready)
	}
	if t.Failed() {
		t.Logf("killed at write %d, after %d answers", k, len(answers))
	}
	return ready, killed
}

// runChild returns what a child was answered, and whether it was killed.
func runChild(t testing.TB, where string, k int) (answers []string, killed bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.timeout=60s")
	child.Env = append(os.Environ(), crashStore+"="+where, crashAt+"="+strconv.Itoa(k))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "answer "); ok {
			answer, err := strconv.Unquote(text)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, answer)
		}
	}
	err = errors.Join(lines.Err(), child.Wait())
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return answers, true
	}
	if err != nil {
		t.Fatalf("child that is killed at write %d: %v", k, err)
	}
	return answers, false
}

// TestChild is no test but what a child does.
func TestChild(t *testing.T) {
	where := os.Getenv(crashStore)
	if where == "" {
		t.Skip("this is run by other tests")
	}
	at, err := strconv.Atoi(os.Getenv(crashAt))
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t)
	store, err := sqlstore.OpenStepped(t.Context(), where, func(string) {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // there is no after
			select {}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, store)
	for i, o := range s.operations {
		answer, err := o.do(t.Context(), e, uuidOf(i, 0))
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		if _, err := fmt.Printf("answer %q\n", answer); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// resume goes on where a child was killed, and returns how long the store took
// to open.
func (s *script) resume(t testing.TB, where string, answers []string) (ready time.Duration) {
	t.Helper()
	start := time.Now()
	store := open(t, where)
	ready = time.Since(start)
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	proven(t, store)
	e := newEngine(t, store)
	for i, o := range s.operations {
		if i < len(answers) {
			if answers[i] != o.answer {
				t.Errorf("%s was answered %s, not %s", o.name, answers[i], o.answer)
			}
			if o.signed {
				if _, err := o.do(t.Context(), e, uuidOf(i, 0)); !errors.Is(err, engine.ErrReplayed) {
					t.Errorf("%s was answered before the crash, but its UUID was not used up: error %v", o.name, err)
				}
			}
			continue
		}
		if answer := o.again(t, e, i); answer != o.answer {
			t.Errorf("%s is answered %s after the crash, not %s", o.name, answer, o.answer)
		}
	}
	proven(t, store)
	if final := dump(t, store); final != s.final {
		t.Errorf("the store shows in the end\n%s\nnot\n%s", final, s.final)
	}
	return ready
}

// again does what a client does that was not answered: it sends the same
// request, and if that was used, another for the same.
func (o operation) again(t testing.TB, e *engine.Engine, i int) string {
	t.Helper()
	answer, err := o.do(t.Context(), e, uuidOf(i, 0))
	if errors.Is(err, engine.ErrReplayed) {
		answer, err = o.do(t.Context(), e, uuidOf(i, 1))
	}
	if !o.signed && errors.Is(err, engine.ErrState) {
		return o.answer // it was done before
	}
	if err != nil {
		t.Fatalf("%s after the crash: %v", o.name, err)
	}
	return answer
}

// proven fails unless the audit log proves the tables.
func proven(t testing.TB, s engine.Store) {
	t.Helper()
	report, err := engine.Check(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Fatalf("the books do not hold: %v", report.Faults)
	}
}

func dump(t testing.TB, s engine.Store) (text string) {
	t.Helper()
	err := s.View(context.Background(), func(v engine.View) (err error) {
		text, err = storetest.Dump(v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
