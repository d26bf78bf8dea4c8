package runtime_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"finest/chain/devchain/runtime"
)

func TestConfigJSON(t *testing.T) {
	cfg := config(t)
	cfg.Drand = runtime.Beacon{Genesis: 7, Period: 1}
	cfg.Balances = []runtime.Balance{{Account: runtime.Alice, Free: 1<<63 + 1}}
	cfg.StakeThreshold = 1 << 60
	cfg.NoGuards = true
	cfg.Sudo = runtime.Alice
	s := &cfg.Subnets[0]
	s.CommitReveal, s.RevealPeriod, s.Mechanisms, s.MaxUIDs, s.MaxValidators, s.Elect, s.MaxWeight = true, 2, 2, 9, 3, true, 5
	raw, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var back runtime.Config
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cfg, back) {
		t.Errorf("%+v became %+v", cfg, back)
	}
	for _, bad := range []string{
		strings.Replace(string(raw), `"version":1`, `"version":2`, 1),
		strings.Replace(string(raw), `"tempo":20`, `"tempo":20,"tempos":1`, 1),
		`{}`,
	} {
		if json.Unmarshal([]byte(bad), &back) == nil {
			t.Errorf("%.60s… was read", bad)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	cases := map[string]func(*runtime.Config){
		"below a millisecond":   func(c *runtime.Config) { c.BlockTime = time.Microsecond },
		"root network":          func(c *runtime.Config) { c.Subnets[0].Netuid = 0 },
		"given twice":           func(c *runtime.Config) { c.Subnets = append(c.Subnets, c.Subnets[0]) },
		"not below":             func(c *runtime.Config) { c.Subnets[0].Netuid = 4096 },
		"more than 2":           func(c *runtime.Config) { c.Subnets[0].MaxUIDs = 2 },
		"is registered twice":   func(c *runtime.Config) { c.Subnets[0].Neurons[1] = c.Subnets[0].Neurons[0] },
		"rounds have no period": func(c *runtime.Config) { c.Drand.Genesis = 1 },
	}
	for want, change := range cases {
		cfg := config(t)
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What is read as a configuration is written with the same bytes.
func FuzzConfig(f *testing.F) {
	raw, err := json.Marshal(config(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var cfg runtime.Config
		if cfg.UnmarshalJSON(raw) != nil {
			return
		}
		back, err := cfg.MarshalJSON()
		if err != nil || string(back) != string(raw) {
			t.Errorf("%s became %s, %v", raw, back, err)
		}
	})
}
