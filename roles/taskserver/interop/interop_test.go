package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// limit of the whole test, which takes a few seconds on two cores.
	limit     = 4 * time.Minute
	crawl     = "CC-TEST-2024-10"
	tasks     = 5
	deadline  = 7200
	slots     = 2
	blockTime = 100 * time.Millisecond
)

var recipe = contract.RecipeRef{Name: "fineweb", Hash: strings.Repeat("f", 64)}

func TestGeneratedClient(t *testing.T) {
	bin := filepath.Join(installed(t), "bin")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	server := newServer(t)
	url := serve(ctx, t, server)
	dir := t.TempDir()
	document := filepath.Join(dir, "openapi.json")
	fetch(ctx, t, url+"/v1/openapi.json", document)

	if out := run(ctx, t, nil, filepath.Join(bin, "python"), "-m", "openapi_spec_validator", "--schema", "3.1", document); !strings.HasSuffix(out, "OK\n") {
		t.Fatalf("the document is not OpenAPI 3.1: %s", out)
	}
	run(ctx, t, nil, filepath.Join(bin, "openapi-python-client"), "generate", "--path", document,
		"--output-path", filepath.Join(dir, "generated"), "--meta", "none", "--config", "generator.yaml", "--fail-on-warning")
	config := filepath.Join(dir, "config.json")
	write(t, config, map[string]any{
		"url": url, "crawl": crawl, "tasks": tasks, "deadline": deadline, "slots": slots, "recipe": recipe.Name,
		"server": identity(t, "server"), "miner": identity(t, "miner"), "other": identity(t, "other"), "validator": identity(t, "validator"),
	})
	run(ctx, t, []string{"PYTHONPATH=" + dir, "PYTHONDONTWRITEBYTECODE=1"}, filepath.Join(bin, "python"), "client.py", config)
}

// installed returns the virtual environment that setup.sh makes, or skips the
// test if it is not there.
func installed(t *testing.T) string {
	folder := os.Getenv("FINEST_INTEROP")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no cache folder, and FINEST_INTEROP is not set: ", err)
		}
		folder = filepath.Join(cache, "finest", "interop")
	}
	venv := filepath.Join(folder, "taskserver", "venv")
	want, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(venv, "requirements.txt")); err != nil || !bytes.Equal(got, want) {
		t.Skipf("%s does not have what requirements.txt lists: run roles/taskserver/interop/setup.sh", venv)
	}
	return venv
}

// run runs a program, logs what it prints and returns it.
func run(ctx context.Context, t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), env...)
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		all.WriteString(lines.Text() + "\n")
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%s: %v", filepath.Base(program), err)
	}
	return all.String()
}

func fetch(ctx context.Context, t *testing.T, url, file string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, file string, value any) {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// movingChain has a new final block every blockTime, and three hotkeys.
type movingChain struct {
	chain.Client // nil: whatever else is called panics
	begin        time.Time
	neurons      []chain.Neuron
}

func (c *movingChain) Finalized(context.Context) (chain.Block, error) {
	b := chain.Block{Number: 1000 + uint64(time.Since(c.begin)/blockTime)}
	copy(b.Hash[:], fmt.Sprintf("hash of block %d", b.Number))
	return b, nil
}

func (c *movingChain) Neurons(context.Context, uint16, chain.Block) ([]chain.Neuron, error) {
	return slices.Clone(c.neurons), nil
}

// seed makes a key of a name that Python can make, too.
func seed(name string) []byte { return []byte(fmt.Sprintf("%-32s", name)) }

func key(t *testing.T, name string) *wallet.Hotkey {
	t.Helper()
	secret, err := wallet.SecretFromSeed(seed(name))
	if err != nil {
		t.Fatal(err)
	}
	return secret.Key()
}

// identity is what the script is told of a key.
func identity(t *testing.T, name string) map[string]string {
	k := key(t, name)
	public := k.PublicKey()
	return map[string]string{"seed": hex.EncodeToString(seed(name)), "address": k.Address(), "key": hex.EncodeToString(public[:])}
}

// newServer is a task server with five tasks.
func newServer(t *testing.T) *taskserver.Server {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "tasks.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	blocks := &movingChain{begin: time.Now()}
	for uid, name := range []string{"miner", "other", "validator"} {
		blocks.neurons = append(blocks.neurons, chain.Neuron{UID: uint16(uid), Hotkey: key(t, name).PublicKey(),
			Coldkey: key(t, name+" cold").PublicKey(), Stake: 1000, Permit: name == "validator"})
	}
	server, err := taskserver.New(taskserver.Options{
		Store: store, Chain: blocks, Netuid: 1, Keys: []taskserver.Key{{Signer: key(t, "server")}}, MinClient: 1,
		BlockTime: blockTime, HeadAge: blockTime / 4,
		Rules: engine.Rules{DeadlineBlocks: deadline, ConfirmBlocks: deadline, Slots: slots, ColdkeySlots: slots, MaxAttempts: 5,
			Recipes: []contract.RecipeActivation{{RecipeRef: recipe}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var files []contract.InputFile
	for i := range tasks {
		files = append(files, contract.InputFile{Path: fmt.Sprintf("crawl-data/%s/%05d.warc.gz", crawl, i), Bytes: 1 << 30})
	}
	addTasks(t, server.Engine(), files)
	return server
}

func addTasks(t *testing.T, e *engine.Engine, files []contract.InputFile) {
	t.Helper()
	list, err := catalogue.New(files)
	if err != nil {
		t.Fatal(err)
	}
	c, ready, err := catalogue.Tasks(crawl, list, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Import(t.Context(), 1000, c, ready); err != nil {
		t.Fatal(err)
	}
}

// serve serves until the test ends.
func serve(ctx context.Context, t *testing.T, server *taskserver.Server) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}
