package metadata

import (
	"encoding/binary"
	"errors"
	"fmt"

	"finest/chain/scale"
)

// wire reads or writes metadata: each method reads into what it is given while
// there is a decoder, and otherwise writes it and changes nothing, since metadata
// is shared. One description of the format serves both directions, so that they
// cannot differ.
type wire struct {
	d   *scale.Decoder // nil while writing
	out []byte
	// version of the format: 14, 15 or 16.
	version int
	// last is the largest type id that was read.
	last TypeID
	err  error // first error of writing
}

func (w *wire) reading() bool { return w.d != nil }

// fail keeps the first error; while reading it stops the decoder.
func (w *wire) fail(err error) {
	if w.reading() {
		w.d.Fail(err)
	} else if w.err == nil {
		w.err = err
	}
}

func (w *wire) u8(v *uint8) {
	if w.reading() {
		*v = w.d.U8()
	} else {
		w.out = append(w.out, *v)
	}
}

func (w *wire) u32(v *uint32) {
	if w.reading() {
		*v = w.d.U32()
	} else {
		w.out = binary.LittleEndian.AppendUint32(w.out, *v)
	}
}

// compact is a compact u32.
func (w *wire) compact(v *uint32) {
	if !w.reading() {
		w.out = scale.AppendCompact(w.out, uint64(*v))
		return
	}
	n := w.d.Compact()
	if n > 1<<32-1 {
		w.fail(errors.New("compact integer exceeds 32 bits"))
		return
	}
	*v = uint32(n)
}

func (w *wire) id(v *TypeID) {
	w.compact((*uint32)(v))
	w.last = max(w.last, *v)
}

func (w *wire) text(v *string) {
	if w.reading() {
		*v = w.d.String()
	} else {
		w.out = scale.AppendBytes(w.out, *v)
	}
}

func (w *wire) bytes(v *[]byte) {
	if w.reading() {
		*v = append([]byte(nil), w.d.Bytes()...)
	} else {
		w.out = scale.AppendBytes(w.out, *v)
	}
}

// fixed fills v, or writes it as it is.
func (w *wire) fixed(v []byte) {
	if w.reading() {
		copy(v, w.d.Fixed(len(v)))
	} else {
		w.out = append(w.out, v...)
	}
}

// option reads or writes the byte before an optional value and says whether the
// value follows; has says it while writing.
func (w *wire) option(has bool) bool {
	var tag uint8
	if has {
		tag = 1
	}
	w.u8(&tag)
	if tag > 1 {
		w.fail(fmt.Errorf("option with tag %d: %w", tag, scale.ErrCanonical))
	}
	return tag == 1
}

// optionalText is an Option<String>, "" if None.
func (w *wire) optionalText(v *string) {
	if w.option(*v != "") {
		w.text(v)
		if w.reading() && *v == "" {
			w.fail(fmt.Errorf("optional text is there but empty: %w", scale.ErrCanonical))
		}
	}
}

// optionalID is an Option of a type id, nil if None. It says whether one is there.
func (w *wire) optionalID(v **TypeID) bool {
	if !w.option(*v != nil) {
		return false
	}
	if *v == nil {
		*v = new(TypeID)
	}
	w.id(*v)
	return true
}

// list is a Vec. Reading grows it item by item and ends at the first error, so
// that a length that is only claimed costs nothing.
func list[T any](w *wire, v *[]T, item func(*T)) {
	if !w.reading() {
		w.out = scale.AppendCompact(w.out, uint64(len(*v)))
		for i := range *v {
			item(&(*v)[i])
		}
		return
	}
	for range w.d.Len(1) {
		var x T
		item(&x)
		if w.d.Err() != nil {
			return
		}
		*v = append(*v, x)
	}
}

func (w *wire) texts(v *[]string) { list(w, v, w.text) }
