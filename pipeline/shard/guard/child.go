package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"

	"finest/pipeline/shard"
)

// Exit codes of a child.
const (
	exitAnswered = 0
	exitUsage    = 1
	// exitCrash is that of the Go runtime.
	exitCrash = 2
)

// Main is the child: it reads a file under limits, prints whether that worked,
// and returns the code to exit with. args are what follows Arg. A file of a kind
// that this package does not know is read by the first of others that does.
func Main(args []string, others ...func(Kind) Reader) int {
	own := func(k Kind) Reader {
		return map[Kind]Reader{Shard: readAll(shard.ReadRows), Ledger: readAll(shard.ReadLedger)}[k]
	}
	return run(args, append([]func(Kind) Reader{own}, others...))
}

// Reader reads a file to its end. What is wrong with the file, and not with this
// machine, it says with an error that wraps shard.ErrForm.
type Reader func(r io.ReaderAt, size, rows int64) error

func readAll[R any](rows func(r io.ReaderAt, size, maxRows int64) iter.Seq2[R, error]) Reader {
	return func(r io.ReaderAt, size, maxRows int64) error {
		for _, err := range rows(r, size, maxRows) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func run(args []string, readers []func(Kind) Reader) int {
	if len(args) != 5 {
		return usage("5 arguments are wanted")
	}
	var read Reader
	for i := 0; read == nil && i < len(readers); i++ {
		read = readers[i](Kind(args[0]))
	}
	rows, err1 := strconv.ParseInt(args[2], 10, 64)
	data, err2 := strconv.ParseInt(args[3], 10, 64)
	cpu, err3 := strconv.ParseInt(args[4], 10, 64)
	if err := errors.Join(err1, err2, err3); read == nil || err != nil {
		return usage(fmt.Sprintf("%q: %v", args, err))
	}
	go endWithParent()
	var a answer
	if err := (limits{data, cpu}).apply(); err != nil {
		a.Own = err.Error()
	} else if err := readFile(args[1], rows, read); errors.Is(err, shard.ErrForm) {
		a.Form = err.Error()
	} else if err != nil {
		a.Own = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return usage(err.Error())
	}
	return exitAnswered
}

func usage(problem string) int {
	fmt.Fprintln(os.Stderr, Arg+":", problem)
	return exitUsage
}

// endWithParent ends the process when whoever started it is gone.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(exitUsage)
}

func readFile(path string, rows int64, read Reader) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return read(f, info.Size(), rows)
}
