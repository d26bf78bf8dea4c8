package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// maxRows bounds the rows of a shard.
const maxRows = 1 << 24

// split reads two outputs of refine and writes what the second one keeps of the
// first, and what it drops: both with the texts of the first.
func split(a, b, out string) error {
	all, err := readRows(a)
	if err != nil {
		return err
	}
	some, err := readRows(b)
	if err != nil {
		return err
	}
	in := make(map[string]bool, len(some))
	for _, r := range some {
		in[r.ID] = true
	}
	parts := map[bool][]document{}
	for _, r := range all {
		parts[in[r.ID]] = append(parts[in[r.ID]], document{r.ID, r.URL, r.Text})
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for kept, name := range map[bool]string{true: "kept", false: "dropped"} {
		if err := writeLines(filepath.Join(out, name+".jsonl"), parts[kept]); err != nil {
			return err
		}
	}
	fmt.Printf("kept    %5d documents %9d bytes\ndropped %5d documents %9d bytes\n",
		len(parts[true]), size(parts[true]), len(parts[false]), size(parts[false]))
	return nil
}

// readRows reads the shards of an output folder, in the order of their names.
func readRows(folder string) ([]contract.Row, error) {
	var rows []contract.Row
	err := filepath.WalkDir(filepath.Join(folder, "data"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".parquet") {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		for row, err := range shard.ReadRows(file, info.Size(), maxRows) {
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return rows, nil
}
