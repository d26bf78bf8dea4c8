package miner_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/subtensor"
	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/internal/contract"
	"finest/internal/durable"
)

func warcName(task, file int) string { return fmt.Sprintf("warc-%d-%d.warc.gz", task, file) }

// writeWARC writes a WARC file of small pages.
func writeWARC(t testing.TB, path, name string) {
	t.Helper()
	var out bytes.Buffer
	for page := range processPages {
		body := fmt.Sprintf("<p>Page %d of %s, which is short.</p>", page, name)
		http := "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
		z := gzip.NewWriter(&out)
		_, err := fmt.Fprintf(z, "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%s-%d>\r\nWARC-Target-URI: http://x.test/%s/%d\r\n"+
			"WARC-Date: 2026-11-01T00:00:00Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
			name, page, name, page, len(http), http)
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.WriteBytes(path, 0o644, out.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// newProcess makes the folders that a miner needs, and its chain.
func newProcess(t testing.TB) *process {
	t.Helper()
	signer := hotkey(t, "//Miner").PublicKey()
	const blockTime = 25 * time.Millisecond
	node := devchaintest.Start(t, runtime.Config{BlockTime: blockTime, Subnets: []runtime.Subnet{{
		Netuid: netuid, Owner: hotkey(t, "//Server").PublicKey(), Tempo: 1 << 15, Neurons: []runtime.Neuron{{Hotkey: signer}},
	}}}, func(o *devchain.Options) { o.Seal = devchain.Every(blockTime) })
	p := &process{dir: t.TempDir(), endpoint: devchaintest.Listen(t, node), hub: devhubtest.Serve(t)}
	for task := range processTasks {
		for file := range processFiles {
			name := warcName(task, file)
			writeWARC(t, p.path("warc", name), name)
		}
	}
	return p
}

// live runs a process that kills itself at a step, and returns how many steps
// it took if it did not get there.
func (p *process) live(t testing.TB, at int) (steps int, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), folderEnv+"="+p.dir, chainEnv+"="+p.endpoint, hubEnv+"="+p.hub.Endpoint, killEnv+"="+strconv.Itoa(at))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		p.kills++
		return 0, true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	steps, err = strconv.Atoi(strings.TrimSpace(stdout.String()))
	if err != nil {
		t.Fatal(err)
	}
	return steps, false
}

// result returns the hashes of what is published, log and manifests aside, and
// makes sure that there is one commit and one claim a task, and that no page of
// a WARC file was refined after the next file was begun.
func (p *process) result(t testing.TB) map[string]string {
	t.Helper()
	ctx := t.Context()
	main := hub.Ref{Repo: repo, Revision: hub.MainBranch}
	if commits, err := p.hub.Store.Log(ctx, main, 100); err != nil || len(commits) != 1+processTasks {
		t.Errorf("%d commits, the one that a repository begins with included, error %v", len(commits), err)
	}
	// What the hub was still storing as its sender died may be sent again.
	for path, times := range sentTwice(p.hub) {
		if times > 1+p.kills {
			t.Errorf("%s was sent %d times, with %d kills", path, times, p.kills)
		}
	}
	client, err := subtensor.New(subtensor.Options{Endpoints: []string{p.endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	head, err := client.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	claims := 0
	for n := uint64(1); n <= head.Number; n++ {
		block, err := client.BlockAt(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		events, err := client.CommitmentEvents(ctx, netuid, block)
		if err != nil {
			t.Fatal(err)
		}
		claims += len(events)
	}
	if claims != processTasks {
		t.Errorf("%d claims", claims)
	}
	pages, err := os.ReadFile(p.path("pages"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for url := range strings.FieldsSeq(string(pages)) {
		files = append(files, strings.Split(url, "/")[3])
	}
	if !slices.IsSorted(files) || len(slices.Compact(files)) != processTasks*processFiles {
		t.Errorf("files were refined in this order: %q", files)
	}
	tree, err := p.hub.Store.Tree(ctx, main, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range tree {
		if f.Path != contract.LogPath && f.Path != "totals.json" && !strings.HasPrefix(f.Path, "tasks/") {
			out[f.Path] = f.SHA256
		}
	}
	return out
}

// TestKilledProcess runs miners as processes that SIGKILL ends at their k-th
// step, in the middle of files, commits and claims, until one ends by itself.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	calm := newProcess(t)
	steps, killed := calm.live(t, 0)
	if killed {
		t.Fatal("killed")
	}
	want := calm.result(t)
	stride := 1
	if testing.Short() {
		stride = 7
	}
	t.Logf("%d steps, %d files", steps, len(want))
	for k := 1; k <= steps; k += stride {
		t.Run(strconv.Itoa(k), func(t *testing.T) {
			t.Parallel()
			p := newProcess(t)
			p.live(t, k)
			if k%3 == 0 { // a second kill hits the process that goes on
				p.live(t, 1+k*7%steps)
			}
			p.live(t, 0)
			got := p.result(t)
			if len(got) != len(want) {
				t.Errorf("%d files are published, want %d", len(got), len(want))
			}
			for path, sum := range want {
				if got[path] != sum {
					t.Errorf("%s has SHA-256 %s, want %s", path, got[path], sum)
				}
			}
		})
	}
}
