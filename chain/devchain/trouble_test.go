package devchain_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
)

// patience is how long something may take that must not wait for ever.
const patience = 20 * time.Second

// within fails the test unless f returns.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s did not return", what)
	}
}

// A change by hand that panics, or ends its goroutine as a failed test does, must
// not leave the node locked: what ends the test would wait for ever.
func TestEditThatPanics(t *testing.T) {
	n, err := devchain.New(devchain.Options{Genesis: config(t), FinalityLag: lag})
	if err != nil {
		t.Fatal(err)
	}
	n.Edit(func(*runtime.State) { panic("no such neuron") })
	func() {
		defer func() { _ = recover() }()
		n.Seal(1)
	}()
	within(t, "Close", func() {
		n.Seal(1)
		if head := n.Head().Number; head != 1 {
			t.Errorf("head %d after an edit that failed and one more block", head)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What panics while a client is answered ends the making of blocks, and Close
// says so: nobody else would.
func TestPanicWhileAnswering(t *testing.T) {
	n, err := devchain.New(devchain.Options{Genesis: config(t), FinalityLag: lag})
	if err != nil {
		t.Fatal(err)
	}
	w := connect(t, n)
	n.Edit(func(*runtime.State) { panic("no such neuron") })
	if _, err := w.try("dev_newBlock"); err == nil {
		t.Error("a block was made by an edit that panics")
	}
	if _, err := connect(t, n).try("dev_newBlock"); err == nil || !strings.Contains(err.Error(), "makes no more blocks") {
		t.Errorf("the next client is told %v", err)
	}
	within(t, "Close", func() {
		if err := n.Close(); err == nil || !strings.Contains(err.Error(), "no such neuron") {
			t.Errorf("Close returned %v", err)
		}
	})
}

// A client can write what no pallet writes; a key cut short names no subnet.
func TestSetStorageOfKeysCutShort(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	for name, keys := range map[string][]any{"NetworksAdded": nil, "TimelockedWeightCommits": {netuid}} {
		item, err := w.meta().StorageItem("SubtensorModule", name)
		if err != nil {
			t.Fatal(err)
		}
		key, err := item.Key(keys...)
		if err != nil {
			t.Fatal(err)
		}
		w.call(nil, "dev_setStorage", [][2]string{{hex.EncodeToString(key), "0x01"}})
		w.call(nil, "dev_newBlock")
	}
}
