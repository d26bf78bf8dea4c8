package runtime

import (
	"fmt"
	"regexp"
	"strings"

	"finest/chain/metadata"
)

// builder makes the type registry. Each type has one entry, made when it is first
// named; an entry gets its number before its parts, so that types may contain
// themselves.
type builder struct {
	schema *schema
	number numbering
	types  []metadata.Type
	ids    map[string]metadata.TypeID // by the spelling of the type
}

func newBuilder(v Version) *builder {
	return &builder{schema: loadSchema(), number: v.numbering(), ids: map[string]metadata.TypeID{}}
}

// primitives by name.
var primitives = map[string]metadata.Prim{
	"bool": metadata.Bool, "char": metadata.Char, "str": metadata.Str,
	"u8": metadata.U8, "u16": metadata.U16, "u32": metadata.U32, "u64": metadata.U64, "u128": metadata.U128, "u256": metadata.U256,
	"i8": metadata.I8, "i16": metadata.I16, "i32": metadata.I32, "i64": metadata.I64, "i128": metadata.I128, "i256": metadata.I256,
}

// typ returns the number of a type written as in the schema.
func (b *builder) typ(text string) metadata.TypeID {
	t := tokenize(text)
	e := t.expr()
	if t.err != nil || len(t.rest) > 0 {
		panic(fmt.Sprintf("type %q: %v", text, t.err))
	}
	return b.of(e)
}

// of returns the number of a type. A name that the schema does not declare is an
// error of the program.
func (b *builder) of(e expr) metadata.TypeID {
	if target, ok := b.alias(e); ok {
		return b.of(target)
	}
	key := b.resolved(e).String()
	if id, ok := b.ids[key]; ok {
		return id
	}
	id := metadata.TypeID(len(b.types))
	b.ids[key] = id
	b.types = append(b.types, metadata.Type{})
	t := b.shape(e)
	b.types[id] = t
	return id
}

// resolved replaces aliases in the parts of a type, so that it has one spelling.
func (b *builder) resolved(e expr) expr {
	if target, ok := b.alias(e); ok {
		return b.resolved(target)
	}
	out := e
	out.args = make([]expr, len(e.args))
	for i, a := range e.args {
		out.args[i] = b.resolved(a)
	}
	return out
}

// alias returns what a declared other name stands for. Box is transparent on the
// wire.
func (b *builder) alias(e expr) (expr, bool) {
	if e.kind != named {
		return expr{}, false
	}
	if e.name == "Box" {
		return e.args[0], true
	}
	d, ok := b.schema.types[e.name]
	if newtype, moved := b.number.newtypes[e.name]; moved {
		d, ok = newtype, true
	}
	if !ok || d.alias == nil {
		return expr{}, false
	}
	return d.alias.with(d.bind(e)), true
}

// bind pairs the parameters of a declaration with the types given.
func (d typeDecl) bind(e expr) map[string]expr {
	if len(e.args) != len(d.params) {
		panic(fmt.Sprintf("type %s: %d parameters are declared", e, len(d.params)))
	}
	params := make(map[string]expr, len(d.params))
	for i, p := range d.params {
		params[p] = e.args[i]
	}
	return params
}

func (b *builder) shape(e expr) metadata.Type {
	switch e.kind {
	case tuple:
		t := metadata.Type{Kind: metadata.Tuple}
		for _, a := range e.args {
			t.Tuple = append(t.Tuple, b.of(a))
		}
		return t
	case array:
		return metadata.Type{Kind: metadata.Array, Len: e.len, Elem: b.of(e.args[0])}
	}
	if p, ok := primitives[e.name]; ok {
		return metadata.Type{Kind: metadata.Primitive, Prim: p}
	}
	switch e.name {
	case "Vec":
		return metadata.Type{Kind: metadata.Sequence, Elem: b.of(e.args[0])}
	case "Compact":
		return metadata.Type{Kind: metadata.Compact, Elem: b.of(e.args[0])}
	}
	if variants, ok := b.palletEnum(e.name); ok {
		return variants
	}
	d, ok := b.schema.types[e.name]
	if newtype, moved := b.number.newtypes[e.name]; moved {
		d, ok = newtype, true
	}
	if !ok {
		panic(fmt.Sprintf("type %s is not declared", e))
	}
	params := d.bind(e)
	t := metadata.Type{Path: d.path}
	for _, p := range d.params {
		t.Params = append(t.Params, metadata.TypeParam{Name: p, Bound: true, Type: b.of(params[p])})
	}
	if d.enum {
		t.Kind, t.Variants = metadata.Variants, b.variants(d.variants, params, nil)
		return t
	}
	t.Kind, t.Fields = metadata.Composite, b.fields(d.fields, params)
	return t
}

func (b *builder) fields(decls []fieldDecl, params map[string]expr) []metadata.Field {
	var out []metadata.Field
	for _, d := range decls {
		out = append(out, metadata.Field{Name: d.name, Type: b.of(d.typ.with(params)), TypeName: d.typ.String()})
	}
	return out
}

// variants numbers them with move, if given.
func (b *builder) variants(decls []variantDecl, params map[string]expr, move func(uint8) uint8) []metadata.Variant {
	var out []metadata.Variant
	for _, d := range decls {
		index := d.index
		if move != nil {
			index = move(index)
		}
		out = append(out, metadata.Variant{Name: d.name, Index: index, Fields: b.fields(d.fields, params)})
	}
	return out
}

// palletEnum makes the enumerations that follow from the pallets: RuntimeCall,
// RuntimeEvent and RuntimeError over all of them, and Call, Event and Error of
// each as "Pallet::Call" and so on.
func (b *builder) palletEnum(name string) (metadata.Type, bool) {
	for _, what := range []string{"Call", "Event", "Error"} {
		if name == "Runtime"+what {
			t := metadata.Type{Kind: metadata.Variants, Path: []string{"node_subtensor_runtime", name}}
			for _, p := range b.schema.pallets {
				if len(p.variants(what)) > 0 {
					of := expr{name: p.name + "::" + what}
					t.Variants = append(t.Variants, metadata.Variant{
						Name: p.name, Index: b.number.pallet(p),
						Fields: []metadata.Field{{Type: b.of(of), TypeName: p.crate + "::" + what + "<Runtime>"}},
					})
				}
			}
			return t, true
		}
	}
	pallet, what, ok := strings.Cut(name, "::")
	if !ok {
		return metadata.Type{}, false
	}
	for _, p := range b.schema.pallets {
		if p.name == pallet {
			t := metadata.Type{
				Kind: metadata.Variants, Path: []string{p.crate, "pallet", what},
				Variants: b.variants(p.variants(what), nil, b.number.variant),
			}
			if what == "Error" {
				explain(t.Variants)
			}
			return t, true
		}
	}
	return metadata.Type{}, false
}

var wordStart = regexp.MustCompile(`[a-z][A-Z]`)

// explain gives errors a description, the words of their names: the Python SDK
// shows the name of an error only if it has one.
func explain(errors []metadata.Variant) {
	for i := range errors {
		words := wordStart.ReplaceAllStringFunc(errors[i].Name, func(s string) string { return s[:1] + " " + s[1:] })
		errors[i].Docs = []string{strings.ToLower(words)}
	}
}

// variants returns the calls, events or errors of a pallet.
func (p *palletDecl) variants(what string) []variantDecl {
	switch what {
	case "Call":
		return p.calls
	case "Event":
		return p.events
	case "Error":
		return p.errors
	}
	return nil
}

// optional returns the type of an enumeration of a pallet; nil without variants.
func (b *builder) optional(p *palletDecl, what string) *metadata.TypeID {
	if len(p.variants(what)) == 0 {
		return nil
	}
	id := b.of(expr{name: p.name + "::" + what})
	return &id
}
