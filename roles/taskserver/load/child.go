package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// stopTimeout is how long a server may take to end.
const stopTimeout = 30 * time.Second

// child is a server in a process of its own.
type child struct {
	addr    string
	command *exec.Cmd
	stdin   io.WriteCloser
	kill    context.CancelFunc
}

// start starts a server and returns when it answers requests. It ends with ctx,
// with stop, or with this process.
func start(ctx context.Context, s setup, stderr io.Writer) (_ *child, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(ctx)
	c := &child{command: exec.CommandContext(ctx, program, serveArg), kill: kill}
	defer func() {
		if err != nil {
			kill()
		}
	}()
	// The garbage collector as finest sets it.
	c.command.Env = append([]string{"GOGC=400", "GOMEMLIMIT=1GiB"}, os.Environ()...)
	c.command.Stderr = stderr
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	var answer serving
	if _, err = c.stdin.Write(raw); err == nil {
		err = json.NewDecoder(stdout).Decode(&answer)
	}
	if err != nil {
		kill()
		return nil, fmt.Errorf("start the server: %w", errors.Join(err, c.command.Wait()))
	}
	c.addr = answer.Addr
	return c, nil
}

func (c *child) pid() int { return c.command.Process.Pid }

// stop ends the server and waits for it.
func (c *child) stop() error {
	defer c.kill()
	overdue := time.AfterFunc(stopTimeout, c.kill)
	defer overdue.Stop()
	err := c.stdin.Close()
	if err := c.command.Wait(); err != nil {
		return fmt.Errorf("the server ended: %w", err)
	}
	return err
}
