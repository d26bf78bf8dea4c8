package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/metadata"
)

// real is the metadata of spec 424 as the chain gave it.
func real(t *testing.T) *metadata.Metadata {
	folder := os.Getenv("FINEST_TESTDATA")
	if folder == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	b, err := os.ReadFile(filepath.Join(folder, "chain", "metadata-spec424-v16.scale"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := metadata.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shape writes a type out to its primitives: paths, names of fields, variants.
// Calls and extrinsics are left to the tests of the pallets.
func shape(m *metadata.Metadata, id metadata.TypeID) string {
	t := m.Types[id]
	path := strings.Join(t.Path, "::")
	switch name := t.Path[max(0, len(t.Path)-1):]; {
	case len(name) == 0:
	case name[0] == "UncheckedExtrinsic", name[0] == "RuntimeCall":
		return name[0]
	case name[0] == "Cow": // of no effect on the wire
		return shape(m, t.Params[0].Type)
	}
	fields := func(list []metadata.Field) string {
		var b strings.Builder
		for _, f := range list {
			fmt.Fprintf(&b, "%s: %s, ", f.Name, shape(m, f.Type))
		}
		return "{" + b.String() + "}"
	}
	switch t.Kind {
	case metadata.Composite:
		return path + fields(t.Fields)
	case metadata.Variants:
		var b strings.Builder
		for _, v := range t.Variants {
			fmt.Fprintf(&b, "%d %s%s ", v.Index, v.Name, fields(v.Fields))
		}
		return path + "(" + b.String() + ")"
	case metadata.Sequence:
		return "Vec<" + shape(m, t.Elem) + ">"
	case metadata.Array:
		return fmt.Sprintf("[%s; %d]", shape(m, t.Elem), t.Len)
	case metadata.Compact:
		return "Compact<" + shape(m, t.Elem) + ">"
	case metadata.Tuple:
		var b strings.Builder
		for _, e := range t.Tuple {
			b.WriteString(shape(m, e) + ", ")
		}
		return "(" + b.String() + ")"
	}
	return fmt.Sprintf("primitive %d", t.Prim)
}

func TestAPIsAreThoseOfTheChain(t *testing.T) {
	ours, theirs := Metadata(V1), real(t)
	versions := map[string]uint32{}
	for _, a := range theirs.APIs {
		versions[a.Name] = a.Version
	}
	for _, a := range ours.APIs {
		if a.Version != versions[a.Name] {
			t.Errorf("%s has version %d, spec 424 has %d", a.Name, a.Version, versions[a.Name])
		}
		for _, m := range a.Methods {
			want, err := theirs.APIMethod(a.Name, m.Name)
			if err != nil {
				t.Errorf("%s.%s: %v", a.Name, m.Name, err)
				continue
			}
			if got, want := shape(ours, m.Output), shape(theirs, want.Output); got != want {
				t.Errorf("%s.%s gives\n%s\nwant\n%s", a.Name, m.Name, got, want)
			}
			if len(m.Inputs) != len(want.Inputs) {
				t.Errorf("%s.%s has %d inputs, want %d", a.Name, m.Name, len(m.Inputs), len(want.Inputs))
				continue
			}
			for i, in := range m.Inputs {
				w := want.Inputs[i]
				if in.Name != w.Name || shape(ours, in.Type) != shape(theirs, w.Type) {
					t.Errorf("%s.%s takes %s %s, want %s %s", a.Name, m.Name, in.Name, shape(ours, in.Type), w.Name, shape(theirs, w.Type))
				}
			}
		}
	}
}

// subnetOfThree is a chain with one subnet: an owner who validates, and two more.
func subnetOfThree() Config {
	return Config{
		Start: time.Unix(1_700_000_000, 0), BlockTime: time.Second,
		Subnets: []Subnet{{
			Netuid: 1, Owner: chain.PublicKey{1}, OwnerColdkey: chain.PublicKey{101}, Tempo: 10, Mechanisms: 2,
			Neurons: []Neuron{
				{Hotkey: chain.PublicKey{1}, Coldkey: chain.PublicKey{101}, Stake: 500, Permit: true},
				{Hotkey: chain.PublicKey{2}, Coldkey: chain.PublicKey{102}},
				{Hotkey: chain.PublicKey{3}, Coldkey: chain.PublicKey{101}, Stake: 7},
			},
		}},
	}
}

// anyArgs gives an argument for every name that a method may take.
var anyArgs = map[string]any{
	"version": 15, "account": chain.PublicKey{1}, "uxt": []byte{4, 0}, "len": 100, "length": 100,
	"tao": 5, "alpha": 5,
	"weight": map[string]any{"ref_time": 1, "proof_size": 1},
	"netuid": 1, "uid": 0, "mecid": 1, "subid": 1, "metagraph_indexes": []uint16{0, 3, 52, 73},
	"coldkey": chain.PublicKey{101}, "coldkey_account": chain.PublicKey{101}, "coldkey_accounts": []chain.PublicKey{{101}},
	"hotkey_account": chain.PublicKey{1},
	"call":           metadata.NewEnum("System", metadata.NewEnum("remark", []byte{1})),
}

func TestEveryMethodAnswers(t *testing.T) {
	cfg := subnetOfThree()
	s := Genesis(cfg)
	for _, v := range []Version{V1, V2} {
		r := New(v, cfg)
		declared := map[string]bool{}
		for _, a := range r.meta.APIs {
			for _, d := range a.Methods {
				name := a.Name + "_" + d.Name
				declared[name] = true
				for _, netuid := range []int{1, 77} {
					anyArgs["netuid"] = netuid
					if _, err := ask(t, r, s, name); err != nil {
						t.Errorf("%s of subnet %d: %v", name, netuid, err)
					}
				}
			}
		}
		for name := range apis {
			if !declared[name] {
				t.Errorf("%s has an answer and no declaration", name)
			}
		}
	}
}

// method finds a method by the name that state_call gives it.
func method(t testing.TB, r *Runtime, name string) *metadata.APIMethod {
	trait, name, _ := strings.Cut(name, "_")
	m, err := r.meta.APIMethod(trait, name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask asks a method with anyArgs and decodes the answer.
func ask(t testing.TB, r *Runtime, s *State, name string) (any, error) {
	m := method(t, r, name)
	args := metadata.Args{}
	for _, in := range m.Inputs {
		args[in.Name] = anyArgs[in.Name]
	}
	raw, err := m.Encode(args)
	if err != nil {
		return nil, err
	}
	out, err := r.Call(s, name, raw)
	if err != nil {
		return nil, err
	}
	return m.Decode(out)
}

func TestUnknownMethodIsNamed(t *testing.T) {
	cfg := subnetOfThree()
	_, err := New(V1, cfg).Call(Genesis(cfg), "SubnetInfoRuntimeApi_get_weather", nil)
	var unknown *UnknownAPIError
	if !errors.As(err, &unknown) || unknown.Method != "SubnetInfoRuntimeApi_get_weather" {
		t.Fatalf("error is %v", err)
	}
}

func TestArgumentsAreChecked(t *testing.T) {
	cfg := subnetOfThree()
	for _, args := range [][]byte{nil, {1}, {1, 0, 0}} {
		if _, err := New(V1, cfg).Call(Genesis(cfg), "NeuronInfoRuntimeApi_get_neurons_lite", args); err == nil {
			t.Errorf("arguments %x are taken", args)
		}
	}
}
