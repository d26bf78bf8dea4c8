package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// peer is the process that runs numpy.
type peer struct {
	name    string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func start(ctx context.Context, python, script string) (*peer, error) {
	p := &peer{process: exec.CommandContext(ctx, python, script)}
	// These choose kernels and blocks by other than the processor.
	p.process.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "OPENBLAS_CORETYPE=") || strings.HasPrefix(s, "OPENBLAS_L2_SIZE=")
	})
	p.process.Stderr = os.Stderr
	var err error
	if p.in, err = p.process.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", python, err)
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", python, err)
	}
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", python, err)
	}
	p.out = bufio.NewReader(out)
	if p.name, err = p.line(); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *peer) line() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read what %s says: %w", p.process.Path, err)
	}
	return strings.TrimSpace(line), nil
}

// fastest is fastest, over there.
func (p *peer) fastest(s shape) (time.Duration, error) {
	lies := map[bool]string{false: "n", true: "t"}
	if _, err := fmt.Fprintln(p.in, s.m, s.n, s.k, lies[s.a], lies[s.b], s.calls()); err != nil {
		return 0, fmt.Errorf("ask %s for a round: %w", p.process.Path, err)
	}
	line, err := p.line()
	if err != nil {
		return 0, err
	}
	least := time.Duration(1 << 62)
	for _, field := range strings.Fields(line) {
		seconds, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, fmt.Errorf("read a time: %w", err)
		}
		least = min(least, time.Duration(seconds*1e9))
	}
	return least, nil
}

func (p *peer) close() error {
	return errors.Join(p.in.Close(), p.process.Wait())
}
