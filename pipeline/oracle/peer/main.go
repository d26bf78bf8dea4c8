// Command peer measures the reference pipeline and this one on the same WARC
// files, in turns, and prints the medians of the processor time that the
// operating system counts for each. See README.md of the folder above for the
// reference's set-up.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"finest/pipeline/warc"
)

type options struct {
	finest, python, script, home, model string
	rounds, pages                       int
}

func main() {
	var o options
	flag.StringVar(&o.finest, "finest", "bin/finest", "the `PROGRAM` to measure")
	flag.StringVar(&o.python, "python", "python3", "`PYTHON` with the reference installed")
	flag.StringVar(&o.script, "script", "pipeline/oracle/peer/peer.py", "`FILE` that runs the reference")
	flag.StringVar(&o.home, "home", "", "the oracle's home `FOLDER`")
	flag.StringVar(&o.model, "model", "pipeline/langid/data/lid.176.ftz", "`FILE` of the language model, for both")
	flag.IntVar(&o.rounds, "rounds", 5, "`NUMBER` of rounds")
	flag.IntVar(&o.pages, "pages", 200, "`NUMBER` of pages a round, the first of the files")
	stages := flag.String("stages", "", "measure the stages of this program on `FILE` alone, and print JSON")
	flag.Parse()
	ctx := context.Background()
	var err error
	if *stages != "" {
		err = measureStages(ctx, *stages, os.Stdout)
	} else {
		err = compare(ctx, o, flag.Args(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

// report is what a measured process says of itself.
type report struct {
	Pages int `json:"pages"`
	Kept  int `json:"kept"`
	// Start is the processor time in seconds before the first page.
	Start  float64            `json:"start"`
	Stages map[string]float64 `json:"stages"`
}

// usage is what the operating system says of a process.
type usage struct {
	cpu, wall time.Duration
	peak      int64 // bytes
}

// round is one measurement of each.
type round struct {
	reference, stages   report
	referenceUse        usage
	oneWorker, twoWorks usage
}

func compare(ctx context.Context, o options, files []string, out io.Writer) error {
	if len(files) == 0 || o.home == "" || o.rounds < 1 {
		return errors.New("WARC files, -home and at least one round are needed")
	}
	work, err := os.MkdirTemp("", "finest-peer-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	sample := filepath.Join(work, "sample.warc.gz")
	pages, html, err := cut(files, o.pages, sample)
	if err != nil {
		return err
	}
	var rounds []round
	for i := range o.rounds {
		r, err := measure(ctx, o, sample, work)
		if err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		rounds = append(rounds, r)
		fmt.Fprintf(os.Stderr, "round %d of %d: reference %.2f s, finest %.2f s of processor time\n", i+1, o.rounds,
			r.referenceUse.cpu.Seconds(), r.oneWorker.cpu.Seconds())
	}
	fmt.Fprintf(out, "%d pages, %.1f MB of HTML; medians of %d rounds\n\n", pages, float64(html)/1e6, o.rounds)
	printRounds(out, rounds, float64(html)/1e6)
	return nil
}

// cut copies the records up to the page with that number into one file.
func cut(files []string, limit int, to string) (pages int, html int64, err error) {
	var sample bytes.Buffer
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, err
		}
		var end int64
		for r := warc.NewReader(bytes.NewReader(file), 0, warc.Options{}); pages < limit; {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return 0, 0, fmt.Errorf("read %s: %w", path, err)
			}
			end = rec.End()
			if page, isHTML := rec.Page(warc.PageOptions{}); isHTML {
				pages++
				html += int64(len(page.HTML))
			}
		}
		sample.Write(file[:end])
	}
	return pages, html, os.WriteFile(to, sample.Bytes(), 0o600)
}

func measure(ctx context.Context, o options, sample, work string) (r round, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	for _, step := range []struct {
		use     *usage
		says    *report
		command []string
	}{
		{&r.referenceUse, &r.reference, []string{o.python, o.script, "--home", o.home, "--model", o.model, sample}},
		{&r.oneWorker, nil, refine(o.finest, work, sample, "1")},
		{&r.twoWorks, nil, refine(o.finest, work, sample, "2")},
		{new(usage), &r.stages, []string{self, "-stages", sample}},
	} {
		var printed bytes.Buffer
		if *step.use, err = run(ctx, step.command, &printed); err != nil {
			return r, err
		}
		if step.says != nil {
			if err := json.Unmarshal(printed.Bytes(), step.says); err != nil {
				return r, fmt.Errorf("output of %s: %w", step.command[0], err)
			}
		}
		if err := os.RemoveAll(filepath.Join(work, "out")); err != nil {
			return r, err
		}
	}
	return r, nil
}

func refine(finest, work, sample, workers string) []string {
	return []string{finest, "refine", "--quiet", "--recipe", "fineweb-nolists", "--workers", workers, "--out", filepath.Join(work, "out"), sample}
}

// run runs a command to its end.
func run(ctx context.Context, command []string, out io.Writer) (usage, error) {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	var complaints bytes.Buffer
	c.Stdout, c.Stderr = out, &complaints
	start := time.Now()
	if err := c.Run(); err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, bytes.TrimSpace(complaints.Bytes()))
	}
	u := usage{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: time.Since(start)}
	if r, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = r.Maxrss << 10 // Linux counts KiB
	}
	return u, nil
}

// order is that of the recipe, with the clustering behind MinHash.
var order = [...]string{
	"read", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb", "minhash", "clusters", "tokens", "pii",
}

func printRounds(out io.Writer, rounds []round, megabytes float64) {
	middle := func(value func(round) float64) float64 {
		values := make([]float64, len(rounds))
		for i, r := range rounds {
			values[i] = value(r)
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	line := func(name string, reference, finest float64) {
		fmt.Fprintf(out, "%-20s %12.3f %12.3f %8.1f\n", name, reference, finest, reference/finest)
	}
	fmt.Fprintf(out, "%-20s %12s %12s %8s\n", "processor seconds", "reference", "finest", "ratio")
	for _, name := range order {
		line(name, middle(func(r round) float64 { return r.reference.Stages[name] }), middle(func(r round) float64 { return r.stages.Stages[name] }))
	}
	reference := middle(func(r round) float64 { return r.referenceUse.cpu.Seconds() - r.reference.Start })
	finest := middle(func(r round) float64 { return r.oneWorker.cpu.Seconds() })
	ratio := middle(func(r round) float64 {
		return (r.referenceUse.cpu.Seconds() - r.reference.Start) / r.oneWorker.cpu.Seconds()
	})
	fmt.Fprintf(out, "%-20s %12.3f %12.3f %8.1f\n", "end to end", reference, finest, ratio)
	fmt.Fprintf(out, "%-20s %12.2f %12.2f\n", "MB of HTML a second", megabytes/reference, megabytes/finest)
	peak := func(use func(round) usage) float64 {
		return middle(func(r round) float64 { return float64(use(r).peak) / (1 << 20) })
	}
	fmt.Fprintf(out, "%-20s %12.0f %12.0f  (two workers: %.0f)\n", "peak memory, MiB", peak(func(r round) usage { return r.referenceUse }),
		peak(func(r round) usage { return r.oneWorker }), peak(func(r round) usage { return r.twoWorks }))
	fmt.Fprintf(out, "\nstart-up of the reference is not counted: %.1f s\n", middle(func(r round) float64 { return r.reference.Start }))
	fmt.Fprintf(out, "two workers of finest are %.2f times as fast as one, by the clock\n",
		middle(func(r round) float64 { return r.oneWorker.wall.Seconds() / r.twoWorks.wall.Seconds() }))
	fmt.Fprintf(out, "kept: reference %d of %d, finest %d of %d\n", rounds[0].reference.Kept, rounds[0].reference.Pages,
		rounds[0].stages.Kept, rounds[0].stages.Pages)
}
