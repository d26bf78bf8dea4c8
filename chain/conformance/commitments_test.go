package conformance

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"finest/chain/metadata"
	"finest/chain/subtensor"
	"finest/chain/wallet"
)

const spaceLimit = "Commitments.SpaceLimitExceeded"

// rawField is a field of at most 128 bytes as metadata encodes it.
func rawField(data []byte) metadata.Enum {
	return metadata.NewEnum(fmt.Sprint("Raw", len(data)), data)
}

// Group 4.
func testStranger(t *testing.T, n *node, s subnet) {
	n.refused(t, "Commitments.AccountNotAllowedCommit", s.stranger, "Commitments", "set_commitment", s.commitmentArgs(rawField([]byte("x"))))
}

// Group 5: sizes of fields, their number, replacement and stamp, and the space of
// an epoch.
func testCommitments(t *testing.T, n *node, s subnet) {
	by, long := s.hotkeys[0], bytes.Repeat([]byte{0xfe}, subtensor.MaxRaw)
	big := bytes.Repeat([]byte{7}, subtensor.MaxBigRaw)
	for _, c := range []struct {
		name   string
		fields []metadata.Enum
		stored []byte // as the chain's own codec writes them
	}{
		{"Raw0", []metadata.Enum{rawField([]byte{})}, []byte{1 << 2, 1}},
		{"Raw1", []metadata.Enum{rawField([]byte("a"))}, []byte{1 << 2, 2, 'a'}},
		{"Raw128", []metadata.Enum{rawField(long)}, append([]byte{1 << 2, 129}, long...)},
		{"BigRaw of 512 bytes", []metadata.Enum{metadata.NewEnum("BigRaw", big)}, append([]byte{1 << 2, 136, 0x01, 0x08}, big...)},
		{"three fields", []metadata.Enum{rawField([]byte("a")), rawField([]byte{}), rawField([]byte("bc"))}, []byte{3 << 2, 2, 'a', 1, 3, 'b', 'c'}},
	} {
		t.Run(c.name, func(t *testing.T) { n.commits(t, s, by, c.fields, c.stored) })
	}
	t.Run("four fields", func(t *testing.T) {
		before := n.commitmentOf(t, s, by)
		four := slices.Repeat([]metadata.Enum{rawField([]byte("x"))}, subtensor.MaxFields+1)
		// Some nodes cannot decode it, others name the error.
		if in, err := n.try(t, by, "Commitments", "set_commitment", s.commitmentArgs(four...)); err == nil {
			t.Errorf("block %d has a commitment of four fields", in.block.Number)
		}
		if after := n.commitmentOf(t, s, by); !bytes.Equal(before, after) {
			t.Errorf("the refused commitment changed %x to %x", before, after)
		}
	})
	t.Run("space of an epoch", func(t *testing.T) { n.fillsSpace(t, s, s.hotkeys[1]) })
}

func (n *node) commits(t *testing.T, s subnet, by *wallet.Hotkey, fields []metadata.Enum, stored []byte) {
	call, err := n.meta.Call("Commitments", "set_commitment", s.commitmentArgs(fields...))
	if err != nil && strings.Contains(err.Error(), "has no variant") {
		t.Skipf("runtime %d lacks it: %v", n.spec, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	in, err := n.send(t, n.sign(t, by, call))
	if err != nil {
		t.Fatal(err)
	}
	in.event(t, "Commitments", "Commitment")
	got := n.commitmentOf(t, s, by)
	// Deposit and block stand before the fields.
	want := binary.LittleEndian.AppendUint32(make([]byte, 8), uint32(in.block.Number))
	if want = append(want, stored...); !bytes.Equal(got, want) {
		t.Errorf("stored %x, want %x", got, want)
	}
	read, err := n.client.Commitment(t.Context(), s.id, by.PublicKey(), in.block)
	if err != nil || read == nil || read.Block != in.block.Number || len(read.Fields) != len(fields) {
		t.Errorf("client reads %+v, %v; want %d fields of block %d", read, err, len(fields), in.block.Number)
	}
}

// commitmentOf is the stored commitment after the newest block.
func (n *node) commitmentOf(t *testing.T, s subnet, by *wallet.Hotkey) []byte {
	t.Helper()
	return n.raw(t, n.head(t).Hash, storageKey(t, n.item(t, "Commitments", "CommitmentOf"), s.id, by.PublicKey()))
}

// An epoch holds 31 commitments of at most 100 bytes each; the next one is refused.
func (n *node) fillsSpace(t *testing.T, s subnet, by *wallet.Hotkey) {
	const most = 31
	var epoch any
	for made, all := 0, 0; ; made, all = made+1, all+1 {
		_, err := n.try(t, by, "Commitments", "set_commitment", s.commitmentArgs(rawField(fmt.Appendf(nil, "commitment %d", all))))
		var r *refusal
		if errors.As(err, &r) && r.is(spaceLimit) {
			if made != most {
				t.Errorf("an epoch took %d commitments, want %d", made, most)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		used, ok := n.read(t, "Commitments", "UsedSpaceOf", s.id, by.PublicKey()).(metadata.Record)
		if !ok || made > most {
			t.Fatalf("commitment %d is taken, used space is %v", made+1, used)
		}
		if now := used.Get("last_epoch"); now != epoch {
			epoch, made = now, 0 // a new epoch began with this one
		}
	}
}
