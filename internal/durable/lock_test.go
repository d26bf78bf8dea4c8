package durable_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"finest/internal/durable"
)

// lockEnv makes this test binary a process that holds a lock.
const lockEnv = "FINEST_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	path := os.Getenv(lockEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := durable.TryLock(path); err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("held\n")
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until killed
}

func TestLockIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "lock")
	l, err := durable.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.TryLock(path); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		l, err := durable.WaitLock(path)
		if err == nil {
			err = l.Unlock()
		}
		waiting <- err
	}()
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("waiting for the lock: %v", err)
	}
	if l, err = durable.TryLock(path); err != nil {
		t.Fatalf("lock after it was released: %v", err)
	}
	_ = l.Unlock()
}

// TestUnlockOfACopiedDescriptor: processes that are being started share all
// descriptors until they run their program.
func TestUnlockOfACopiedDescriptor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	l, err := durable.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := syscall.Dup(l.Fd())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(copied) }()
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if l, err = durable.TryLock(path); err != nil {
		t.Fatalf("lock after it was released: %v", err)
	}
	_ = l.Unlock()
}

// TestLockEndsWithItsProcess: a killed holder leaves no lock behind.
func TestLockEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), lockEnv+"="+path)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("holder says %q, %v", line, err)
	}
	if _, err := durable.TryLock(path); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("lock held by another process: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	l, err := durable.TryLock(path)
	if err != nil {
		t.Fatalf("lock after its process was killed: %v", err)
	}
	_ = l.Unlock()
}
