package devnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"finest/chain/localchain"
	"finest/chain/wallet"
	"finest/internal/durable"
	"finest/pipeline/recipes"
	"finest/roles/taskserver"
	"finest/roles/taskserver/sqlite"
)

const (
	// Netuid is the subnet of every devnet.
	Netuid = 1
	// Crawl is what its input is called.
	Crawl = "DEVNET"
	// DefaultBlockTime is the time of a block.
	DefaultBlockTime = 250 * time.Millisecond
	finalityLag      = 2

	walletName = "devnet"
	ownerName  = "owner"
	stake      = 10_000_000_000_000 // rao
)

// validators look at different slices and share the frauds they find. The first
// one's weights are the leaderboard.
var validators = []string{"validator", "validator-2"}

// keyNames are all hotkeys, by uid.
func keyNames() []string {
	names := append([]string{ownerName}, validators...)
	for _, a := range actors {
		names = append(names, a.name)
	}
	return names
}

// Layout is where a devnet keeps things.
type Layout struct{ Dir string }

// Crawl holds the WARC files, one per actor.
func (l Layout) Crawl() string { return filepath.Join(l.Dir, "crawl") }

// Chain holds the local chain.
func (l Layout) Chain() string { return filepath.Join(l.Dir, "chain") }

// Hub holds the local hub.
func (l Layout) Hub() string { return filepath.Join(l.Dir, "hub") }

// Wallets holds the keys.
func (l Layout) Wallets() string { return filepath.Join(l.Dir, "wallets") }

// Tasks is the task server's store.
func (l Layout) Tasks() string { return filepath.Join(l.Dir, "tasks.db") }

// State holds the state of a role.
func (l Layout) State(role string) string { return filepath.Join(l.Dir, "state", role) }

// Config is a configuration file for the commands of the roles.
func (l Layout) Config() string { return filepath.Join(l.Dir, "config.toml") }

// Prepare makes a devnet in an empty or missing folder: the input cut into one
// WARC file per actor, keys, a chain with everybody registered, an empty hub,
// the task server's store, and a configuration file that points at all of it.
func Prepare(ctx context.Context, dir string, inputs []string, blockTime time.Duration) (Layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{dir}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return l, fmt.Errorf("prepare a devnet in %s: the folder is not empty", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	warcs, err := warcFiles(inputs)
	if err != nil {
		return l, err
	}
	var names []string
	for i := range actors {
		names = append(names, fmt.Sprintf("part-%05d.warc.gz", i))
	}
	if _, err := cut(warcs, l.Crawl(), names); err != nil {
		return l, err
	}
	if err := l.makeChain(blockTime); err != nil {
		return l, err
	}
	if err := l.makeTasks(ctx); err != nil {
		return l, err
	}
	return l, durable.WriteBytes(l.Config(), 0o644, []byte(l.config(blockTime)))
}

// warcFiles finds the WARC files among files and folders.
func warcFiles(inputs []string) ([]string, error) {
	var out []string
	for _, input := range inputs {
		before := len(out)
		root, err := filepath.EvalSymlinks(input) // WalkDir follows no link
		if err != nil {
			return nil, fmt.Errorf("find the input: %w", err)
		}
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if path == root || strings.HasSuffix(path, ".warc") || strings.HasSuffix(path, ".warc.gz") {
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find the input: %w", err)
		}
		if len(out) == before {
			return nil, fmt.Errorf("find the input: no *.warc or *.warc.gz under %s", input)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (l Layout) makeChain(blockTime time.Duration) error {
	subnet := localchain.SubnetConfig{Netuid: Netuid, Tempo: 120, WeightsRateLimit: 1}
	for _, name := range keyNames() {
		key, err := wallet.Create(l.Wallets(), walletName, name)
		if err != nil {
			return err
		}
		r := localchain.Registration{Hotkey: key.PublicKey(), Coldkey: key.PublicKey(), Stake: stake}
		r.Permit = slices.Contains(validators, name)
		subnet.Neurons = append(subnet.Neurons, r)
		if name == ownerName {
			subnet.Owner = key.PublicKey()
		}
	}
	return localchain.Create(l.Chain(), localchain.Config{
		BlockTime: blockTime, FinalityLag: finalityLag, Subnets: []localchain.SubnetConfig{subnet},
	}, localchain.SystemClock{})
}

func (l Layout) makeTasks(ctx context.Context) error {
	catalogue, err := taskserver.FolderCatalogue(l.Crawl())
	if err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, l.Tasks())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	_, err = taskserver.Import(ctx, store, Crawl, catalogue.Files, catalogue.SHA256, 1)
	return err
}

// headAge is how old the task server's newest block may be: well below a block.
func headAge(blockTime time.Duration) time.Duration { return blockTime / 5 }

func (l Layout) config(blockTime time.Duration) string {
	return fmt.Sprintf(`# Settings of a devnet for the commands of the roles:
#   finest inspect-commit --config %[1]s UID
netuid = %[2]d
protocol = "devnet"
hub = "file:%[3]s"
db = %[4]q
task-server = "http://127.0.0.1:8733"
start-block = 1
from-block = 1
head-age = "%[9]s"
every-blocks = 4
recipe = %[10]q
recipes = [%[10]q]

[warc]
base = %[5]q

[subtensor]
chain_endpoint = "file:%[6]s"

[wallet]
path = %[7]q
name = %[8]q
`, l.Config(), Netuid, l.Hub(), l.Tasks(), l.Crawl(), l.Chain(), l.Wallets(), walletName, headAge(blockTime), recipes.FineWebNoLists)
}
