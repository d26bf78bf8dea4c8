package runtime

import (
	"encoding/binary"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// exec is one step of a block: its start, one extrinsic, or its end.
type exec struct {
	*Runtime
	s     *State
	phase []byte // encoded frame_system::Phase, which events carry
}

// Phases of a block (frame_system::Phase).
var (
	finalizing   = []byte{1}
	initializing = []byte{2}
)

func applying(index uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{0}, index) }

// block is the number of the block being made.
func (x *exec) block() uint64 { return uint64(blockNumber.get(x.s)) }

// eventsItem is System.Events, which clients read and the runtime only
// appends to.
var eventsItem = newItem(bytesCodec, "System", "Events")

// deposit appends an event. Values are those of its fields in order.
func (x *exec) deposit(pallet, name string, values ...any) {
	event := metadata.NewEnum(pallet, metadata.NewEnum(name, values...))
	record, err := x.meta.EncodeValue(append([]byte(nil), x.phase...), x.meta.Outer.Event, event)
	if err != nil {
		panic(fmt.Sprintf("event %s.%s: %v", pallet, name, err)) // the schema has it
	}
	record = append(record, 0) // no topics
	n := eventCount.get(x.s)
	key := eventsItem.key()
	var before []byte
	if raw := x.s.Get(key); raw != nil {
		d := scale.NewDecoder(raw)
		d.Compact()
		before = raw[d.Offset():]
	}
	all := scale.AppendCompact(make([]byte, 0, len(before)+len(record)+4), uint64(n)+1)
	x.s.Set(key, append(append(all, before...), record...))
	eventCount.put(x.s, n+1)
}

// dispatchError is why a call failed: an error of a pallet, or one of
// sp_runtime::DispatchError with pallet "".
type dispatchError struct{ pallet, name string }

func (e *dispatchError) Error() string {
	if e.pallet == "" {
		return e.name
	}
	return e.pallet + "." + e.name
}

func subtensorError(name string) error  { return &dispatchError{"SubtensorModule", name} }
func commitmentError(name string) error { return &dispatchError{"Commitments", name} }

// Errors of dispatch that are of no pallet.
var (
	errBadOrigin = &dispatchError{"", "BadOrigin"}
	errFunds     = &dispatchError{"Token", "FundsUnavailable"}
)

// encode is the error as events show it.
func (e *dispatchError) encode(m *metadata.Metadata) any {
	switch e.pallet {
	case "":
		return metadata.NewEnum(e.name)
	case "Token":
		return metadata.NewEnum("Token", metadata.NewEnum(e.name))
	}
	pallet, code, err := m.ErrorCode(e.pallet, e.name)
	if err != nil {
		panic(err) // the schema has it
	}
	return metadata.NewEnum("Module", metadata.Args{"index": pallet, "error": []byte{code, 0, 0, 0}})
}

// call is a call being dispatched.
type call struct {
	*exec
	// root stands above all accounts; signer is then of no meaning.
	root   bool
	signer chain.PublicKey
	args   metadata.Record
}

// dispatchable is what one call does. Calls that cost nothing are free.
type dispatchable struct {
	run  func(*call) error
	free bool
}

// dispatch runs a call on a copy of the state, which it keeps if the call
// succeeds.
func (x *exec) dispatch(root bool, signer chain.PublicKey, c metadata.Call) error {
	d, ok := dispatchables[c.Pallet+"."+c.Name]
	if !ok {
		return &dispatchError{"System", "CallFiltered"}
	}
	inner := *x
	inner.s = x.s.Copy()
	if err := d.run(&call{&inner, root, signer, c.Args}); err != nil {
		return err
	}
	*x.s = *inner.s
	return nil
}

// needRoot refuses calls of accounts.
func (c *call) needRoot() error {
	if !c.root {
		return errBadOrigin
	}
	return nil
}

// needSigner refuses calls of no account.
func (c *call) needSigner() error {
	if c.root {
		return errBadOrigin
	}
	return nil
}
