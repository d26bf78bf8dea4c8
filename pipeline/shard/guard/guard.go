// Package guard reads Parquet files of strangers once, whole, in a process of
// its own whose memory and time are limited. What kills a reader kills that
// process, and the role that asked learns why.
//
// The child is this program again: it must hand over to Main when its first
// argument is Arg.
package guard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"finest/pipeline/shard"
)

// Arg is the first argument of a program that is to be the child.
const Arg = "guard-parquet"

// Kind is what a file should be.
type Kind string

// Kinds of files.
const (
	Shard  Kind = "shard"
	Ledger Kind = "ledger"
)

// Defaults of a Guard. The package shard promises 256 MiB for any file, and
// reads the largest that it writes (512 MiB of values) in seconds.
const (
	DefaultMemory = 512 << 20
	DefaultCPU    = 5 * time.Minute
	DefaultWall   = 30 * time.Minute
)

// Guard starts children. The zero value is one with the defaults.
type Guard struct {
	// Program is what the child runs; "" is the running program.
	Program string
	// Memory is what the child's garbage collector aims at (GOMEMLIMIT), in bytes;
	// at twice that it is given no more (RLIMIT_DATA).
	Memory int64
	// CPU is the processor time of the child (RLIMIT_CPU), in whole seconds.
	CPU time.Duration
	// Wall bounds how long a child may take that does not use its CPU.
	Wall time.Duration
}

// Check reads the file at path, which should be of a kind and have no more than
// rows rows.
//
// An error that wraps shard.ErrForm says that the file cannot be read, by the
// reader's own word, or within the limits on memory and processor time. Any
// other is that of ctx or of this machine, which says nothing of the file: no
// child could be started, somebody else killed it, or it waited for ever.
func (g *Guard) Check(ctx context.Context, kind Kind, path string, rows int64) error {
	if os.Getenv(envChild) != "" {
		return errors.New("read in a child: this is one, whose program does not know that it is")
	}
	limit := cmp.Or(g.Wall, DefaultWall)
	wall, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer stop()
	l := limits{data: 2 * g.memory(), cpu: int64(max(cmp.Or(g.CPU, DefaultCPU)/time.Second, 1))}
	c := exec.CommandContext(wall, cmp.Or(g.Program, self()))
	// Some programs go by the name they are called.
	c.Args = append([]string{os.Args[0], Arg, string(kind), path, strconv.FormatInt(rows, 10)}, l.args()...)
	// Nothing of the environment: it may hold tokens.
	c.Env = []string{envChild + "=1", fmt.Sprintf("GOMEMLIMIT=%d", g.memory()), "GOMAXPROCS=2", "GOTRACEBACK=single"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals of a terminal are not for it
	c.WaitDelay = 10 * time.Second
	var stdout, stderr head
	c.Stdout, c.Stderr = &stdout, &stderr
	// The child ends when its input does, so also when this process is killed.
	input, err := c.StdinPipe()
	if err != nil {
		return fmt.Errorf("start a child to read %s: %w", path, err)
	}
	defer func() { _ = input.Close() }()
	if err := c.Start(); err != nil {
		return fmt.Errorf("start a child to read %s: %w", path, err)
	}
	err = c.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return answerOf(stdout.bytes)
	}
	if wall.Err() != nil {
		err = context.Cause(wall)
	}
	return l.autopsy(c.ProcessState, err, stderr.bytes)
}

func (g *Guard) memory() int64 { return cmp.Or(g.Memory, DefaultMemory) }

// envChild marks the environment of a child. One that does not reach Main must
// not start children itself.
const envChild = "FINEST_GUARD_CHILD"

// self returns what starts the running program again. On Linux that is the file
// it was started from, also when another has its name by now.
func self() string {
	const linux = "/proc/self/exe"
	if _, err := os.Stat(linux); err == nil {
		return linux
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// answer is what the child says: nothing if the file can be read.
type answer struct {
	// Form is why the file cannot be read, Own what is wrong with this machine.
	Form string `json:"form,omitempty"`
	Own  string `json:"own,omitempty"`
}

func answerOf(raw []byte) error {
	var a answer
	switch err := json.Unmarshal(raw, &a); {
	case err != nil:
		return fmt.Errorf("read in a child: its answer %.100q: %w", raw, err)
	case a.Own != "":
		return fmt.Errorf("read in a child: %s", a.Own)
	case a.Form != "":
		return formError(a.Form)
	}
	return nil
}

// formError is an error of package shard that comes from a child.
type formError string

func (e formError) Error() string { return string(e) }

func (e formError) Unwrap() error { return shard.ErrForm }

func refuse(format string, args ...any) error {
	return formError(fmt.Sprintf("%v: ", shard.ErrForm) + fmt.Sprintf(format, args...))
}

// head keeps the first bytes written to it.
type head struct{ bytes []byte }

func (h *head) Write(p []byte) (int, error) {
	const most = 16 << 10
	h.bytes = append(h.bytes, p[:min(len(p), most-len(h.bytes))]...)
	return len(p), nil
}

var _ io.Writer = (*head)(nil)
