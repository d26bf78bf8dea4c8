package metadata

import (
	"errors"
	"fmt"

	"finest/chain/scale"
)

// magic begins metadata: "meta", read as a little-endian integer by the runtime.
const magic = "meta"

// maxSize is the most bytes of metadata that Decode looks at, maxTypes the most
// types. The runtime of 2026 has 0.4 MB and 700 types; a type takes six bytes at
// least, and forty times that in memory.
const (
	maxSize  = 4 << 20
	maxTypes = 1 << 16
)

// Decode reads metadata: the magic "meta", the version byte and the body of V14,
// V15 or V16. What wraps it on the way (a compact length, an Option) is the
// caller's.
func Decode(b []byte) (*Metadata, error) {
	if len(b) > maxSize {
		return nil, fmt.Errorf("decode metadata: %d bytes, at most %d", len(b), maxSize)
	}
	d := scale.NewDecoder(b)
	if string(d.Fixed(len(magic))) != magic {
		return nil, errors.New(`decode metadata: does not begin with "meta"`)
	}
	m := &Metadata{Version: int(d.U8())}
	if err := known(m.Version); err != nil {
		return nil, fmt.Errorf("decode metadata: %w", err)
	}
	w := &wire{d: d, version: m.Version}
	w.metadata(m)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("decode metadata V%d: %w", m.Version, err)
	}
	if int(w.last) >= len(m.Types) {
		return nil, fmt.Errorf("decode metadata V%d: type %d is not among the %d of the registry", m.Version, w.last, len(m.Types))
	}
	if err := m.complete(); err != nil {
		return nil, fmt.Errorf("decode metadata V%d: %w", m.Version, err)
	}
	return m, nil
}

// Encode writes metadata in the form of a version: 14, 15 or 16. Metadata that was
// read in one form may lack what another must tell; that is an error.
func (m *Metadata) Encode(version int) ([]byte, error) {
	err := known(version)
	if err == nil {
		err = m.tells(version)
	}
	if err != nil {
		return nil, fmt.Errorf("encode metadata V%d: %w", version, err)
	}
	w := &wire{out: append([]byte(magic), uint8(version)), version: version}
	w.metadata(m)
	if w.err != nil {
		return nil, fmt.Errorf("encode metadata V%d: %w", version, w.err)
	}
	return w.out, nil
}

func known(version int) error {
	if version < 14 || version > 16 {
		return fmt.Errorf("version %d is not supported, only 14 to 16", version)
	}
	return nil
}

// tells says what m, read in another form, cannot say in this one. Type 0 stands
// for no type there: it is never one of an extrinsic's.
func (m *Metadata) tells(version int) error {
	var lacks string
	switch {
	case m.Version == 16 && version == 15 && m.Extrinsic.Extra == 0:
		lacks = "the type of the extra data of an extrinsic"
	case m.Version >= 15 && version == 14 && m.Extrinsic.Type == 0:
		lacks = "the type of an extrinsic"
	case m.Version == 14 && version > 14 && m.Outer.Error == 0:
		lacks = "the enumeration of all errors"
	default:
		return nil
	}
	return fmt.Errorf("metadata read as V%d does not tell %s", m.Version, lacks)
}

// metadata is the body behind the version byte.
func (w *wire) metadata(m *Metadata) {
	w.types(&m.Types)
	list(w, &m.Pallets, w.pallet)
	w.extrinsic(m)
	if w.version < 16 {
		w.id(&m.Runtime)
	}
	if w.version < 15 {
		return
	}
	list(w, &m.APIs, w.api)
	w.id(&m.Outer.Call)
	w.id(&m.Outer.Event)
	w.id(&m.Outer.Error)
	list(w, &m.Custom, func(c *CustomValue) {
		w.text(&c.Name)
		w.id(&c.Type)
		w.bytes(&c.Value)
	})
}

func (w *wire) pallet(p *Pallet) {
	w.text(&p.Name)
	w.storage(p)
	if w.optionalID(&p.Calls) {
		w.old(&p.OldCalls)
	}
	if w.optionalID(&p.Events) {
		w.old(&p.OldEvents)
	}
	list(w, &p.Constants, func(c *Constant) {
		w.text(&c.Name)
		w.id(&c.Type)
		w.bytes(&c.Value)
		w.texts(&c.Docs)
		w.deprecation(&c.Deprecation)
	})
	if w.optionalID(&p.Errors) {
		w.old(&p.OldErrors)
	}
	if w.version >= 16 {
		list(w, &p.AssociatedTypes, func(a *AssociatedType) {
			w.text(&a.Name)
			w.id(&a.Type)
			w.texts(&a.Docs)
		})
		list(w, &p.ViewFunctions, func(v *ViewFunction) {
			w.fixed(v.ID[:])
			w.method(&v.Method)
		})
	}
	w.u8(&p.Index)
	if w.version >= 15 {
		w.texts(&p.Docs)
	}
	w.deprecation(&p.Deprecation)
}

// method is one of a runtime API or a view function.
func (w *wire) method(m *Method) {
	w.text(&m.Name)
	list(w, &m.Inputs, func(f *Field) {
		w.text(&f.Name)
		w.id(&f.Type)
	})
	w.id(&m.Output)
	w.texts(&m.Docs)
	w.deprecation(&m.Deprecation)
}

func (w *wire) api(a *API) {
	w.text(&a.Name)
	list(w, &a.Methods, w.method)
	w.texts(&a.Docs)
	if w.version >= 16 {
		w.compact(&a.Version)
	}
	w.deprecation(&a.Deprecation)
}

func (w *wire) extrinsic(m *Metadata) {
	x := &m.Extrinsic
	if w.version >= 16 {
		list(w, &x.Versions, w.u8)
		w.parts(x)
		sets := x.ByVersion
		if !w.reading() && sets == nil {
			sets = []ExtensionSet{x.all()}
		}
		list(w, &sets, func(s *ExtensionSet) {
			w.u8(&s.Version)
			list(w, &s.Indices, w.compact)
		})
		if w.reading() {
			x.ByVersion = sets
		}
	} else {
		if w.version == 14 {
			w.id(&x.Type)
		}
		version := x.oldest()
		w.u8(&version)
		if w.reading() {
			x.Versions = []uint8{version}
		}
		if w.version == 15 {
			w.parts(x)
			w.id(&x.Extra)
		}
	}
	list(w, &x.Extensions, func(e *Extension) {
		w.text(&e.Name)
		w.id(&e.Extra)
		w.id(&e.Implicit)
	})
}

func (w *wire) parts(x *Extrinsic) {
	w.id(&x.Address)
	w.id(&x.Call)
	w.id(&x.Signature)
}
