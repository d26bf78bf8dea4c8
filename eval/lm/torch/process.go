package torch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// maxLine bounds a line of the program.
	maxLine = 64 << 10
	// defaultGrace is how long the program may take to end when it is asked to.
	defaultGrace = 10 * time.Second
)

// process is the program while it runs.
type process struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *os.File
	tail           tail // of standard error
	silence, grace time.Duration
	lines          chan heard
	over           chan struct{} // closed when nobody listens any more
	collected      chan struct{} // closed when standard error was read to its end
}

// heard is a line of the program, or why there is none.
type heard struct {
	message message
	err     error
}

// start starts the program in a process group of its own, so that all it starts
// can be ended with it, and signals of a terminal are not for it.
func (t *Trainer) start(f *folder, args ...string) (*process, error) {
	command := append(slices.Clone(t.o.Command[1:]), f.program())
	for _, o := range [][2]string{{"--device", t.o.Device}, {"--dtype", t.o.Dtype}, {"--mode", t.o.Mode}} {
		if o[1] != "" {
			command = append(command, o[0], o[1])
		}
	}
	command = append(command, args...)
	// No context: whoever starts it calls end, which ends the whole group.
	c := exec.Command(t.o.Command[0], command...) //nolint:noctx // see above
	p := &process{cmd: c, silence: t.o.Silence, grace: t.grace, lines: make(chan heard), over: make(chan struct{}), collected: make(chan struct{})}
	c.Env = environment(os.Environ())
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.stdin, err = c.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", t.o.Command[0], err)
	}
	// Pipes of our own: nobody waits for what the program started and left behind.
	stdout, out, outErr := os.Pipe()
	stderr, report, reportErr := os.Pipe()
	p.stdout, p.stderr, c.Stdout, c.Stderr = stdout, stderr, out, report
	if err = errors.Join(outErr, reportErr); err == nil {
		err = c.Start()
	}
	_, _ = out.Close(), report.Close()
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		return nil, fmt.Errorf("start %s: %w", t.o.Command[0], err)
	}
	go p.listen()
	go p.collect()
	return p, nil
}

// passed are the beginnings of the variables that the program is given. Others
// may hold tokens and keys, which it has no use for.
var passed = []string{
	"PATH=", "HOME=", "USER=", "LANG=", "LC_", "TZ=", "TMPDIR=", "XDG_CACHE_HOME=", "LD_LIBRARY_PATH=",
	"VIRTUAL_ENV=", "SSL_CERT_", "PYTHON", "PYENV_", "CONDA_", "UV_", "CC=", "CXX=",
	"CUDA", "NVIDIA_", "CUBLAS_", "TORCH", "PYTORCH_", "TRITON_", "OMP_", "MKL_", "OPENBLAS_",
}

func environment(all []string) []string {
	var kept []string
	for _, v := range all {
		for _, beginning := range passed {
			if strings.HasPrefix(v, beginning) {
				kept = append(kept, v)
				break
			}
		}
	}
	return kept
}

// send hands the program its job without waiting for it to be read.
func (p *process) send(line []byte) {
	go func() { _, _ = p.stdin.Write(line) }()
}

// listen reads lines until the program closes its output or nobody listens.
func (p *process) listen() {
	defer close(p.lines)
	lines := bufio.NewScanner(p.stdout)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		m, err := parseMessage(bytes.TrimSpace(lines.Bytes()))
		if !p.tell(heard{m, err}) {
			return
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		p.tell(heard{err: fmt.Errorf("the program wrote a line of more than %d bytes", maxLine)})
	}
}

// collect keeps the end of what the program writes to standard error.
func (p *process) collect() {
	defer close(p.collected)
	_, _ = io.Copy(&p.tail, p.stderr)
}

func (p *process) tell(h heard) bool {
	select {
	case p.lines <- h:
		return true
	case <-p.over:
		return false
	}
}

// errEnded says that the program closed its output.
var errEnded = errors.New("the program ended before its work was done")

// next waits for the next message.
func (p *process) next(ctx context.Context) (message, error) {
	timer := time.NewTimer(p.silence)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return message{}, ctx.Err()
	case <-timer.C:
		return message{}, fmt.Errorf("the program said nothing for %v", p.silence)
	case h, open := <-p.lines:
		if !open {
			return message{}, errEnded
		}
		return h.message, h.err
	}
}

// end ends the program and all that it started. cause is why its work is not
// done, nil if it is: then it is given time to end by itself, and its exit status
// counts. The error is cause, with what the program left on standard error where
// that may explain it.
func (p *process) end(cause error) error {
	close(p.over)
	_ = p.stdin.Close()
	if cause != nil && !errors.Is(cause, errEnded) {
		p.signal(syscall.SIGTERM)
	}
	timer := time.AfterFunc(p.grace, func() { p.signal(syscall.SIGKILL) })
	err := p.cmd.Wait()
	timer.Stop()
	p.signal(syscall.SIGKILL) // what it started and did not end
	_ = p.stdout.Close()
	_ = p.stderr.SetReadDeadline(time.Now().Add(time.Second)) // for what left the group
	<-p.collected
	_ = p.stderr.Close()
	switch {
	case cause == nil && err == nil:
		return nil
	case cause == nil:
		return p.explain(fmt.Errorf("the program ended with %w", err))
	case errors.Is(cause, errEnded) && err != nil:
		return p.explain(fmt.Errorf("%w, with %w", cause, err))
	}
	return p.explain(cause)
}

func (p *process) explain(err error) error {
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if text := p.tail.String(); text != "" && !ended {
		return fmt.Errorf("%w; it wrote: %s", err, text)
	}
	return err
}

// signal sends a signal to the program's process group; one that is gone needs
// none.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// cpu is the processor time of the program and of those it waited for.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// tail keeps the last bytes written to it.
type tail struct{ bytes []byte }

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p[max(0, len(p)-maxTail):]...)
	t.bytes = append(t.bytes[:0], t.bytes[max(0, len(t.bytes)-maxTail):]...)
	return len(p), nil
}

// String returns what is kept as one line.
func (t *tail) String() string {
	return strings.ToValidUTF8(strings.Join(strings.Fields(string(t.bytes)), " "), "?")
}
