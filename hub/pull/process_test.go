package pull_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
	"finest/hub/pull"
	"finest/internal/contract"
)

// A process that pulls is this test binary again. It stops in the middle of a
// download and waits there to be killed.
const (
	envHub   = "PULL_TEST_HUB"
	envDir   = "PULL_TEST_DIR"
	envSHA   = "PULL_TEST_SHA"
	envWhole = "PULL_TEST_WHOLE"
)

const (
	killedSize = 3 << 20
	killedStep = 500_000
)

func TestMain(m *testing.M) {
	if os.Getenv(envHub) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, stopInTheMiddle())
	os.Exit(1)
}

func stopInTheMiddle() error {
	local, err := localhub.Open(os.Getenv(envHub))
	if err != nil {
		return err
	}
	ref := hub.Ref{Repo: "anna/finest", Revision: os.Getenv(envSHA)}
	h := &watched{Hub: local, change: func(path string, r io.ReadCloser) (io.ReadCloser, error) {
		if strings.HasPrefix(path, "data/") {
			return io.NopCloser(io.MultiReader(io.LimitReader(r, killedStep), endless{})), nil
		}
		return r, nil
	}}
	ctx := context.Background()
	if os.Getenv(envWhole) != "" {
		_, err := pull.Publication(ctx, h, ref, os.Getenv(envDir), pull.Options{})
		return err
	}
	c, err := pull.OpenCache(os.Getenv(envDir), pull.Limits{Bytes: 2 * killedSize, Files: 3})
	if err != nil {
		return err
	}
	f, err := h.Stat(ctx, ref, contract.ShardPath(dump, taskName(0), 0))
	if err == nil {
		_, err = c.Fetch(ctx, h, ref, f)
	}
	return err
}

// endless says that it is reached, and gives nothing for ever.
type endless struct{}

func (endless) Read([]byte) (int, error) {
	fmt.Println("stopped")
	select {}
}

// TestKilledPull: what was on disk when a process was killed is not asked for
// again, whether a cache pulls or a publication is pulled.
func TestKilledPull(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprint("whole publication ", whole), func(t *testing.T) {
			hubDir, dir := t.TempDir(), t.TempDir()
			h, err := localhub.Open(hubDir)
			if err != nil {
				t.Fatal(err)
			}
			p := newPublished(t, h, "anna/finest")
			f := p.add(0, 1, killedSize).Files[0]
			p.commit()
			env := []string{envHub + "=" + hubDir, envDir + "=" + dir, envSHA + "=" + p.sha}
			if whole {
				env = append(env, envWhole+"=1")
			}
			const kills = 3
			for range kills {
				killInTheMiddle(t, env)
			}
			w := &watched{Hub: h}
			if whole {
				_, err = pull.Publication(t.Context(), w, p.ref(), dir, pull.Options{})
				wantFolder(t, dir, p.files)
			} else {
				c := openCache(t, dir, pull.Limits{Bytes: killedSize, Files: 1})
				var file *pull.File
				if file, err = c.Fetch(t.Context(), w, p.ref(), hub.File{Path: f.Path, Size: f.Bytes, SHA256: f.SHA256}); err == nil {
					wantContent(t, file, p.files[f.Path])
					closed(t, file)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			had := int64(kills * killedStep)
			want := fmt.Sprintf("%s %d+%d", f.Path, had, killedSize-had)
			if opened := strings.Join(w.take(), "\n"); !strings.Contains(opened, want) {
				t.Errorf("requests are\n%s\nwant %s among them", opened, want)
			}
		})
	}
}

// killInTheMiddle runs a process until it stands in the middle of its download.
func killInTheMiddle(t *testing.T, env []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if line != "stopped\n" {
		t.Fatalf("the process said %q, %s", line, stderr.String())
	}
}
