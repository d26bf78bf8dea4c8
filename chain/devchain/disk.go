package devchain

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/internal/durable"
)

// Files of a chain's folder. A copy of the folder is a clone of the chain.
const (
	genesisFile = "genesis.json"
	journalFile = "blocks.journal"
	lockFile    = "lock"
)

// ErrExists says that the folder holds a chain already.
var ErrExists = errors.New("a chain exists")

// ErrReplay says that the blocks on disk do not come out as they were: another
// version of the program made them, by other rules.
var ErrReplay = errors.New("blocks do not replay to what they were")

// folderVersion is that of the form of the files.
const folderVersion = 1

// folderJSON is the content of genesis.json. It holds the seed of the chain, so
// that only its owner may read it.
type folderJSON struct {
	Version     int            `json:"version"`
	FinalityLag uint64         `json:"finality_lag"`
	Genesis     runtime.Config `json:"genesis"`
}

// entryJSON is one block in the journal.
type entryJSON struct {
	Hash   string `json:"hash"`
	Parent string `json:"parent"`
	Time   int64  `json:"time"` // Unix time, ms
	// Final is the number of the newest final block before this one.
	Final uint64 `json:"final"`
	// Extrinsics are the signed ones; the inherent follows from Time.
	Extrinsics []string     `json:"extrinsics,omitempty"`
	Changes    []changeJSON `json:"changes,omitempty"`
}

// changeJSON is a change by hand: key, and value or null.
type changeJSON [2]*string

// disk is the folder of a chain, open for this process alone.
type disk struct {
	lock    *durable.Lock
	journal *durable.Journal
}

// Create makes a chain with Genesis and FinalityLag in a folder, for Open. A seed
// of zeros is replaced by a random one. It fails with ErrExists if there is a
// chain; an attempt that was cut short leaves none.
func Create(dir string, o Options) error {
	if err := o.defaults(); err != nil {
		return fmt.Errorf("create devchain in %s: %w", dir, err)
	}
	lock, err := durable.TryLock(filepath.Join(dir, lockFile))
	if err != nil {
		return fmt.Errorf("create devchain: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	path := filepath.Join(dir, genesisFile)
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("create devchain in %s: %w", dir, ErrExists)
	}
	if o.Genesis.Seed == [32]byte{} {
		if _, err := rand.Read(o.Genesis.Seed[:]); err != nil {
			return fmt.Errorf("create devchain in %s: %w", dir, err)
		}
	}
	raw, err := json.Marshal(folderJSON{folderVersion, o.FinalityLag, o.Genesis})
	if err != nil {
		return fmt.Errorf("create devchain in %s: %w", dir, err)
	}
	if err := durable.WriteBytes(path, 0o600, raw); err != nil {
		return fmt.Errorf("create devchain: %w", err)
	}
	return nil
}

// Open goes on with the chain in a folder that Create made. One process at a time
// may have it open; a block that anyone was told of survives a kill.
func Open(dir string, o Options) (*Node, error) {
	n, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open devchain in %s: %w", dir, err)
	}
	n.start()
	return n, nil
}

func open(dir string, o Options) (_ *Node, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return nil, err
	}
	var folder folderJSON
	if err := json.Unmarshal(raw, &folder); err != nil {
		return nil, fmt.Errorf("%s: %w", genesisFile, err)
	}
	if folder.Version != folderVersion {
		return nil, fmt.Errorf("%s is of version %d, this program reads %d", genesisFile, folder.Version, folderVersion)
	}
	o.Genesis, o.FinalityLag = folder.Genesis, folder.FinalityLag
	if err := o.defaults(); err != nil {
		return nil, fmt.Errorf("%s: %w", genesisFile, err)
	}
	d := &disk{}
	if d.lock, err = durable.TryLock(filepath.Join(dir, lockFile)); err != nil {
		return nil, err
	}
	journal, entries, err := durable.OpenJournal(filepath.Join(dir, journalFile))
	if err != nil {
		return nil, errors.Join(err, d.lock.Unlock())
	}
	d.journal = journal
	n := newNode(o)
	for i, raw := range entries {
		if err := n.replay(raw); err != nil {
			n.quit()
			return nil, errors.Join(fmt.Errorf("%s, entry %d: %w", journalFile, i+1, err), d.close())
		}
	}
	n.finalize()
	n.disk = d
	return n, nil
}

// replay puts a block of the journal in the tree. A branch becomes part of the
// best chain when it is the longest, as it did when it was made.
func (n *Node) replay(raw []byte) error {
	var e entryJSON
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	b, err := n.rebuild(e)
	if err != nil {
		return err
	}
	n.tree[b.hash] = b
	if b.number() <= n.head().number() {
		return nil
	}
	branch := []*block{b}
	for {
		parent := n.tree[branch[0].header.parent]
		if parent == n.best[parent.number()] {
			break
		}
		branch = append([]*block{parent}, branch...)
	}
	n.best = append(n.best[:branch[0].number()], branch...)
	for _, hash := range b.hashes[inherents:] {
		n.pool.included(hash, b.number())
	}
	n.finalTo(max(e.Final, n.final))
	return nil
}

// rebuild makes a block of the journal again.
func (n *Node) rebuild(e entryJSON) (*block, error) {
	var parentHash hashParam
	if err := parentHash.UnmarshalText([]byte(e.Parent)); err != nil {
		return nil, err
	}
	parent := n.tree[chain.Hash(parentHash)]
	if parent == nil || parent.state == nil {
		return nil, fmt.Errorf("parent %s of the block is not known", e.Parent)
	}
	b := n.begin(parent, time.UnixMilli(e.Time).UTC())
	for _, c := range e.Changes {
		var key, value hexParam
		if c[0] == nil || key.UnmarshalText([]byte(*c[0])) != nil {
			return nil, errors.New("a change has no key")
		}
		one := change{key: key}
		if c[1] != nil {
			if err := value.UnmarshalText([]byte(*c[1])); err != nil {
				return nil, err
			}
			one.value = append([]byte{}, value...)
		}
		b.changes = append(b.changes, one)
	}
	redo(b.changes)(b.state)
	for _, text := range e.Extrinsics {
		xt, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		if err := b.add(n.runtime(parent), xt); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrReplay, err)
		}
	}
	n.finish(parent, b)
	if b.hash.String() != e.Hash {
		return nil, fmt.Errorf("%w: block %d has the hash %s, had %s", ErrReplay, b.number(), b.hash, e.Hash)
	}
	return b, nil
}

// append writes a block when final is the newest final one.
func (d *disk) append(b *block, final uint64) error {
	e := entryJSON{Hash: b.hash.String(), Parent: b.header.parent.String(), Time: b.time.UnixMilli(), Final: final}
	for _, xt := range b.body[inherents:] {
		e.Extrinsics = append(e.Extrinsics, hex.EncodeToString(xt))
	}
	for _, c := range b.changes {
		e.Changes = append(e.Changes, changeJSON(pair(c.key, c.value)))
	}
	return d.journal.Append(encode(e))
}

func (d *disk) close() error { return errors.Join(d.journal.Close(), d.lock.Unlock()) }
