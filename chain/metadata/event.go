package metadata

import (
	"fmt"
	"strings"
)

// Event is one event of a block.
type Event struct {
	// Extrinsic is the place in the block of the extrinsic that caused it; -1 for
	// an event from before or after all extrinsics.
	Extrinsic    int
	Pallet, Name string
	Fields       Record
}

// Events reads the value of System.Events in order; none for nil raw.
func (m *Metadata) Events(raw []byte) ([]Event, error) {
	item, err := m.StorageItem("System", "Events")
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	v, err := item.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	records, _ := v.([]any)
	events := make([]Event, len(records))
	for i, record := range records {
		if events[i], err = event(record); err != nil {
			return nil, fmt.Errorf("read events: event %d: %w", i, err)
		}
	}
	return events, nil
}

// event takes apart a record of phase, event and topics: the event is a variant
// named as its pallet, around a variant of that pallet's events.
func event(v any) (Event, error) {
	record, _ := v.(Record)
	phase, okPhase := record.Get("phase").(Enum)
	outer, okOuter := record.Get("event").(Enum)
	if !okPhase || !okOuter || len(outer.Fields) != 1 {
		return Event{}, fmt.Errorf("record %T has not the form of an event", v)
	}
	inner, ok := outer.Fields[0].Value.(Enum)
	if !ok {
		return Event{}, fmt.Errorf("event of pallet %s is no enumeration", outer.Name)
	}
	e := Event{Extrinsic: -1, Pallet: outer.Name, Name: inner.Name, Fields: inner.Fields}
	if phase.Name == "ApplyExtrinsic" && len(phase.Fields) == 1 {
		index, ok := phase.Fields[0].Value.(uint64)
		if !ok {
			return Event{}, fmt.Errorf("phase of an event of pallet %s has no index", outer.Name)
		}
		e.Extrinsic = int(index)
	}
	return e, nil
}

// ErrorName names a module error by the index of its pallet and its own; docs is
// its description. One that the runtime lacks is a *MissingError.
func (m *Metadata) ErrorName(pallet, code uint8) (palletName, name, docs string, err error) {
	p, ok := m.PalletAt(pallet)
	if !ok {
		return "", "", "", &MissingError{"error", fmt.Sprintf("%d.%d", pallet, code)}
	}
	for _, v := range m.variants(p.Errors) {
		if v.Index == code {
			return p.Name, v.Name, strings.Join(v.Docs, " "), nil
		}
	}
	return "", "", "", &MissingError{"error", fmt.Sprintf("%s.%d", p.Name, code)}
}

// ErrorCode is the index of a pallet and that of one of its errors.
func (m *Metadata) ErrorCode(pallet, name string) (index, code uint8, err error) {
	if p, ok := m.Pallet(pallet); ok {
		for _, v := range m.variants(p.Errors) {
			if v.Name == name {
				return p.Index, v.Index, nil
			}
		}
	}
	return 0, 0, &MissingError{"error", pallet + "." + name}
}

// DispatchError is a named sp_runtime::DispatchError.
type DispatchError struct {
	// Pallet of an error of a pallet, "" for the others.
	Pallet string
	// Name of the error, such as "SettingWeightsTooFast"; without a pallet
	// "BadOrigin" or, of an enumeration within, "Token.FundsUnavailable". An error
	// of a pallet that metadata does not name is a number.
	Name string
	Docs string
}

// String is "SubtensorModule.SettingWeightsTooFast" or "BadOrigin".
func (e DispatchError) String() string {
	if e.Pallet == "" {
		return e.Name
	}
	return e.Pallet + "." + e.Name
}

// DispatchError names a decoded sp_runtime::DispatchError, as in
// System.ExtrinsicFailed.
func (m *Metadata) DispatchError(v any) DispatchError {
	e, ok := v.(Enum)
	if !ok {
		return DispatchError{Name: fmt.Sprint(v)}
	}
	if len(e.Fields) != 1 {
		return DispatchError{Name: e.Name}
	}
	switch inner := e.Fields[0].Value.(type) {
	case Enum:
		return DispatchError{Name: e.Name + "." + inner.Name}
	case Record: // of a module: the pallet's index and four bytes, the first its error
		index, okIndex := inner.Get("index").(uint64)
		code, okCode := inner.Get("error").([]byte)
		if !okIndex || !okCode || len(code) == 0 {
			break
		}
		pallet, name, docs, err := m.ErrorName(uint8(index), code[0])
		if err != nil {
			return DispatchError{Pallet: fmt.Sprint("pallet ", index), Name: fmt.Sprint("error ", code[0])}
		}
		return DispatchError{pallet, name, docs}
	}
	return DispatchError{Name: e.Name}
}
