package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// Sizes of the world.
const (
	miners          = 1000
	hotkeysPerOwner = 3
	validators      = 7
	tasksAtFirst    = 120
	recipe          = "fineweb"
)

// Rules are the terms of the world: short leases, so that much happens.
func Rules() engine.Rules {
	return engine.Rules{
		DeadlineBlocks: 100, ConfirmBlocks: 60, Slots: 4, ColdkeySlots: 8, MaxAttempts: 4,
		Recipes: []contract.RecipeActivation{
			{RecipeRef: contract.RecipeRef{Name: recipe, Hash: strings.Repeat("a", 64)}},
			{RecipeRef: contract.RecipeRef{Name: recipe, Hash: strings.Repeat("b", 64)}, FromBlock: 2000},
		},
	}
}

// Sign stands in for the server's key.
func Sign(r contract.Receipt) (contract.Receipt, error) {
	r.Server = Address("server")
	raw, err := canon.Marshal(r.Unsigned())
	if err != nil {
		return r, err
	}
	r.Signature = strings.Repeat(canon.Sum(raw), 2)
	return r, r.Validate()
}

// Address makes up an address of the form of SS58.
func Address(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "5" + strings.NewReplacer("0", "Z").Replace(hex.EncodeToString(sum[:])[:46])
}

// BlockHash is the hash of a block.
func BlockHash(number uint64) chain.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, number))
}

// Tasks divides a made-up crawl into n tasks of two files, whose sizes are known
// if sized.
func Tasks(name string, n int, sized bool) (engine.Crawl, []engine.Task) {
	tasks := make([]engine.Task, n)
	for i := range tasks {
		tasks[i].ID = contract.TaskID(name, i)
		for j := range 2 {
			f := contract.InputFile{Path: fmt.Sprintf("%s/%06d-%d.warc.gz", name, i, j)}
			if sized {
				f.Bytes = int64(1000 + i)
			}
			tasks[i].Files = append(tasks[i].Files, f)
		}
	}
	sum := sha256.Sum256([]byte(name))
	return engine.Crawl{Name: name, CatalogueSHA256: hex.EncodeToString(sum[:]), FilesPerTask: 2}, tasks
}

// world is the engine under test and what its answers and its log have told so
// far.
type world struct {
	ctx    context.Context
	store  *faulty
	engine *engine.Engine
	books  *books.Books
	people people

	head  uint64
	clock time.Time
	uuids int
	// sent are requests that were answered and may be replayed.
	sent []replay
	// receipts are leases that were granted, results what was submitted.
	receipts []contract.Receipt
	results  []contract.SubmitRequest
	// newest is until when nobody else may get a task, by the log.
	newest map[string]fence
	crawls int
	// seen counts what happened: operations of entries, refusals.
	seen map[string]int
}

type fence struct {
	generation int64
	deadline   uint64
	released   bool
}

// replay is a request that was answered.
type replay struct {
	until time.Time
	again func() error
}

// people are the hotkeys of the world.
type people struct {
	miners []person
	number map[string]int // of a miner's address
	judges []person
}

type person struct {
	hotkey, coldkey string
	key             chain.PublicKey
}

func newPeople() people {
	p := people{number: make(map[string]int)}
	for n := range miners {
		one := newPerson(fmt.Sprintf("miner %d", n), fmt.Sprintf("owner %d", n/hotkeysPerOwner))
		p.number[one.hotkey] = n
		p.miners = append(p.miners, one)
	}
	for n := range validators {
		p.judges = append(p.judges, newPerson(fmt.Sprintf("validator %d", n), fmt.Sprintf("validator owner %d", n)))
	}
	return p
}

func newPerson(hotkey, coldkey string) person {
	return person{Address(hotkey), Address(coldkey), sha256.Sum256([]byte(hotkey))}
}

func newWorld(ctx context.Context, store engine.Store, p people) (*world, error) {
	w := &world{ctx: ctx, store: &faulty{Store: store}, books: books.New(), people: p, head: 1000,
		clock: time.Unix(1_800_000_000, 0), newest: make(map[string]fence), seen: make(map[string]int)}
	var err error
	if w.engine, err = engine.New(w.store, Rules(), Sign); err != nil {
		return nil, err
	}
	for _, sized := range []bool{true, false} {
		if err := w.load(tasksAtFirst, sized); err != nil {
			return nil, err
		}
	}
	_, err = w.observe()
	return w, err
}

// load imports one more crawl.
func (w *world) load(n int, sized bool) error {
	crawl, tasks := Tasks(fmt.Sprintf("crawl-%d", w.crawls), n, sized)
	w.crawls++
	_, err := w.engine.Import(w.ctx, w.head, crawl, tasks)
	return err
}

// request returns a request with a new UUID.
func (w *world) request(p person) engine.Request {
	w.uuids++
	return engine.Request{
		Head:   chain.Block{Number: w.head, Hash: BlockHash(w.head)},
		Hotkey: p.hotkey, Coldkey: p.coldkey, Key: p.key,
		UUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", w.uuids), Until: w.clock.Add(time.Minute),
	}
}
