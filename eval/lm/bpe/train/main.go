// Command train learns the merges of package bpe from texts in clones of public
// repositories:
//
//	go run ./eval/lm/bpe/train -clones FOLDER
//
// FOLDER/owner/name is a clone of each repository in sources.tsv, bare or not.
// It reads the texts at the commits given there, downloads nothing, and writes
// the list of merges.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"path/filepath"

	"finest/eval/lm/bpe"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	clones := flags.String("clones", "", "folder of clones, OWNER/NAME each")
	list := flags.String("sources", "eval/lm/bpe/data/sources.tsv", "list of sources")
	out := flags.String("out", "eval/lm/bpe/data/merges.txt", "file to write")
	vocab := flags.Int("vocab", 8192, "number of tokens: the bytes, the end of a document, and those that are learnt")
	if err := flags.Parse(args); err != nil {
		return err
	}
	raw, err := os.ReadFile(*list)
	if err != nil {
		return err
	}
	sources, err := parseSources(string(raw))
	if err != nil {
		return fmt.Errorf("read %s: %w", *list, err)
	}
	merges, err := bpe.Train(texts(ctx, *clones, sources), *vocab)
	if err != nil {
		return err
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	if _, err := merges.WriteTo(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// texts reads all sources, and says on stderr how much each gave.
func texts(ctx context.Context, clones string, sources []source) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, s := range sources {
			all, err := s.read(ctx, filepath.Join(clones, filepath.FromSlash(s.Repository)))
			if err != nil {
				yield("", fmt.Errorf("read %s: %w", s.Repository, err))
				return
			}
			var bytes int
			for _, text := range all {
				bytes += len(text)
				if !yield(text, nil) {
					return
				}
			}
			fmt.Fprintf(os.Stderr, "%s: %d texts, %d bytes\n", s.Repository, len(all), bytes)
		}
	}
}
