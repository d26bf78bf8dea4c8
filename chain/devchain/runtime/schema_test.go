package runtime_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "chain", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// shape spells a type out down to its primitives: kinds, names of fields and
// variants, indices and paths; what it refers to again is left out.
func shape(m *metadata.Metadata, id metadata.TypeID) string {
	var b strings.Builder
	writeShape(&b, m, id, map[metadata.TypeID]bool{})
	return b.String()
}

func writeShape(b *strings.Builder, m *metadata.Metadata, id metadata.TypeID, within map[metadata.TypeID]bool) {
	t := &m.Types[id]
	if within[id] {
		fmt.Fprintf(b, "again %s", strings.Join(t.Path, "::"))
		return
	}
	within[id] = true
	defer delete(within, id)
	fields := func(list []metadata.Field) {
		for _, f := range list {
			fmt.Fprintf(b, " %s:", f.Name)
			writeShape(b, m, f.Type, within)
		}
	}
	fmt.Fprintf(b, "%s(", strings.Join(t.Path, "::"))
	switch t.Kind {
	case metadata.Composite:
		fields(t.Fields)
	case metadata.Variants:
		variants := slices.Clone(t.Variants) // some are not declared in the order of their indices
		slices.SortFunc(variants, func(a, b metadata.Variant) int { return int(a.Index) - int(b.Index) })
		for _, v := range variants {
			fmt.Fprintf(b, " %d %s", v.Index, v.Name)
			fields(v.Fields)
		}
	case metadata.Tuple:
		for _, e := range t.Tuple {
			writeShape(b, m, e, within)
		}
	case metadata.Primitive:
		fmt.Fprintf(b, "primitive %d", t.Prim)
	default:
		fmt.Fprintf(b, "kind %d of %d ", t.Kind, t.Len)
		writeShape(b, m, t.Elem, within)
	}
	b.WriteString(")")
}

// Everything that the first runtime has is as in the metadata of Subtensor's spec
// 424: indices, hashers, defaults, shapes.
func TestSchemaIsThatOfSubtensor(t *testing.T) {
	real, err := metadata.Decode(fixture(t, "metadata-spec424-v16.scale"))
	if err != nil {
		t.Fatal(err)
	}
	ours := runtime.Metadata(runtime.V1)
	for i := range ours.Pallets {
		p := &ours.Pallets[i]
		q, ok := real.Pallet(p.Name)
		if !ok {
			t.Errorf("pallet %s is not in spec 424", p.Name)
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			if p.Index != q.Index || p.Prefix != "" && p.Prefix != q.Prefix {
				t.Errorf("index %d, prefix %s; want %d, %s", p.Index, p.Prefix, q.Index, q.Prefix)
			}
			compareStorage(t, ours, p, real, q)
			compareVariants(t, "call", ours, p.Calls, real, q.Calls)
			compareVariants(t, "event", ours, p.Events, real, q.Events)
			compareVariants(t, "error", ours, p.Errors, real, q.Errors)
			compareConstants(t, ours, p, real, q)
		})
	}
	if got, want := names(ours.Extrinsic.Signed()), names(real.Extrinsic.Signed()); got != want {
		t.Errorf("signed extensions %s, want %s", got, want)
	}
}

func names(list []metadata.Extension) string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name)
	}
	return strings.Join(out, " ")
}

func compareStorage(t *testing.T, ours *metadata.Metadata, p *metadata.Pallet, real *metadata.Metadata, q *metadata.Pallet) {
	t.Helper()
	theirs := map[string]metadata.Storage{}
	for _, s := range q.Storage {
		theirs[s.Name] = s
	}
	for _, s := range p.Storage {
		w, ok := theirs[s.Name]
		switch {
		case !ok:
			t.Errorf("storage item %s is not in spec 424", s.Name)
		case s.Optional != w.Optional, !slices.Equal(s.Hashers, w.Hashers), !bytes.Equal(s.Default, w.Default):
			t.Errorf("storage item %s: %v %v %x; want %v %v %x", s.Name, s.Optional, s.Hashers, s.Default, w.Optional, w.Hashers, w.Default)
		case s.Name == "Events": // compared event by event
		default:
			if got, want := shape(ours, s.Value), shape(real, w.Value); got != want {
				t.Errorf("storage item %s holds %s, want %s", s.Name, got, want)
			}
			if len(s.Hashers) == 0 {
				continue
			}
			if got, want := shape(ours, s.Key), shape(real, w.Key); got != want {
				t.Errorf("storage item %s has keys %s, want %s", s.Name, got, want)
			}
		}
	}
}

func compareVariants(t *testing.T, what string, ours *metadata.Metadata, a *metadata.TypeID, real *metadata.Metadata, b *metadata.TypeID) {
	t.Helper()
	if a == nil {
		return
	}
	if b == nil {
		t.Errorf("spec 424 has no %ss", what)
		return
	}
	theirs := map[string]metadata.Variant{}
	for _, v := range real.Types[*b].Variants {
		theirs[v.Name] = v
	}
	for _, v := range ours.Types[*a].Variants {
		w, ok := theirs[v.Name]
		if !ok || v.Index != w.Index || len(v.Fields) != len(w.Fields) {
			t.Errorf("%s %d %s with %d fields; spec 424 has %d with %d", what, v.Index, v.Name, len(v.Fields), w.Index, len(w.Fields))
			continue
		}
		for i, f := range v.Fields {
			if strings.Contains(w.Fields[i].TypeName, "RuntimeCall") || strings.Contains(w.Fields[i].TypeName, "::RuntimeCall>") {
				continue // its pallets are compared one by one
			}
			if got, want := f.Name+shape(ours, f.Type), w.Fields[i].Name+shape(real, w.Fields[i].Type); got != want {
				t.Errorf("%s %s: field %s, want %s", what, v.Name, got, want)
			}
		}
	}
}

func compareConstants(t *testing.T, ours *metadata.Metadata, p *metadata.Pallet, real *metadata.Metadata, q *metadata.Pallet) {
	t.Helper()
	theirs := map[string]metadata.Constant{}
	for _, c := range q.Constants {
		theirs[c.Name] = c
	}
	for _, c := range p.Constants {
		w, ok := theirs[c.Name]
		if !ok || shape(ours, c.Type) != shape(real, w.Type) {
			t.Errorf("constant %s is not that of spec 424", c.Name)
		}
		if c.Name != "Version" && !bytes.Equal(c.Value, w.Value) { // which names our runtime APIs
			t.Errorf("constant %s is %x, want %x", c.Name, c.Value, w.Value)
		}
	}
}

// Every storage item in the fixture's table is there.
func TestSchemaHasTheReference(t *testing.T) {
	m := runtime.Metadata(runtime.V1)
	for line := range strings.Lines(string(fixture(t, "storage-spec424.txt"))) {
		pallet, item, ok := strings.Cut(strings.SplitN(line, "\t", 2)[0], ".")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := m.StorageItem(pallet, item); err != nil {
			t.Error(err)
		}
	}
}

// The second runtime has everything that the first has, by name; numbers moved.
func TestUpgradeKeepsNames(t *testing.T) {
	one, two := runtime.Metadata(runtime.V1), runtime.Metadata(runtime.V2)
	for i := range one.Pallets {
		p, q := &one.Pallets[i], &two.Pallets[i]
		if p.Name != q.Name || len(p.Storage) != len(q.Storage) {
			t.Fatalf("pallet %s became %s", p.Name, q.Name)
		}
		for j := range p.Storage {
			if p.Storage[j].Name != q.Storage[j].Name || !bytes.Equal(p.Storage[j].Default, q.Storage[j].Default) {
				t.Errorf("%s.%s changed", p.Name, p.Storage[j].Name)
			}
		}
		for _, pair := range [][2]*metadata.TypeID{{p.Calls, q.Calls}, {p.Events, q.Events}, {p.Errors, q.Errors}} {
			if pair[0] == nil {
				continue
			}
			for k, v := range one.Types[*pair[0]].Variants {
				if w := two.Types[*pair[1]].Variants[k]; w.Name != v.Name || w.Index == v.Index {
					t.Errorf("%s.%s is %d and becomes %s %d", p.Name, v.Name, v.Index, w.Name, w.Index)
				}
			}
		}
	}
	if runtime.V2.Spec() <= runtime.V1.Spec() {
		t.Error("the spec version does not rise")
	}
}

// The metadata of both runtimes survives each form that nodes serve.
func TestMetadataForms(t *testing.T) {
	for _, v := range []runtime.Version{runtime.V1, runtime.V2} {
		for _, form := range []int{14, 15, 16} {
			raw, err := runtime.Metadata(v).Encode(form)
			if err != nil {
				t.Fatalf("%s in V%d: %v", v, form, err)
			}
			m, err := metadata.Decode(raw)
			if err != nil {
				t.Fatalf("%s in V%d: %v", v, form, err)
			}
			again, err := m.Encode(form)
			if err != nil || !bytes.Equal(raw, again) {
				t.Errorf("%s in V%d: other bytes after decoding: %v", v, form, err)
			}
		}
	}
}

// Calls and keys are those that polkadot.js made with the real metadata.
func TestGoldenKeysAndCalls(t *testing.T) {
	m := runtime.Metadata(runtime.V1)
	seen := 0
	for line := range strings.Lines(string(fixture(t, "golden-calls-spec424.txt"))) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		label, digits, _ := strings.Cut(rest, "\t")
		want, err := hex.DecodeString(strings.TrimPrefix(digits, "0x"))
		if err != nil || kind != "call" {
			continue
		}
		c, err := m.DecodeCall(want)
		if err != nil {
			t.Errorf("%s: %v", label, err)
			continue
		}
		args := metadata.Args{}
		for _, a := range c.Args {
			args[a.Name] = a.Value
		}
		got, err := m.Call(c.Pallet, c.Name, args)
		if err != nil || !bytes.Equal(got, want) || !strings.HasPrefix(label, c.Name) {
			t.Errorf("%s: %s %x, %v", label, c.Name, got, err)
		}
		seen++
	}
	if seen == 0 {
		t.Error("the file names no calls")
	}
}
