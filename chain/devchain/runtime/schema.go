package runtime

import (
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"finest/chain/metadata"
)

// The schema, one statement a line; a line that begins with a space goes on with
// the statement before, # begins a comment. Statements:
//
//	type NAME<PARAMS> = EXPR                     another name
//	type NAME<PARAMS> = PATH(FIELDS) | {FIELDS}  a composite
//	type NAME<PARAMS> = enum PATH {INDEX VARIANT(FIELDS), …}
//	pallet NAME INDEX CRATE                      what follows belongs to it
//	storage NAME [HASHERS KEY =>] VALUE = 0xDEFAULT | ?   (? is optional)
//	call INDEX NAME(FIELDS)
//	event INDEX NAME(FIELDS)
//	error INDEX NAME
//	const NAME TYPE = 0xVALUE
//	api NAME VERSION                             what follows belongs to it
//	method NAME(FIELDS) -> TYPE
//
//go:embed schema/*.txt
var schemaFiles embed.FS

type schema struct {
	types   map[string]typeDecl
	pallets []*palletDecl
	apis    []*apiDecl
}

type typeDecl struct {
	params   []string
	alias    *expr
	path     []string
	enum     bool
	fields   []fieldDecl
	variants []variantDecl
}

type variantDecl struct {
	index  uint8
	name   string
	fields []fieldDecl
}

type palletDecl struct {
	name                  string
	index                 uint8
	crate                 string
	storage               []storageDecl
	calls, events, errors []variantDecl
	consts                []constDecl
}

type storageDecl struct {
	name       string
	hashers    []metadata.Hasher
	key, value expr
	optional   bool
	initial    []byte
}

type constDecl struct {
	name  string
	typ   expr
	value []byte
}

type apiDecl struct {
	name    string
	version uint32
	methods []methodDecl
}

type methodDecl struct {
	name   string
	inputs []fieldDecl
	output expr
}

// loadSchema reads the embedded files once. They are part of the program, so an
// error in them is one of the program.
var loadSchema = sync.OnceValue(func() *schema {
	s := &schema{types: map[string]typeDecl{}}
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := schemaFiles.ReadFile("schema/" + e.Name())
		if err != nil {
			panic(err)
		}
		if err := s.parse(string(text)); err != nil {
			panic(fmt.Sprintf("schema/%s: %v", e.Name(), err))
		}
	}
	s.addData()
	s.addEra()
	return s
})

func (s *schema) parse(text string) error {
	p := parser{schema: s}
	var statement string
	line := 0
	flush := func() error {
		if strings.TrimSpace(statement) == "" {
			return nil
		}
		if err := p.statement(statement); err != nil {
			return fmt.Errorf("statement before line %d: %w", line+1, err)
		}
		return nil
	}
	for l := range strings.Lines(text) {
		line++
		l, _, _ = strings.Cut(l, "#")
		if strings.HasPrefix(l, " ") {
			statement += l
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		statement = l
	}
	return flush()
}

// parser keeps what the statements that follow belong to.
type parser struct {
	*schema
	pallet *palletDecl
	api    *apiDecl
}

func (p *parser) statement(text string) error {
	t := tokenize(text)
	switch verb := t.next(); verb {
	case "type":
		p.typeDecl(t)
	case "pallet":
		p.pallet = &palletDecl{name: t.next(), index: uint8(t.number(8)), crate: t.next()}
		p.pallets = append(p.pallets, p.pallet)
	case "api":
		p.api = &apiDecl{name: t.next(), version: uint32(t.number(32))}
		p.apis = append(p.apis, p.api)
	case "method":
		if p.api == nil {
			return fmt.Errorf("method without api: %s", text)
		}
		m := methodDecl{name: t.next(), inputs: t.fields()}
		t.expect("->")
		m.output = t.expr()
		p.api.methods = append(p.api.methods, m)
	default:
		if p.pallet == nil {
			return fmt.Errorf("%s without pallet", verb)
		}
		p.palletStatement(verb, t)
	}
	if t.err == nil && len(t.rest) > 0 {
		t.fail("%q is left", t.peek())
	}
	if t.err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(text), t.err)
	}
	return nil
}

func (p *parser) palletStatement(verb string, t *tokens) {
	d := p.pallet
	switch verb {
	case "storage":
		d.storage = append(d.storage, storageStatement(t))
	case "call":
		d.calls = append(d.calls, variant(t))
	case "event":
		d.events = append(d.events, variant(t))
	case "error":
		d.errors = append(d.errors, variant(t))
	case "const":
		c := constDecl{name: t.next(), typ: t.expr()}
		t.expect("=")
		c.value = t.bytes()
		d.consts = append(d.consts, c)
	default:
		t.fail("no statement begins with %q", verb)
	}
}

func storageStatement(t *tokens) storageDecl {
	d := storageDecl{name: t.next()}
	for {
		h, ok := hasherNames[t.peek()]
		if !ok {
			break
		}
		t.next()
		d.hashers = append(d.hashers, h)
		t.accept(",")
	}
	d.value = t.expr()
	if len(d.hashers) > 0 {
		t.expect("=>")
		d.key, d.value = d.value, t.expr()
	}
	if t.accept("?") {
		d.optional, d.initial = true, []byte{0}
		return d
	}
	t.expect("=")
	d.initial = t.bytes()
	return d
}

var hasherNames = map[string]metadata.Hasher{
	"Blake2_128Concat": metadata.Blake2_128Concat,
	"Twox64Concat":     metadata.Twox64Concat,
	"Identity":         metadata.Identity,
}

func variant(t *tokens) variantDecl {
	return variantDecl{index: uint8(t.number(8)), name: t.next(), fields: t.fields()}
}

func (t *tokens) bytes() []byte {
	tok := t.next()
	digits, ok := strings.CutPrefix(tok, "0x")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil {
		t.fail("%q is no hex", tok)
	}
	return b
}

func (p *parser) typeDecl(t *tokens) {
	head := t.expr()
	t.expect("=")
	d := typeDecl{}
	for _, a := range head.args {
		d.params = append(d.params, a.name)
	}
	d.enum = t.accept("enum")
	body := t.expr()
	switch {
	case d.enum:
		d.path = strings.Split(body.name, "::")
		t.expect("{")
		for t.err == nil && !t.accept("}") {
			d.variants = append(d.variants, variant(t))
			if !t.accept(",") {
				t.expect("}")
				break
			}
		}
	case t.peek() == "(" || t.peek() == "{":
		d.path = strings.Split(body.name, "::")
		d.fields = t.fields()
	default:
		d.alias = &body
	}
	if _, ok := p.types[head.name]; ok {
		t.fail("type %s is declared twice", head.name)
	}
	p.types[head.name] = d
}
