package localchain_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/localchain"
	"finest/chain/wallet"
)

// Writers in processes of their own are this test binary again, told by the
// environment what to do.
const (
	envDir    = "LOCALCHAIN_TEST_DIR"
	envKey    = "LOCALCHAIN_TEST_KEY"
	envWrites = "LOCALCHAIN_TEST_WRITES"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		os.Exit(writeFromProcess(dir, os.Getenv(envKey), os.Getenv(envWrites)))
	}
	os.Exit(m.Run())
}

// writeFromProcess prints the block of each of its commitments.
func writeFromProcess(dir, uri, writes string) int {
	c, err := localchain.Open(dir, localchain.SystemClock{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	by, err := wallet.FromURI(uri)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, _ := strconv.Atoi(writes)
	for i := range n {
		text := fmt.Sprintf("%s %d %d", uri, os.Getpid(), i)
		in, err := c.SetCommitment(context.Background(), by, netuid, [][]byte{[]byte(text)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Printf("%d %s\n", in.Block.Number, text)
	}
	return 0
}

func process(t *testing.T, dir, uri string, writes int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envKey+"="+uri, fmt.Sprintf("%s=%d", envWrites, writes))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// realConfig has blocks of 2 ms, in real time, and epochs without bounds.
func realConfig(t testing.TB) localchain.Config {
	cfg := config(t)
	cfg.BlockTime = 2 * time.Millisecond
	cfg.Subnets[0].Tempo = 1
	return cfg
}

// checkReports holds what writers printed, "block uri pid number", against the
// chain: it is there unless the same hotkey wrote again in the same block.
func checkReports(t *testing.T, c *localchain.Chain, reports []string) {
	t.Helper()
	for _, report := range reports {
		number, text, _ := strings.Cut(report, " ")
		uri, _, _ := strings.Cut(text, " ")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatalf("a writer printed %q", report)
		}
		rival := func(r string) bool { return r != report && strings.HasPrefix(r, number+" "+uri+" ") }
		if !slices.Contains(events(t, c, n), text) && !slices.ContainsFunc(reports, rival) {
			t.Errorf("reported %q, but block %d has %q", report, n, events(t, c, n))
		}
	}
}

func TestSeveralProcesses(t *testing.T) {
	clock := localchain.SystemClock{}
	dir := create(t, realConfig(t), clock)
	const writes = 15
	uris := []string{"//Miner", "//Other", "//Miner"} // two processes share a hotkey
	type child struct {
		cmd *exec.Cmd
		out *bufio.Scanner
	}
	var children []child
	for _, uri := range uris {
		cmd, out := process(t, dir, uri, writes)
		children = append(children, child{cmd, out})
	}
	var reports []string
	for _, ch := range children {
		for ch.out.Scan() {
			reports = append(reports, ch.out.Text())
		}
		if err := ch.cmd.Wait(); err != nil {
			t.Errorf("writer: %v", err)
		}
	}
	if len(reports) != writes*len(uris) {
		t.Errorf("%d writes were reported, want %d", len(reports), writes*len(uris))
	}
	if got := journalLines(t, dir); got != writes*len(uris) {
		t.Errorf("journal holds %d extrinsics, want %d", got, writes*len(uris))
	}
	checkReports(t, open(t, dir, clock), reports)
}

// Whatever a killed writer reported is on the chain, and others go on.
func TestKilledProcess(t *testing.T) {
	clock := localchain.SystemClock{}
	dir := create(t, realConfig(t), clock)
	witness := open(t, dir, clock)
	var reports []string
	for round := range 4 {
		cmd, out := process(t, dir, "//Miner", 1<<20)
		for i := 0; i < 2+round && out.Scan(); i++ {
			reports = append(reports, out.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			reports = append(reports, out.Text())
		}
		_ = cmd.Wait()
		if _, err := witness.SetCommitment(t.Context(), key(t, "//Other"), netuid, [][]byte{{byte(round)}}); err != nil {
			t.Fatalf("after a kill: %v", err)
		}
	}
	seen := make([]chain.Block, 0, 100)
	for n := range head(t, witness).Number + 1 {
		seen = append(seen, blockAt(t, witness, n))
	}
	again := open(t, dir, clock)
	for _, b := range seen {
		if got := blockAt(t, again, b.Number); got != b {
			t.Errorf("block %v is %v after opening again", b, got)
		}
	}
	checkReports(t, again, reports)
}
