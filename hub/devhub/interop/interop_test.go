package interop

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Limit of one script's run; each takes below a minute on two cores.
const limit = 5 * time.Minute

// folder is where setup.sh installs.
func folder(t *testing.T) string {
	t.Helper()
	base := os.Getenv("FINEST_INTEROP")
	if base == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no cache folder, and FINEST_INTEROP is not set: ", err)
		}
		base = filepath.Join(cache, "finest", "interop")
	}
	return filepath.Join(base, "hub")
}

// need skips the test if the file that setup.sh leaves with what the test needs
// is not there.
func need(t *testing.T, mark string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder(t), mark)); err != nil {
		t.Skipf("no %s in %s: run hub/devhub/interop/setup.sh", mark, folder(t))
	}
}

// python runs a script and returns the lines that it prints. It sees the Hub's
// variables that are given, and no others.
func python(t *testing.T, hub []string, script string, args ...string) []string {
	t.Helper()
	need(t, "venv/requirements.txt")
	return run(t, hub, filepath.Join(folder(t), "venv/bin/python"), append([]string{script}, args...)...)
}

// node is python for scripts in JavaScript.
func node(t *testing.T, script string, args ...string) []string {
	t.Helper()
	need(t, "installed.json")
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	return run(t, nil, program, append([]string{script}, args...)...)
}

func run(t *testing.T, hub []string, program string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "HF_") && !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			command.Env = append(command.Env, v)
		}
	}
	command.Env = append(command.Env, hub...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		t.Logf("%.200s", scanner.Text())
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return lines
}

// huggingfaceHub is the environment of huggingface_hub for a hub of ours, with a
// home of its own. Requests to any other host end at a proxy that is not there.
func huggingfaceHub(t *testing.T, endpoint, token string) []string {
	home := t.TempDir()
	return []string{
		"HF_ENDPOINT=" + endpoint, "HF_TOKEN=" + token, "HF_HOME=" + home,
		"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_UPDATE_CHECK=1",
		"HF_HUB_DISABLE_PROGRESS_BARS=1", "HF_DATASETS_DISABLE_PROGRESS_BARS=1", "DO_NOT_TRACK=1",
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1",
	}
}
