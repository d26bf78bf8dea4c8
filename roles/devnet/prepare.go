package devnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/wallet"
	"finest/internal/canon"
	"finest/internal/durable"
	"finest/pipeline/recipes"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
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
	// token is good for the hub as any other is.
	token = "hf_devnet"
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

// UID returns the uid of an actor or validator, -1 if there is none of that name.
func UID(name string) int { return slices.Index(keyNames(), name) }

// Layout is where a devnet keeps things.
type Layout struct {
	Dir string
	// BlockTime is the time of a block of its chain.
	BlockTime time.Duration
	// DB is the database of the task server, a postgres:// URL; "" for a file in
	// Dir. It is not noted in Dir: whoever opens the devnet again has to know it.
	DB string
}

// Config is a configuration file for the commands of the roles.
func (l Layout) Config() string { return filepath.Join(l.Dir, "config.toml") }

// walletsDir holds the keys.
func (l Layout) walletsDir() string { return filepath.Join(l.Dir, "wallets") }

// crawlDir holds the WARC files, one per actor.
func (l Layout) crawlDir() string { return filepath.Join(l.Dir, "crawl") }

// chainDir holds the chain.
func (l Layout) chainDir() string { return filepath.Join(l.Dir, "chain") }

// hubDir holds what is published on the hub.
func (l Layout) hubDir() string { return filepath.Join(l.Dir, "hub") }

// tokenFile holds the token for the hub.
func (l Layout) tokenFile() string { return filepath.Join(l.Dir, "hub-token") }

// store is the task server's.
func (l Layout) store() string { return cmp.Or(l.DB, filepath.Join(l.Dir, "tasks.db")) }

// stateDir holds the state of a role.
func (l Layout) stateDir(role string) string { return filepath.Join(l.Dir, "state", role) }

// marker is written last when a devnet is made.
func (l Layout) marker() string { return filepath.Join(l.Dir, "devnet.json") }

// mark is what the marker holds.
type mark struct {
	BlockTime int64 `json:"block_time_ms"`
}

// Open finds the devnet that Prepare made in a folder. The error wraps
// fs.ErrNotExist where there is none.
func Open(dir string) (Layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Layout{}, err
	}
	l := Layout{Dir: dir}
	raw, err := os.ReadFile(l.marker())
	if err != nil {
		return l, fmt.Errorf("open the devnet in %s: %w", dir, err)
	}
	var m mark
	if err := canon.Unmarshal(raw, &m); err != nil {
		return l, fmt.Errorf("open the devnet in %s: %s: %w", dir, filepath.Base(l.marker()), err)
	}
	if m.BlockTime <= 0 {
		return l, fmt.Errorf("open the devnet in %s: a block takes %d ms", dir, m.BlockTime)
	}
	l.BlockTime = time.Duration(m.BlockTime) * time.Millisecond
	return l, nil
}

// Prepare makes a devnet in an empty or missing folder: the input cut into one
// WARC file per actor, keys, a chain with everybody registered, and the task
// server's store. The time of a block is in whole milliseconds.
func Prepare(ctx context.Context, l Layout, inputs []string) (_ Layout, err error) {
	if l.Dir, err = filepath.Abs(l.Dir); err != nil {
		return l, err
	}
	if entries, err := os.ReadDir(l.Dir); err == nil && len(entries) > 0 {
		return l, fmt.Errorf("prepare a devnet in %s: %w", l.Dir, ErrNotEmpty)
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
	if _, err := cut(warcs, l.crawlDir(), names); err != nil {
		return l, err
	}
	if err := l.makeChain(); err != nil {
		return l, err
	}
	if err := l.makeTasks(ctx); err != nil {
		return l, err
	}
	raw, err := canon.Marshal(mark{l.BlockTime.Milliseconds()})
	if err != nil {
		return l, err
	}
	return l, durable.WriteBytes(l.marker(), 0o644, raw)
}

// ErrNotEmpty says that there is something in the folder of a new devnet.
var ErrNotEmpty = errors.New("the folder is not empty")

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

func (l Layout) makeChain() error {
	subnet := runtime.Subnet{Netuid: Netuid, Tempo: 120, WeightsRateLimit: 1}
	for _, name := range keyNames() {
		key, err := wallet.Create(l.walletsDir(), walletName, name)
		if err != nil {
			return err
		}
		subnet.Neurons = append(subnet.Neurons, runtime.Neuron{
			Hotkey: key.PublicKey(), Coldkey: key.PublicKey(), Stake: stake, Permit: slices.Contains(validators, name),
		})
		if name == ownerName {
			subnet.Owner = key.PublicKey()
		}
	}
	return devchain.Create(l.chainDir(), devchain.Options{
		Genesis: runtime.Config{BlockTime: l.BlockTime, Subnets: []runtime.Subnet{subnet}}, FinalityLag: finalityLag,
	})
}

func (l Layout) makeTasks(ctx context.Context) error {
	files, err := catalogue.Folder(l.crawlDir())
	if err != nil {
		return err
	}
	crawl, tasks, err := catalogue.Tasks(Crawl, files, 1)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(ctx, l.store(), sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	_, err = engine.ForOperator(store).Import(ctx, 0, crawl, tasks)
	return err
}

// headAge is how old the task server's newest block may be: well below a block.
func (l Layout) headAge() time.Duration { return l.BlockTime / 5 }

func (l Layout) config(s Services) string {
	return fmt.Sprintf(`# Settings of a devnet for the commands of the roles, while it runs:
#   finest inspect-commit --config %[1]s UID
# Every finest devnet writes this file anew.
netuid = %[2]d
protocol = "devnet"
hub = %[3]q
hub-token-file = %[12]q
db = %[4]q
task-server = %[5]q
start-block = 1
from-block = 1
head-age = "%[6]s"
block-time = "%[13]s"
every-blocks = 4
recipe = %[7]q
recipes = [%[7]q]

[warc]
base = %[8]q

[subtensor]
chain_endpoint = [%[9]q]

[wallet]
path = %[10]q
name = %[11]q
`, l.Config(), Netuid, s.Hub, l.store(), s.Tasks, l.headAge(), recipes.FineWebNoLists, s.Files, s.Chain, l.walletsDir(), walletName,
		l.tokenFile(), l.BlockTime)
}
