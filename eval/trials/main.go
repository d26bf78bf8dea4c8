// Command trials makes datasets whose order in quality is known, so that the
// evaluation itself can be tested: texts of real pages, the same texts spoilt in
// one way each, and a panel of pages that are in none of them.
//
//	go run ./eval/trials sets OUT       corrupted sets and their panel
//	go run ./eval/trials split A B OUT  what B keeps of A, and what it drops
//
// README.md lists the sets, the recipes beside it, and what to run.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"finest/eval"
)

const usage = `usage: trials sets [-web FOLDER] [-seed TEXT] OUT
       trials split A B OUT`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "trials:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("trials", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(flags.Output(), usage) }
	web := flags.String("web", filepath.Join(os.Getenv("FINEST_TESTDATA"), "web"), "")
	seed := flags.String("seed", "trials", "")
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case command == "sets" && flags.NArg() == 1:
		return makeSets(ctx, *web, flags.Arg(0), seedOf(*seed))
	case command == "split" && flags.NArg() == 3:
		return split(flags.Arg(0), flags.Arg(1), flags.Arg(2))
	}
	return errors.New(usage)
}

func seedOf(text string) eval.Seed { return sha256.Sum256([]byte(text)) }

// makeSets writes every set, the held-out pages and the panel made of them.
func makeSets(ctx context.Context, web, out string, seed eval.Seed) error {
	pages, err := readPages(ctx, web)
	if err != nil {
		return err
	}
	c := newCorpus(pages, seed)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "panel.toml"), []byte(panelDefinition), 0o644); err != nil {
		return err
	}
	for _, s := range append(sets(), set{name: heldOutName, make: heldOutSet}) {
		documents := s.make(c, seed.Sub(s.name))
		if err := writeLines(filepath.Join(out, s.name+".jsonl"), documents); err != nil {
			return err
		}
		fmt.Printf("%-10s %5d documents %9d bytes  %s\n", s.name, len(documents), size(documents), cmp.Or(s.about, "the panel's pages"))
	}
	return ctx.Err()
}

func size(documents []document) (bytes int) {
	for _, d := range documents {
		bytes += len(d.Text)
	}
	return bytes
}
