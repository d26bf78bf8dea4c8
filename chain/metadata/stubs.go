package metadata

import (
	"errors"
)

var errLater = errors.New("not yet")

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
