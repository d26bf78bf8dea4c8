package commands_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"finest/internal/durable"
)

// patience bounds every wait; only a hung program makes a test wait that long.
const patience = time.Minute

// poll calls done until it reports true.
func poll(ts *testscript.TestScript, what string, done func() bool) {
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			ts.Fatalf("%s: not within %s", what, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// run runs a program and keeps what it printed for nosecrets.
func run(ts *testscript.TestScript, command []string) (code int) {
	err := ts.Exec(command[0], command[1:]...)
	keep(ts, ts.ReadFile("stdout"))
	keep(ts, ts.ReadFile("stderr"))
	return exitCode(ts, err)
}

// transcript is what all programs of a script printed.
const transcript = ".transcript"

func keep(ts *testscript.TestScript, output string) {
	f, err := os.OpenFile(filepath.Join(ts.Getenv("WORK"), transcript), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(output)
	ts.Check(errors.Join(err, f.Close()))
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%v", err)
	return 0
}

// exits is the script command
//
//	exits CODE PROGRAM [ARGS...]
//
// It runs a program, which must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := run(ts, args[1:]); neg || got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// until is the script command
//
//	until PATTERN PROGRAM [ARGS...]
//
// It runs a program, which must succeed, again and again until it prints what
// matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	poll(ts, "until "+args[0], func() bool {
		if code := run(ts, args[1:]); code != 0 {
			ts.Fatalf("exit code %d", code)
		}
		return pattern.MatchString(ts.ReadFile("stdout"))
	})
}

type processesKey struct{}

// process is a program in the background.
type process struct {
	cmd  *exec.Cmd
	done chan error
}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processesKey{}).(map[string]*process)
}

func named(ts *testscript.TestScript, name string) *process {
	p := processes(ts)[name]
	if p == nil {
		ts.Fatalf("no process is called %s", name)
	}
	return p
}

type variablesKey struct{}

// environment is that of the programs of a script: the variables it began with,
// with their present values.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range ts.Value(variablesKey{}).([]string) {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// start is the script command
//
//	start NAME PROGRAM [ARGS...]
//
// It runs a program in the background, with its output in NAME.out and NAME.err.
// Whatever still runs at the end of the script is killed.
func start(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer func() { _ = out.Close() }()
	errs, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer func() { _ = errs.Close() }()
	cmd.Stdout, cmd.Stderr = out, errs
	ts.Check(cmd.Start())
	p := &process{cmd, make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	processes(ts)[name] = p
	ts.Defer(func() {
		if processes(ts)[name] == p {
			_ = cmd.Process.Kill()
			if err := <-p.done; err != nil {
				ts.Logf("%s: %v", name, err)
			}
		}
	})
}

// sendSignal is the script command
//
//	signal NAME INT|TERM|KILL
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	ts.Check(named(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// finish is the script command
//
//	finish NAME CODE
//
// It waits for a background program, which must end with that exit code; −1
// stands for the end by a signal it did not catch.
func finish(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args[0])
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	select {
	case err := <-p.done:
		delete(processes(ts), args[0])
		keep(ts, ts.ReadFile(args[0]+".out"))
		keep(ts, ts.ReadFile(args[0]+".err"))
		if got := exitCode(ts, err); got != want {
			ts.Fatalf("%s: exit code %d, want %d\n%s", args[0], got, want, ts.ReadFile(args[0]+".err"))
		}
	case <-time.After(patience):
		ts.Fatalf("%s still runs after %s\n%s", args[0], patience, ts.ReadFile(args[0]+".err"))
	}
}

// await is the script command
//
//	await FILE PATTERN [VARIABLE]
//
// It waits until a file is there and matches, and sets a variable to the first
// group of the match.
func await(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var match []string
	var content []byte
	defer func() { // a failed wait shows what there was instead
		if match == nil {
			ts.Logf("%s:\n%s", args[0], content)
		}
	}()
	poll(ts, fmt.Sprintf("await %s in %s", args[1], args[0]), func() bool {
		content, err = os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		match = pattern.FindStringSubmatch(string(content))
		return match != nil
	})
	if len(args) > 2 {
		ts.Setenv(args[2], match[1])
	}
}

// lock is the script command
//
//	lock FILE
//
// It holds a lock to the end of the script, as another run would.
func lock(ts *testscript.TestScript, _ bool, args []string) {
	l, err := durable.TryLock(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = l.Unlock() })
}
