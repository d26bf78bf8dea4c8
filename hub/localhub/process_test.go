package localhub_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/localhub"
)

// A process of its own is this test binary again, told what to do where.
const (
	envDir = "LOCALHUB_TEST_DIR"
	envJob = "LOCALHUB_TEST_JOB"
)

var jobs = map[string]func(dir string) error{"publish": publishForEver, "churn": churnForEver}

func TestMain(m *testing.M) {
	if job := jobs[os.Getenv(envJob)]; job != nil {
		if err := job(os.Getenv(envDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killed starts a process that does a job, kills it once it has printed so many
// lines, and returns all that it printed.
func killed(t *testing.T, dir, job string, lines int) (printed []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envJob+"="+job)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for len(printed) < lines && scan.Scan() {
		printed = append(printed, scan.Text())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for scan.Scan() {
		printed = append(printed, scan.Text())
	}
	_ = cmd.Wait()
	return printed
}

// publishForEver makes commits of two files that belong together, and prints
// the sha of each.
func publishForEver(dir string) error {
	h, err := localhub.Open(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := 0; ; i++ {
		head, err := h.Head(ctx, mainRef)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%d of %d\n", i, os.Getpid())
		p := hub.Publication{Repo: repo, Message: text, Parent: head, Add: []hub.Source{
			source("manifest", text), source("data", strings.Repeat(text, 10_000)),
		}}
		sha, err := h.Publish(ctx, p)
		if err != nil {
			return err
		}
		fmt.Println(sha)
	}
}

// Whatever a killed publisher reported is there, its head is whole, and the
// next one goes on from it.
func TestKilledPublisher(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	if err := h.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		shas := killed(t, dir, "publish", round+1)
		for _, sha := range append(shas, hub.MainBranch) {
			ref := hub.Ref{Repo: repo, Revision: sha}
			manifest, err := hub.ReadFile(t.Context(), h, ref, "manifest", 100)
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			data, err := hub.ReadFile(t.Context(), h, ref, "data", 1<<20)
			if err != nil || string(data) != strings.Repeat(string(manifest), 10_000) {
				t.Errorf("round %d: files of %s do not belong together (%v)", round, ref, err)
			}
		}
	}
}
