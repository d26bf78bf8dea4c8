package commands_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// sameTree is the script command
//
//	sametree DIR DIR NAME...
//
// Each name, a file or a folder, must have the same bytes in both.
func sameTree(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args[2:] {
		one, other := tree(ts, args[0], name), tree(ts, args[1], name)
		if len(one) == 0 {
			ts.Fatalf("%s: nothing in it", filepath.Join(args[0], name))
		}
		if !slices.Equal(slices.Sorted(maps.Keys(one)), slices.Sorted(maps.Keys(other))) {
			ts.Fatalf("%s holds other files than %s: %q and %q", args[0], args[1], slices.Sorted(maps.Keys(one)), slices.Sorted(maps.Keys(other)))
		}
		for path, content := range one {
			if other[path] != content {
				ts.Fatalf("%s is another in %s than in %s", path, args[0], args[1])
			}
		}
	}
}

func tree(ts *testscript.TestScript, dir, name string) map[string]string {
	files := make(map[string]string)
	root := ts.MkAbs(dir)
	err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root)] = string(raw)
		return err
	})
	ts.Check(err)
	return files
}

// jsonKeys is the script command
//
//	jsonkeys FILE GOLDEN [OPEN...]
//
// Every line of FILE is one JSON object, and together they have the keys that
// GOLDEN lists, one a line and sorted; below the open ones any keys may stand.
func jsonKeys(ts *testscript.TestScript, _ bool, args []string) {
	keys := make(map[string]bool)
	text := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	for _, line := range strings.Split(text, "\n") {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("no JSON object: %q: %v", line, err)
		}
		collectKeys("", object, args[2:], keys)
	}
	got := strings.Join(slices.Sorted(maps.Keys(keys)), "\n")
	if want := strings.TrimSpace(ts.ReadFile(args[1])); got != want {
		ts.Fatalf("keys of %s:\n%s\n\nwant:\n%s", args[0], got, want)
	}
}

func collectKeys(prefix string, value any, open []string, keys map[string]bool) {
	if prefix != "" {
		keys[prefix] = true
	}
	if slices.Contains(open, prefix) {
		return
	}
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			collectKeys(strings.TrimPrefix(prefix+"."+key, "."), v, open, keys)
		}
	case []any:
		for _, v := range value {
			collectKeys(prefix+"[]", v, open, keys)
		}
	}
}

// tamper is the script command
//
//	tamper SHARD
//
// It adds a sentence to the first row of a shard.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	raw := []byte(ts.ReadFile(args[0]))
	var rows []contract.Row
	for row, err := range shard.ReadRows(bytes.NewReader(raw), int64(len(raw)), 1000) {
		ts.Check(err)
		rows = append(rows, row)
	}
	rows[0].Text += " Nobody wrote this."
	// ROOT/data/{dump}/{task}-00000.parquet
	path := ts.MkAbs(args[0])
	root := filepath.Dir(filepath.Dir(filepath.Dir(path)))
	prefix, err := filepath.Rel(root, strings.TrimSuffix(path, "-00000.parquet"))
	ts.Check(err)
	ts.Check(os.Remove(path))
	_, _, err = shard.WriteRows(root, filepath.ToSlash(prefix), func(yield func(contract.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}, nil)
	ts.Check(err)
}

// noSecrets is the script command
//
//	nosecrets WALLETS [WORD...]
//
// No secret of a key in a folder of wallets, and none of the words, may stand in
// anything that was printed, or in any file of the script outside of that folder.
func noSecrets(ts *testscript.TestScript, _ bool, args []string) {
	secrets := args[1:]
	for path, content := range tree(ts, args[0], ".") {
		var key map[string]any
		if err := json.Unmarshal([]byte(content), &key); err != nil {
			ts.Fatalf("%s is no key file: %v", path, err)
		}
		for _, field := range []string{"secretSeed", "secretPhrase", "privateKey"} {
			if secret, _ := key[field].(string); secret != "" {
				secrets = append(secrets, strings.TrimPrefix(secret, "0x"))
			}
		}
	}
	if len(secrets) == len(args)-1 {
		ts.Fatalf("no secret found in %s", args[0])
	}
	work, wallets := ts.Getenv("WORK"), ts.MkAbs(args[0])
	err := filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if path == wallets || errors.Is(err, fs.ErrNotExist) {
			return filepath.SkipDir
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(secret))) {
				ts.Fatalf("a secret stands in %s", path)
			}
		}
		return err
	})
	ts.Check(err)
	if ts.ReadFile(filepath.Join(work, transcript)) == "" {
		ts.Fatalf("nothing was printed")
	}
}
