package interop

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/wallet"
)

// Limit of one client's run; each takes below half a minute on two cores.
const limit = 4 * time.Minute

func TestPythonSDK10(t *testing.T) {
	t.Parallel()
	folder := installed(t, "venv/requirements.txt")
	drive(t, filepath.Join(folder, "venv/bin/python"), "sdk10.py", t.TempDir())
}

func TestPythonSDK11(t *testing.T) {
	t.Parallel()
	folder := installed(t, "venv11/requirements11.txt")
	drive(t, filepath.Join(folder, "venv11/bin/python"), "sdk11.py", t.TempDir())
}

func TestPolkadotJS(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	drive(t, node, "polkadot.mjs", installed(t, "installed.json"))
}

// installed returns the folder that setup.sh installs into, or skips the test if
// the file that it leaves there with what the test needs is not.
func installed(t *testing.T, mark string) string {
	folder := os.Getenv("FINEST_INTEROP")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no cache folder, and FINEST_INTEROP is not set: ", err)
		}
		folder = filepath.Join(cache, "finest", "interop")
	}
	if _, err := os.Stat(filepath.Join(folder, mark)); err != nil {
		t.Skipf("no %s in %s: run chain/devchain/interop/setup.sh", mark, folder)
	}
	return folder
}

// drive runs a script against a devchain of its own. The script may print
// "upgrade" to have the runtime upgraded to one with other indices.
func drive(t *testing.T, program, script, folder string) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	node, endpoint := serve(ctx, t)
	command := exec.CommandContext(ctx, program, script, endpoint, folder)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		if lines.Text() == "upgrade" {
			node.Faults().Upgrade(runtime.V2)
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// serve starts a chain with three subnets, of which the second and third have
// commit-reveal on. On all //Alice has uid 0 and a permit, and //Bob uid 1.
func serve(ctx context.Context, t *testing.T) (*devchain.Node, string) {
	neurons := []runtime.Neuron{
		{Hotkey: key(t, "//Alice"), Stake: 1e12, Permit: true},
		{Hotkey: key(t, "//Bob")},
	}
	node, err := devchain.New(devchain.Options{
		Genesis: runtime.Config{
			BlockTime: 250 * time.Millisecond,
			Balances:  []runtime.Balance{{Account: key(t, "//Bob"), Free: 1e12}},
			Subnets: []runtime.Subnet{
				{Netuid: 1, Owner: key(t, "//Alice"), Tempo: 50, MinWeights: 1, Neurons: neurons},
				{Netuid: 2, Owner: key(t, "//Alice"), Tempo: 50, MinWeights: 1, WeightsRateLimit: 40, CommitReveal: true, Neurons: neurons},
				{Netuid: 3, Owner: key(t, "//Alice"), Tempo: 24, MinWeights: 1, CommitReveal: true, Neurons: neurons},
			},
		},
		Seal:        devchain.Every(250 * time.Millisecond),
		FinalityLag: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	endpoint, err := node.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return node, endpoint
}

func key(t *testing.T, uri string) chain.PublicKey {
	pair, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return pair.PublicKey()
}
