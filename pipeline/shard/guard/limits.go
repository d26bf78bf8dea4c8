package guard

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// limits of a child.
type limits struct {
	data int64 // bytes beyond what the program has when it begins
	cpu  int64 // seconds
}

func (l limits) args() []string {
	return []string{strconv.FormatInt(l.data, 10), strconv.FormatInt(l.cpu, 10)}
}

// apply puts the running process under the limits. It writes no files and
// leaves no core behind either.
//
// It fails where the machine does not have the memory that the limits allow, so
// that the want of memory later on is the file's doing.
func (l limits) apply() error {
	trial, err := syscall.Mmap(-1, 0, int(l.data), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err == nil {
		err = syscall.Munmap(trial)
	}
	if err != nil {
		return fmt.Errorf("find %d MiB of memory: %w", l.data>>20, err)
	}
	for _, limit := range []struct {
		resource int
		max      int64
	}{
		{syscall.RLIMIT_DATA, held() + l.data},
		{syscall.RLIMIT_CPU, l.cpu},
		{syscall.RLIMIT_FSIZE, 0},
		{syscall.RLIMIT_CORE, 0},
	} {
		most := uint64(limit.max)
		var now syscall.Rlimit
		if err := syscall.Getrlimit(limit.resource, &now); err != nil {
			return fmt.Errorf("read limit %d: %w", limit.resource, err)
		}
		most = min(most, now.Max)
		if err := syscall.Setrlimit(limit.resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("set limit %d: %w", limit.resource, err)
		}
	}
	return nil
}

// held returns the bytes that RLIMIT_DATA counts already, as far as the system
// tells: a runtime may map more than it uses, the race detector's most of all.
func held() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmData:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(line)), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// autopsy says why a child died without an answer. Only what the file alone can
// have caused is held against it.
func (l limits) autopsy(state *os.ProcessState, err error, stderr []byte) error {
	if state != nil && state.ExitCode() == exitCrash {
		if refusal := l.crash(stderr); refusal != nil {
			return refusal
		}
	}
	// The limit counts ticks of the system's clock and what is reported is finer,
	// so a child that the limit ended may have used less by this account. Another
	// who ends it that late does the file no wrong: honest ones take a fraction.
	limit := time.Duration(l.cpu) * time.Second
	if state != nil && !state.Exited() && state.UserTime()+state.SystemTime() > limit/2 {
		return refuse("cannot be read within %v of processor time", limit)
	}
	first, _, _ := bytes.Cut(stderr, []byte("\n"))
	return fmt.Errorf("read in a child that gave no answer: %w (%.200q)", err, first)
}

// crash reads what the Go runtime wrote before it ended the child; nil if it is
// nothing that only the file can have caused.
func (l limits) crash(stderr []byte) error {
	for line := range bytes.Lines(stderr) {
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("panic: ")):
			return refuse("the reader fails: %.200q", line)
		case !bytes.HasPrefix(line, []byte("fatal error: ")):
		case bytes.Contains(line, []byte("out of memory")), bytes.Contains(line, []byte("cannot allocate memory")):
			return refuse("cannot be read within %d MiB of memory", l.data>>20)
		case bytes.Contains(line, []byte("stack overflow")):
			return refuse("the reader's stack overflows")
		default:
			return nil
		}
	}
	return nil
}
