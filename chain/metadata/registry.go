package metadata

import (
	"fmt"

	"finest/chain/scale"
)

// types is the portable registry: every type with its number, which is its place.
func (w *wire) types(v *[]Type) {
	next := uint32(0)
	list(w, v, func(t *Type) {
		id := next
		w.compact(&id)
		if id != next {
			w.fail(fmt.Errorf("type %d stands at place %d of the registry", id, next))
		}
		if next == maxTypes {
			w.fail(fmt.Errorf("registry has more than %d types", maxTypes))
		}
		next++
		w.typ(t)
	})
}

func (w *wire) typ(t *Type) {
	w.texts(&t.Path)
	list(w, &t.Params, func(p *TypeParam) {
		w.text(&p.Name)
		bound := w.option(p.Bound)
		if bound {
			w.id(&p.Type)
		}
		if w.reading() {
			p.Bound = bound
		}
	})
	w.u8((*uint8)(&t.Kind))
	switch t.Kind {
	case Composite:
		list(w, &t.Fields, w.field)
	case Variants:
		list(w, &t.Variants, func(v *Variant) {
			w.text(&v.Name)
			list(w, &v.Fields, w.field)
			w.u8(&v.Index)
			w.texts(&v.Docs)
		})
	case Sequence, Compact:
		w.id(&t.Elem)
	case Array:
		w.u32(&t.Len)
		w.id(&t.Elem)
	case Tuple:
		list(w, &t.Tuple, w.id)
	case Primitive:
		w.u8((*uint8)(&t.Prim))
		if t.Prim > I256 {
			w.fail(fmt.Errorf("primitive type %d is unknown", t.Prim))
		}
	case BitSequence:
		w.id(&t.Elem)
		w.id(&t.Order)
	default:
		w.fail(fmt.Errorf("kind of type %d is unknown", t.Kind))
	}
	w.texts(&t.Docs)
}

func (w *wire) field(f *Field) {
	w.optionalText(&f.Name)
	w.id(&f.Type)
	w.optionalText(&f.TypeName)
	w.texts(&f.Docs)
}

// storage is the Option of a prefix and items.
func (w *wire) storage(p *Pallet) {
	if !w.option(p.Prefix != "") {
		return
	}
	w.text(&p.Prefix)
	if p.Prefix == "" {
		w.fail(fmt.Errorf("storage of pallet %s has no prefix: %w", p.Name, scale.ErrCanonical))
	}
	list(w, &p.Storage, func(s *Storage) {
		w.text(&s.Name)
		modifier := uint8(1)
		if s.Optional {
			modifier = 0
		}
		w.u8(&modifier)
		if modifier > 1 {
			w.fail(fmt.Errorf("modifier %d of storage item %s is unknown", modifier, s.Name))
		}
		if w.reading() {
			s.Optional = modifier == 0
		}
		w.storageType(s)
		w.bytes(&s.Default)
		w.texts(&s.Docs)
		w.deprecation(&s.Deprecation)
	})
}

func (w *wire) storageType(s *Storage) {
	isMap := uint8(0)
	if len(s.Hashers) > 0 {
		isMap = 1
	}
	w.u8(&isMap)
	switch isMap {
	case 0:
	case 1:
		list(w, &s.Hashers, func(h *Hasher) {
			w.u8((*uint8)(h))
			if *h > Identity {
				w.fail(fmt.Errorf("hasher %d of storage item %s is unknown", *h, s.Name))
			}
		})
		if len(s.Hashers) == 0 {
			w.fail(fmt.Errorf("map %s has no hasher: %w", s.Name, scale.ErrCanonical))
		}
		w.id(&s.Key)
	default:
		w.fail(fmt.Errorf("kind %d of storage item %s is unknown", isMap, s.Name))
	}
	w.id(&s.Value)
}

// deprecation of an item stands in V16 alone.
func (w *wire) deprecation(v *Deprecation) {
	if w.version < 16 {
		return
	}
	w.u8((*uint8)(&v.Kind))
	if v.Kind > DeprecatedWithNote {
		w.fail(fmt.Errorf("kind %d of deprecation is unknown", v.Kind))
	}
	if v.Kind == DeprecatedWithNote {
		w.text(&v.Note)
		w.optionalText(&v.Since)
	}
}

// old are the deprecated variants of an enumeration, in V16 alone.
func (w *wire) old(v *[]VariantDeprecation) {
	if w.version < 16 {
		return
	}
	list(w, v, func(o *VariantDeprecation) {
		w.u8(&o.Index)
		w.deprecation(&o.Deprecation)
	})
}
