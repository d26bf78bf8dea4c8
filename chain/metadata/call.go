package metadata

import (
	"fmt"
	"sort"

	"finest/chain/scale"
)

// Args are the arguments of a call or of a runtime API, by name.
type Args map[string]any

// Call is a decoded call.
type Call struct {
	Pallet, Name string
	Args         Record
}

// Pallet finds a pallet by name.
func (m *Metadata) Pallet(name string) (*Pallet, bool) {
	for i := range m.Pallets {
		if m.Pallets[i].Name == name {
			return &m.Pallets[i], true
		}
	}
	return nil, false
}

// PalletAt finds a pallet by index.
func (m *Metadata) PalletAt(index uint8) (*Pallet, bool) {
	for i := range m.Pallets {
		if m.Pallets[i].Index == index {
			return &m.Pallets[i], true
		}
	}
	return nil, false
}

// variants are those of an enumeration of a pallet (its calls, events or errors);
// none where the pallet has none.
func (m *Metadata) variants(id *TypeID) []Variant {
	if id == nil {
		return nil
	}
	t, err := m.typ(*id)
	if err != nil {
		return nil
	}
	return t.Variants
}

// call finds a call by name.
func (m *Metadata) call(pallet, name string) (*Pallet, *Variant) {
	if p, ok := m.Pallet(pallet); ok {
		list := m.variants(p.Calls)
		for i := range list {
			if list[i].Name == name {
				return p, &list[i]
			}
		}
	}
	return nil, nil
}

// HasCall says whether the runtime has the call.
func (m *Metadata) HasCall(pallet, name string) bool {
	_, v := m.call(pallet, name)
	return v != nil
}

// Call encodes a call: index of the pallet, index of the call, arguments. A call
// that the runtime lacks is a *MissingError, and so is an argument that the call
// lacks; one that is not given is another error.
func (m *Metadata) Call(pallet, name string, args Args) ([]byte, error) {
	p, v := m.call(pallet, name)
	if v == nil {
		return nil, fmt.Errorf("encode call: %w", &MissingError{"call", pallet + "." + name})
	}
	b, err := m.encodeArgs([]byte{p.Index, v.Index}, v.Fields, args, pallet+"."+name)
	if err != nil {
		return nil, fmt.Errorf("encode call %s.%s: %w", pallet, name, err)
	}
	return b, nil
}

// encodeArgs appends arguments in the order of fields; of names them in errors.
func (m *Metadata) encodeArgs(b []byte, fields []Field, args Args, of string) ([]byte, error) {
	var unknown []string
	for name := range args {
		if !hasField(fields, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return nil, &MissingError{"argument", of + "." + unknown[0]}
	}
	for i, f := range fields {
		v, ok := args[f.Name]
		if !ok {
			return nil, fmt.Errorf("argument %s is not given", f.label(i))
		}
		var err error
		if b, err = m.EncodeValue(b, f.Type, v); err != nil {
			return nil, fmt.Errorf("argument %s: %w", f.label(i), err)
		}
	}
	return b, nil
}

// DecodeCall reads a call that takes all of b.
func (m *Metadata) DecodeCall(b []byte) (Call, error) {
	d := scale.NewDecoder(b)
	pallet, index := d.U8(), d.U8()
	if err := d.Err(); err != nil {
		return Call{}, fmt.Errorf("decode call: %w", err)
	}
	p, ok := m.PalletAt(pallet)
	if !ok {
		return Call{}, fmt.Errorf("decode call: this runtime has no pallet %d", pallet)
	}
	for _, v := range m.variants(p.Calls) {
		if v.Index != index {
			continue
		}
		args := m.decodeFields(d, v.Fields)
		if err := d.End(); err != nil {
			return Call{}, fmt.Errorf("decode call %s.%s: %w", p.Name, v.Name, err)
		}
		return Call{p.Name, v.Name, args}, nil
	}
	return Call{}, fmt.Errorf("decode call: pallet %s has no call %d in this runtime", p.Name, index)
}

// decodeFields reads one value a field, also where there is a single field.
func (m *Metadata) decodeFields(d *scale.Decoder, fields []Field) Record {
	return m.reader(d).fields(fields, 0)
}
