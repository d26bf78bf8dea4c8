package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
)

// The test's binary is also the server that a run starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveArg {
		main()
	}
	goleak.VerifyTestMain(m)
}

// A short run of everything; what it measures is not judged.
func TestRun(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("takes three seconds")
	case runtime.GOOS != "linux":
		t.Skip("memory and processor time of the server are read as Linux shows them")
	}
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"-rate", "60", "-duration", "2s", "-hotkeys", "10", "-tasks", "200", "-half-open", "50", "-block-time", "50ms", "-dir", dir, "-json"}
	code := command(t.Context(), args, &stdout, &stderr)
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("exit code %d: %s: %v", code, &stderr, err)
	}
	if r.Failures[contract.ProblemStale] > 0 {
		t.Skip("this machine is so busy that timestamps grow stale on their way")
	}
	if code != exitDone {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if n := r.Requests.Number; n != 120 || r.Leases.Number+r.Submits.Number != n || r.Submits.Number == 0 || len(r.Failures) > 0 {
		t.Errorf("%d requests, %d leases, %d submits, failures %v", n, r.Leases.Number, r.Submits.Number, r.Failures)
	}
	if l := r.Requests; l.P50 <= 0 || l.P99 < l.P50 || l.Max < l.P99 {
		t.Errorf("latency %+v", l)
	}
	if s := r.Server; s.EarlyBytes == 0 || s.EndBytes == 0 || s.PeakBytes < s.EndBytes {
		t.Errorf("server %+v", s)
	}
	if r.Generator.CPUSeconds <= 0 {
		t.Error("the generator took no processor time")
	}
	if r.HalfOpen.Wanted != 50 || r.HalfOpen.Opened < 50 {
		t.Errorf("half-open connections %+v", r.HalfOpen)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestServerThatCannotStart(t *testing.T) {
	_, err := start(t.Context(), setup{DB: filepath.Join(t.TempDir(), "missing", "tasks.db")}, t.Output())
	if err == nil || !strings.Contains(err.Error(), "start the server") {
		t.Errorf("got error %v", err)
	}
}

func TestStoreMustBeEmpty(t *testing.T) {
	store := memstore.New()
	t.Cleanup(func() { _ = store.Close() })
	add := func() error { return addTasks(t.Context(), store, newEngine(t, store), 3) }
	if err := add(); err != nil {
		t.Fatal(err)
	}
	if err := add(); err == nil {
		t.Error("a store with tasks was taken")
	}
}

func newEngine(t *testing.T, store engine.Store) *engine.Engine {
	t.Helper()
	server, err := newServer(setup{BlockTime: time.Second}, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return server.Engine()
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-h", exitDone, "-half-open NUMBER"},
		{"-rate 0", exitUsage, "-rate 0"},
		{"-rate NaN", exitUsage, "-rate NaN"},
		{"-rate 1 -duration 1ms", exitUsage, "0 requests"},
		{"-duration 100000h", exitUsage, "requests"},
		{"-hotkeys 257", exitUsage, "-hotkeys 257"},
		{"-tasks 1000001", exitUsage, "-tasks 1000001"},
		{"-half-open -1", exitUsage, "-half-open -1"},
		{"-max-connections -1", exitUsage, "-max-connections -1"},
		{"-block-time 0", exitUsage, "-block-time 0"},
		{"-p99 -1s", exitUsage, "negative"},
		{"-no-such-flag", exitUsage, "no-such-flag"},
		{"rest", exitUsage, `"rest"`},
		{"-dir /no/such/folder", exitFailed, "/no/such/folder"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := command(t.Context(), strings.Fields(c.args), &stdout, &stderr); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(stderr.String(), c.says) {
				t.Errorf("%q does not say %q", &stderr, c.says)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := command(ctx, []string{"-hotkeys", "1", "-tasks", "1", "-dir", t.TempDir()}, &stdout, &stderr); code != exitFailed {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if stdout.Len() > 0 {
		t.Errorf("it reports %q", fmt.Sprint(&stdout))
	}
}
