package commands_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"finest/commands"
)

// wildPatience bounds one small file; only a hang takes it.
const wildPatience = time.Minute

// TestWildFiles refines what other projects keep to test their readers with:
// damaged, cut off, mislabelled, of other formats. Each gives a result or one
// clear error.
func TestWildFiles(t *testing.T) {
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" {
		t.Skip("FINEST_TESTDATA is not set: no WARC files of other projects to refine")
	}
	if testing.Short() {
		t.Skip("reads many files")
	}
	entries, err := os.ReadDir(filepath.Join(data, "warc-edge"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.Contains(name, "arc") || entry.IsDir() {
			continue // the inventory and the notices
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), wildPatience)
			defer cancel()
			out := filepath.Join(t.TempDir(), "out")
			var stdout, stderr bytes.Buffer
			err := commands.Run(ctx, []string{"finest", "refine", "--recipe", "fineweb-nolists", "-j", "1", "--out", out, filepath.Join(data, "warc-edge", name)},
				commands.Streams{Out: &stdout, Err: &stderr})
			if ctx.Err() != nil {
				t.Fatalf("not done after %s", wildPatience)
			}
			_, missing := os.Stat(filepath.Join(out, "manifest.json"))
			complaints := strings.Count(stderr.String(), "finest: ") // beside progress
			switch code := commands.ExitCode(err); code {
			case commands.ExitOK:
				if missing != nil || !strings.Contains(stdout.String(), "written to") || complaints > 0 {
					t.Errorf("manifest: %v, stdout %q, stderr %q", missing, &stdout, &stderr)
				}
			case commands.ExitFailed:
				if !errors.Is(missing, os.ErrNotExist) || stdout.Len() > 0 || complaints != 1 {
					t.Errorf("manifest: %v, stdout %q, stderr %q", missing, &stdout, &stderr)
				}
				t.Log(strings.TrimSpace(stderr.String()))
			default:
				t.Errorf("exit code %d: %v", code, err)
			}
		})
	}
}
