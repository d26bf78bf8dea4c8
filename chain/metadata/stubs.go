package metadata

import (
	"errors"

	"finest/chain/scale"
)

var errLater = errors.New("not yet")

// DecodeValue reads one value of a type; errors are those of d.
func (m *Metadata) DecodeValue(d *scale.Decoder, id TypeID) any { return nil }

// EncodeValue appends a value of a type to b.
func (m *Metadata) EncodeValue(b []byte, id TypeID, v any) ([]byte, error) { return nil, errLater }

// Args are the arguments of a call or runtime API by name.
type Args map[string]any

// Call is a decoded call.
type Call struct {
	Pallet, Name string
	Args         Record
}

// Call encodes a call: pallet index, call index, arguments.
func (m *Metadata) Call(pallet, name string, args Args) ([]byte, error) { return nil, errLater }

// DecodeCall reads a whole call.
func (m *Metadata) DecodeCall(b []byte) (Call, error) { return Call{}, errLater }

// HasCall says whether the runtime has the call.
func (m *Metadata) HasCall(pallet, name string) bool { return false }

// StorageItem is a storage item of one runtime.
type StorageItem struct {
	*Storage
	Pallet string
	m      *Metadata
	prefix string
}

// StorageItem finds a storage item by name, or a *MissingError.
func (m *Metadata) StorageItem(pallet, name string) (*StorageItem, error) { return nil, errLater }

// Key returns the storage key; with fewer keys than hashers, a prefix.
func (s *StorageItem) Key(keys ...any) ([]byte, error) { return nil, errLater }

// DecodeKey reads the keys out of a full storage key.
func (s *StorageItem) DecodeKey(full []byte) ([]any, error) { return nil, errLater }

// Decode reads a stored value; nil raw gives the default, or nil where Optional.
func (s *StorageItem) Decode(raw []byte) (any, error) { return nil, errLater }

// Encode writes a value as it is stored.
func (s *StorageItem) Encode(v any) ([]byte, error) { return nil, errLater }

// Event is one event of a block.
type Event struct {
	// Extrinsic is the index of the extrinsic being applied, -1 outside of one.
	Extrinsic    int
	Pallet, Name string
	Fields       Record
}

// Events reads the value of System.Events.
func (m *Metadata) Events(raw []byte) ([]Event, error) { return nil, errLater }

// ConstantValue returns a constant of a pallet.
func (m *Metadata) ConstantValue(pallet, name string) (any, error) { return nil, errLater }

// ErrorName names a module error by its indices.
func (m *Metadata) ErrorName(pallet, code uint8) (palletName, name, docs string, err error) {
	return "", "", "", errLater
}

// DispatchError is a named sp_runtime::DispatchError.
type DispatchError struct {
	// Pallet of a module error, else "".
	Pallet string
	// Name of the error, "BadOrigin", "Token.FundsUnavailable" where not of a pallet.
	Name string
	Docs string
}

// String returns Pallet.Name or Name.
func (e DispatchError) String() string { return e.Name }

// DispatchError names a decoded sp_runtime::DispatchError.
func (m *Metadata) DispatchError(v any) DispatchError { return DispatchError{} }

// APIMethod is a method of a runtime API.
type APIMethod struct {
	*Method
	Trait string
	m     *Metadata
}

// APIMethod finds a method of a runtime API, or a *MissingError.
func (m *Metadata) APIMethod(trait, method string) (*APIMethod, error) { return nil, errLater }

// StateCall is the name of the method in state_call: Trait_method.
func (a *APIMethod) StateCall() string { return a.Trait + "_" + a.Name }

// Encode writes the arguments.
func (a *APIMethod) Encode(args Args) ([]byte, error) { return nil, errLater }

// DecodeArgs reads the arguments.
func (a *APIMethod) DecodeArgs(raw []byte) (Record, error) { return nil, errLater }

// Decode reads the result.
func (a *APIMethod) Decode(raw []byte) (any, error) { return nil, errLater }

// EncodeResult writes a result.
func (a *APIMethod) EncodeResult(v any) ([]byte, error) { return nil, errLater }

// Pallet finds a pallet by name.
func (m *Metadata) Pallet(name string) (*Pallet, bool) { return nil, false }
