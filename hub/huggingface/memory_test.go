package huggingface_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
)

// envMemory marks the process in which TestMemory measures: one without what
// other tests have left behind.
const envMemory = "HUGGINGFACE_TEST_MEMORY"

// maxMemory is what client and server may need together, in bytes.
const maxMemory = 200e6

// However large files and commits are, memory is not.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("publishes 320 MB")
	}
	if os.Getenv(envMemory) == "" {
		t.Parallel()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemory$", "-test.v")
		cmd.Env = append(os.Environ(), envMemory+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v", err)
		}
		t.Logf("%s", out)
		return
	}
	w := devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	head := create(t, c, "tester/repo")
	add := []hub.Source{generated("a.parquet", 220e6)}
	for i := range 10 { // as much as travels inside one commit
		add = append(add, generated(fmt.Sprintf("%d.txt", i), 10e6))
	}
	resetPeak(t)
	sha, err := c.Publish(t.Context(), hub.Publication{Repo: "tester/repo", Message: "large", Parent: head, Add: add})
	if err != nil {
		t.Fatal(err)
	}
	log, err := w.Store.Log(t.Context(), hub.Ref{Repo: "tester/repo", Revision: sha}, 10)
	if err != nil || len(log) != 2 {
		t.Errorf("%d commits, %v, want the first and one more", len(log), err)
	}
	if got := peak(t); got > maxMemory {
		t.Errorf("publishing 320 MB took %d MB of memory", got/1e6)
	} else {
		t.Logf("%d MB of memory", got/1e6)
	}
}

// generated is a source that is computed while it is read: it takes no memory.
func generated(path string, size int64) hub.Source {
	content := span{io.NewSectionReader(pattern{sha256.Sum256([]byte(path))}, 0, size)}
	h := sha256.New()
	_, _ = io.Copy(h, io.NewSectionReader(content, 0, size)) // neither fails
	return hub.Source{
		File: hub.File{Path: path, Size: size, SHA256: hex.EncodeToString(h.Sum(nil))},
		Open: func() (hub.Content, error) { return content, nil },
	}
}

type span struct{ *io.SectionReader }

func (span) Close() error { return nil }

// pattern repeats its seed for ever, with the number of each repetition in it.
type pattern struct{ seed [32]byte }

func (g pattern) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		at := off + int64(n)
		block := g.seed
		for i, number := 0, at/32; i < 8; i++ {
			block[i] ^= byte(number >> (8 * i))
		}
		n += copy(p[n:], block[at%32:])
	}
	return len(p), nil
}
