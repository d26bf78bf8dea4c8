package metadata

import (
	"fmt"

	"finest/chain/scale"
)

// ConstantValue returns a constant of a pallet; one that the runtime lacks is a
// *MissingError.
func (m *Metadata) ConstantValue(pallet, name string) (any, error) {
	if p, ok := m.Pallet(pallet); ok {
		for i := range p.Constants {
			c := &p.Constants[i]
			if c.Name != name {
				continue
			}
			v, err := m.decodeAll(c.Value, c.Type)
			if err != nil {
				return nil, fmt.Errorf("decode constant %s.%s: %w", pallet, name, err)
			}
			return v, nil
		}
	}
	return nil, &MissingError{"constant", pallet + "." + name}
}

// APIMethod is a method of a runtime API of one runtime.
type APIMethod struct {
	*Method
	Trait string
	m     *Metadata
}

// APIMethod finds a method of a runtime API; one that the runtime lacks, or does
// not tell because its metadata is V14, is a *MissingError.
func (m *Metadata) APIMethod(trait, method string) (*APIMethod, error) {
	for i := range m.APIs {
		if m.APIs[i].Name != trait {
			continue
		}
		for j := range m.APIs[i].Methods {
			if m.APIs[i].Methods[j].Name == method {
				return &APIMethod{Method: &m.APIs[i].Methods[j], Trait: trait, m: m}, nil
			}
		}
	}
	return nil, &MissingError{"runtime API", trait + "." + method}
}

// StateCall is the name of the method in state_call: Trait_method.
func (a *APIMethod) StateCall() string { return a.Trait + "_" + a.Name }

// Encode writes the arguments. One that the method lacks is a *MissingError.
func (a *APIMethod) Encode(args Args) ([]byte, error) {
	b, err := a.m.encodeArgs([]byte{}, a.Inputs, args, a.Trait+"."+a.Name)
	if err != nil {
		return nil, fmt.Errorf("encode call of %s: %w", a.StateCall(), err)
	}
	return b, nil
}

// DecodeArgs reads the arguments.
func (a *APIMethod) DecodeArgs(raw []byte) (Record, error) {
	d := scale.NewDecoder(raw)
	args := a.m.decodeFields(d, a.Inputs)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("decode arguments of %s: %w", a.StateCall(), err)
	}
	return args, nil
}

// EncodeResult writes what the method returns.
func (a *APIMethod) EncodeResult(v any) ([]byte, error) {
	b, err := a.m.EncodeValue([]byte{}, a.Output, v)
	if err != nil {
		return nil, fmt.Errorf("encode result of %s: %w", a.StateCall(), err)
	}
	return b, nil
}

// Decode reads what the method returned.
func (a *APIMethod) Decode(raw []byte) (any, error) {
	v, err := a.m.decodeAll(raw, a.Output)
	if err != nil {
		return nil, fmt.Errorf("decode result of %s: %w", a.StateCall(), err)
	}
	return v, nil
}
