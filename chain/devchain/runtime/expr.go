package runtime

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// expr is a type as the schema writes it: u16, Vec<T>, (A, B), [u8; 32].
type expr struct {
	name string // a primitive, a declared type or a parameter; "" for tuples and arrays
	args []expr // of a generic type; the items of a tuple; the one item of an array
	len  uint32 // of an array
	kind exprKind
}

type exprKind uint8

const (
	named exprKind = iota
	tuple
	array
)

// String is the one spelling of the type, which metadata shows as the name of a
// field's type.
func (e expr) String() string {
	items := make([]string, len(e.args))
	for i, a := range e.args {
		items[i] = a.String()
	}
	list := strings.Join(items, ", ")
	switch {
	case e.kind == tuple:
		return "(" + list + ")"
	case e.kind == array:
		return fmt.Sprintf("[%s; %d]", list, e.len)
	case len(items) > 0:
		return e.name + "<" + list + ">"
	}
	return e.name
}

// with replaces parameters by the types given for them.
func (e expr) with(params map[string]expr) expr {
	if p, ok := params[e.name]; ok && e.kind == named {
		return p
	}
	out := e
	out.args = make([]expr, len(e.args))
	for i, a := range e.args {
		out.args[i] = a.with(params)
	}
	return out
}

// tokens reads one statement of the schema. Its first error sticks.
type tokens struct {
	rest []string
	err  error
}

var token = regexp.MustCompile(`->|=>|[A-Za-z0-9_]+(?:::[A-Za-z0-9_]+)*|\S`)

func tokenize(s string) *tokens { return &tokens{rest: token.FindAllString(s, -1)} }

func (t *tokens) peek() string {
	if len(t.rest) == 0 {
		return ""
	}
	return t.rest[0]
}

func (t *tokens) next() string {
	tok := t.peek()
	if tok == "" {
		t.fail("statement ends early")
		return ""
	}
	t.rest = t.rest[1:]
	return tok
}

// accept takes tok if it comes next.
func (t *tokens) accept(tok string) bool {
	if t.peek() != tok {
		return false
	}
	t.rest = t.rest[1:]
	return true
}

func (t *tokens) expect(tok string) {
	if !t.accept(tok) {
		t.fail("%q where %q was expected", t.peek(), tok)
	}
}

func (t *tokens) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
		t.rest = nil
	}
}

func (t *tokens) number(bits int) uint64 {
	tok := t.next()
	n, err := strconv.ParseUint(tok, 10, bits)
	if err != nil {
		t.fail("%q is no number of %d bits", tok, bits)
	}
	return n
}

func (t *tokens) expr() expr {
	switch tok := t.next(); tok {
	case "(":
		return expr{kind: tuple, args: t.exprs(")")}
	case "[":
		e := expr{kind: array, args: []expr{t.expr()}}
		t.expect(";")
		e.len = uint32(t.number(32))
		t.expect("]")
		return e
	default:
		e := expr{name: tok}
		if t.accept("<") {
			e.args = t.exprs(">")
		}
		return e
	}
}

// exprs reads types up to and with end.
func (t *tokens) exprs(end string) (out []expr) {
	for t.err == nil && !t.accept(end) {
		out = append(out, t.expr())
		if !t.accept(",") {
			t.expect(end)
			break
		}
	}
	return out
}

// fieldDecl is one field of a composite, variant, call or method.
type fieldDecl struct {
	name string // "" in tuple-like ones
	typ  expr
}

// fields reads (A, B), {a: A, b: B} or nothing. With names, (a: A, b: B) too.
func (t *tokens) fields() (out []fieldDecl) {
	var end string
	switch {
	case t.accept("("):
		end = ")"
	case t.accept("{"):
		end = "}"
	default:
		return nil
	}
	for t.err == nil && !t.accept(end) {
		var f fieldDecl
		if len(t.rest) > 1 && t.rest[1] == ":" {
			f.name = t.next()
			t.expect(":")
		}
		f.typ = t.expr()
		out = append(out, f)
		if !t.accept(",") {
			t.expect(end)
			break
		}
	}
	return out
}
