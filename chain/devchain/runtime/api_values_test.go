package runtime

import (
	"reflect"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
)

// asked calls a method with arguments and wants an answer.
func asked(t *testing.T, r *Runtime, s *State, trait, name string, args metadata.Args) any {
	t.Helper()
	m := method(t, r, trait+"_"+name)
	raw, err := m.Encode(args)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Call(s, m.StateCall(), raw)
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.Decode(out)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// subnetInfo asks a method of SubnetInfoRuntimeApi that answers with a record.
func subnetInfo(t *testing.T, r *Runtime, s *State, method string, args metadata.Args) metadata.Record {
	t.Helper()
	v, ok := asked(t, r, s, "SubnetInfoRuntimeApi", method, args).(metadata.Record)
	if !ok {
		t.Fatalf("%s gives no record", method)
	}
	return v
}

func accounts(first ...byte) (out []any) {
	for _, b := range first {
		k := chain.PublicKey{b}
		out = append(out, k[:])
	}
	return out
}

func TestMetagraphShowsTheState(t *testing.T) {
	cfg := subnetOfThree()
	r, s := New(V1, cfg), Genesis(cfg)
	graph := subnetInfo(t, r, s, "get_metagraph", metadata.Args{"netuid": 1})
	for name, want := range map[string]any{
		"netuid": uint64(1), "tempo": uint64(10), "num_uids": uint64(3), "block": uint64(0),
		"hotkeys": accounts(1, 2, 3), "coldkeys": accounts(101, 102, 101), "validator_permit": []any{true, false, false},
		"alpha_stake": []any{uint64(500), uint64(0), uint64(7)}, "commit_reveal_weights_enabled": false,
	} {
		if got := graph.Get(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := subnetInfo(t, r, s, "get_mechagraph", metadata.Args{"netuid": 1, "mecid": 1}).Get("netuid"); got != uint64(4097) {
		t.Errorf("netuid of the second mechanism is %v, want its storage index 4097", got)
	}
	if got := asked(t, r, s, "SubnetInfoRuntimeApi", "get_mechagraph", metadata.Args{"netuid": 1, "mecid": 2}); got != nil {
		t.Errorf("a third mechanism gives %v", got)
	}
}

func TestSelectiveMetagraphGivesWhatIsAsked(t *testing.T) {
	cfg := subnetOfThree()
	r, s := New(V1, cfg), Genesis(cfg)
	// The numbers are those of the Python SDK's SelectiveMetagraphIndex.
	asks := map[uint16]string{3: "identity", 8: "tempo", 52: "hotkeys", 57: "validator_permit", 66: "block_at_registration", 72: "validators", 73: "commitments"}
	var indexes []uint16
	for i := range asks {
		indexes = append(indexes, i)
	}
	got := subnetInfo(t, r, s, "get_selective_metagraph", metadata.Args{"netuid": 1, "metagraph_indexes": indexes})
	if len(got) != 74 {
		t.Fatalf("%d fields, want 74", len(got))
	}
	for i, f := range got {
		name, wanted := asks[uint16(i)]
		if wanted && f.Name != name {
			t.Errorf("field %d is %s, want %s", i, f.Name, name)
		}
		given := f.Value != nil
		if e, ok := f.Value.(metadata.Enum); ok {
			given = e.Name == "Some"
		}
		if given != (wanted || i == 0) {
			t.Errorf("field %d, %s, is %v", i, f.Name, f.Value)
		}
	}
	if v := got.Get("validators"); !reflect.DeepEqual(v, []any{uint64(0)}) {
		t.Errorf("validators are %v, want uid 0", v)
	}
}

func TestNeuronsAreThoseOfTheMetagraph(t *testing.T) {
	cfg := subnetOfThree()
	r, s := New(V1, cfg), Genesis(cfg)
	for _, method := range []string{"get_neurons", "get_neurons_lite"} {
		list, _ := asked(t, r, s, "NeuronInfoRuntimeApi", method, metadata.Args{"netuid": 1}).([]any)
		if len(list) != 3 {
			t.Fatalf("%s gives %d neurons", method, len(list))
		}
		third := list[2].(metadata.Record)
		stake := []any{[]any{accounts(101)[0], uint64(7)}}
		if third.Get("uid") != uint64(2) || !reflect.DeepEqual(third.Get("stake"), stake) {
			t.Errorf("%s gives %v for uid 2", method, third)
		}
	}
	if got := asked(t, r, s, "NeuronInfoRuntimeApi", "get_neuron_lite", metadata.Args{"netuid": 1, "uid": 3}); got != nil {
		t.Errorf("uid 3 is %v", got)
	}
}

func TestHyperparametersAgreeInAllForms(t *testing.T) {
	cfg := subnetOfThree()
	r, s := New(V1, cfg), Genesis(cfg)
	args := metadata.Args{"netuid": 1}
	record := subnetInfo(t, r, s, "get_subnet_hyperparams_v2", args)
	list, _ := asked(t, r, s, "SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3", args).([]any)
	if len(list) != len(hyperparamKinds) {
		t.Fatalf("%d entries, want %d", len(list), len(hyperparamKinds))
	}
	for _, e := range list {
		entry := e.(metadata.Record)
		name := string(entry.Get("name").([]byte))
		got := entry.Get("value").(metadata.Enum).Fields[0].Value
		if !reflect.DeepEqual(got, record.Get(name)) {
			t.Errorf("%s is %v in the list and %v in the record", name, got, record.Get(name))
		}
	}
}

func TestNextEpochIsThePendingOneIfEarlier(t *testing.T) {
	cfg := subnetOfThree()
	for _, c := range []struct {
		pending uint64
		want    any
	}{{0, uint64(10)}, {4, uint64(4)}, {40, uint64(10)}} {
		s := Genesis(cfg)
		pendingEpochAt.put(s, c.pending, uint16(1))
		if got := asked(t, New(V1, cfg), s, "SubnetInfoRuntimeApi", "get_next_epoch_start_block", metadata.Args{"netuid": 1}); got != c.want {
			t.Errorf("with an epoch pending at %d the next starts at %v, want %v", c.pending, got, c.want)
		}
	}
	s := Genesis(cfg)
	tempo.put(s, 0, uint16(1))
	if got := asked(t, New(V1, cfg), s, "SubnetInfoRuntimeApi", "get_next_epoch_start_block", metadata.Args{"netuid": 1}); got != nil {
		t.Errorf("with tempo 0 the next epoch starts at %v", got)
	}
}

func TestStakeIsThatOfOwnHotkeys(t *testing.T) {
	cfg := subnetOfThree()
	r, s := New(V1, cfg), Genesis(cfg)
	list, _ := asked(t, r, s, "StakeInfoRuntimeApi", "get_stake_info_for_coldkey", metadata.Args{"coldkey_account": chain.PublicKey{101}}).([]any)
	var stakes []uint64
	for _, v := range list {
		stakes = append(stakes, v.(metadata.Record).Get("stake").(uint64))
	}
	if !reflect.DeepEqual(stakes, []uint64{500, 7}) {
		t.Errorf("stakes are %v, want 500 and 7", stakes)
	}
	args := metadata.Args{"hotkey_account": chain.PublicKey{1}, "coldkey_account": chain.PublicKey{102}, "netuid": 1}
	if got := asked(t, r, s, "StakeInfoRuntimeApi", "get_stake_info_for_hotkey_coldkey_netuid", args); got != nil {
		t.Errorf("stake of a coldkey that does not own the hotkey is %v", got)
	}
}

func TestMetadataIsServedInThreeForms(t *testing.T) {
	cfg := subnetOfThree()
	for _, v := range []Version{V1, V2} {
		r, s := New(v, cfg), Genesis(cfg)
		for version := range 18 {
			b, ok := asked(t, r, s, "Metadata", "metadata_at_version", metadata.Args{"version": version}).([]byte)
			if ok != (version >= 14 && version <= 16) {
				t.Errorf("version %d is given: %v", version, ok)
			}
			if !ok {
				continue
			}
			if m, err := metadata.Decode(b); err != nil || m.Version != version {
				t.Errorf("version %d decodes with %v", version, err)
			}
		}
	}
}

func BenchmarkMetagraph(b *testing.B) {
	cfg := subnetOfThree()
	cfg.Subnets[0].Neurons = nil
	for i := range 256 {
		cfg.Subnets[0].Neurons = append(cfg.Subnets[0].Neurons, Neuron{Hotkey: chain.PublicKey{byte(i), 1}})
	}
	r, s := New(V1, cfg), Genesis(cfg)
	for b.Loop() {
		if _, err := r.Call(s, "SubnetInfoRuntimeApi_get_metagraph", []byte{1, 0}); err != nil {
			b.Fatal(err)
		}
	}
}
