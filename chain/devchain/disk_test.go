package devchain_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/internal/durable"
)

func create(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := devchain.Create(dir, devchain.Options{Genesis: config(t), FinalityLag: lag}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *devchain.Node {
	t.Helper()
	n, err := devchain.Open(dir, devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func shut(t testing.TB, n *devchain.Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// hashes are those of all blocks of the best chain.
func hashes(t testing.TB, n *devchain.Node) (all []chain.Hash) {
	t.Helper()
	w := connect(t, n)
	for number := range n.Head().Number + 1 {
		all = append(all, w.hash(number))
	}
	return all
}

// live lets happen whatever a chain keeps.
func live(t testing.TB, n *devchain.Node) {
	t.Helper()
	w := connect(t, n)
	alice := key(t, "//Alice")
	w.call(nil, "author_submitExtrinsic", w.remark(alice, "first"))
	n.Edit(func(s *runtime.State) { s.Set([]byte("by hand"), []byte{}) })
	n.Seal(3)
	n.Faults().HoldFinality(true)
	w.call(nil, "author_submitExtrinsic", w.remark(alice, "moves"))
	if err := n.Faults().Reorg(3); err != nil {
		t.Fatal(err)
	}
	n.Faults().Upgrade(runtime.V2)
	n.Seal(2)
	w.call(nil, "dev_setStorage", [][2]any{{fmt.Sprintf("0x%x", "by hand"), nil}, {"0x01", "0x02"}})
}

func TestReopen(t *testing.T) {
	dir := create(t)
	n := open(t, dir)
	live(t, n)
	want, final := hashes(t, n), n.Finalized()
	shut(t, n)
	n = open(t, dir)
	got := hashes(t, n)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("reopened with\n%v, want\n%v", got, want)
	}
	if n.Finalized().Number < final.Number {
		t.Errorf("block %d is final, before %d was", n.Finalized().Number, final.Number)
	}
	w := connect(t, n)
	w.call(nil, "author_submitExtrinsic", w.remark(key(t, "//Alice"), "goes on"))
	if n.Head().Number <= uint64(len(want)) {
		t.Errorf("no block after %d", n.Head().Number)
	}
}

// A copy of the folder is a chain that goes on by itself.
func TestClone(t *testing.T) {
	dir := create(t)
	n := open(t, dir)
	live(t, n)
	other := filepath.Join(t.TempDir(), "clone")
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	clone := open(t, other)
	if clone.Head() != n.Head() {
		t.Fatalf("the clone is at %v, the chain at %v", clone.Head(), n.Head())
	}
	clone.Seal(1)
	if clone.Head().Number != n.Head().Number+1 {
		t.Error("clone and chain are one")
	}
}

func TestOneProcess(t *testing.T) {
	dir := create(t)
	open(t, dir)
	if _, err := devchain.Open(dir, devchain.Options{}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a folder that is open: %v", err)
	}
	if err := devchain.Create(dir, devchain.Options{Genesis: config(t)}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("create in a folder that is open: %v", err)
	}
}

func TestCreateTwice(t *testing.T) {
	dir := create(t)
	if err := devchain.Create(dir, devchain.Options{Genesis: config(t)}); !errors.Is(err, devchain.ErrExists) {
		t.Errorf("a second chain in one folder: %v", err)
	}
	if _, err := devchain.Open(t.TempDir(), devchain.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "genesis.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the seed has mode %v (%v)", info.Mode(), err)
	}
}

// Whatever a kill leaves of the last entry is dropped; damage before it is not.
func TestTornJournal(t *testing.T) {
	dir := create(t)
	n := open(t, dir)
	n.Seal(3)
	want := hashes(t, n)
	shut(t, n)
	path := filepath.Join(dir, "blocks.journal")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(strings.TrimSuffix(string(raw), "\n"), "\n") + 1
	for _, cut := range []int{last + 1, (last + len(raw)) / 2, len(raw) - 1} {
		if err := os.WriteFile(path, raw[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		n := open(t, dir)
		if got := n.Head(); got.Hash != want[2] {
			t.Errorf("cut at byte %d the chain is at block %d", cut, got.Number)
		}
		shut(t, n)
	}
	raw[20] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devchain.Open(dir, devchain.Options{}); !errors.Is(err, durable.ErrCorrupt) {
		t.Errorf("a damaged journal: %v", err)
	}
}

// Blocks that come out otherwise than they were are no chain to go on with.
func TestReplayDiffers(t *testing.T) {
	dir := create(t)
	n := open(t, dir)
	n.Seal(1)
	shut(t, n)
	path := filepath.Join(dir, "genesis.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(raw), `"tempo":100`, `"tempo":101`, 1)
	if changed == string(raw) {
		t.Fatalf("no tempo in %s", raw)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devchain.Open(dir, devchain.Options{}); err == nil {
		t.Error("a chain with another genesis was opened")
	}
}

// A chain that is killed with -9 goes on with every block that anyone was told of.
func TestKill(t *testing.T) {
	dir := create(t)
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var told string
		lines := bufio.NewScanner(out)
		for range 20 {
			if !lines.Scan() {
				t.Fatal("the process ended")
			}
			told = lines.Text()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			told = lines.Text()
		}
		_ = cmd.Wait() // it was killed
		n := open(t, dir)
		var number uint64
		var hash string
		if _, err := fmt.Sscan(told, &number, &hash); err != nil {
			t.Fatalf("%q: %v", told, err)
		}
		if all := hashes(t, n); uint64(len(all)) <= number || all[number].String() != hash {
			t.Errorf("block %d, hash %s, is gone; the chain is at %d", number, hash, n.Head().Number)
		}
		shut(t, n)
	}
}

// envDir makes this test binary a node that makes blocks in the folder until it
// is killed, and tells of each.
const envDir = "DEVCHAIN_TEST_DIR"

func sealUntilKilled(dir string) int {
	n, err := devchain.Open(dir, devchain.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		n.Seal(1)
		fmt.Printf("%d %s\n", n.Head().Number, n.Head().Hash)
	}
}

// Nobody knows the hashes of a chain in a folder before its blocks.
func TestCreateDrawsSeed(t *testing.T) {
	if a, b := open(t, create(t)), open(t, create(t)); a.Head() == b.Head() {
		t.Error("two chains have one block 0")
	}
}
