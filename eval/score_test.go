package eval_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"finest/eval"
)

func TestDecay(t *testing.T) {
	p := eval.Mainnet()
	for age, want := range map[uint64]float64{0: 1, 3600: math.Sqrt(0.5), 7200: 0.5, 14400: 0.25, 7200 * 1074: 0x1p-1074, 7200 * 1200: 0, math.MaxUint64: 0} {
		if got := p.Decay(age); got != want {
			t.Errorf("decay of age %d is %v, want %v", age, got, want)
		}
	}
	last := 1.0
	for age := uint64(1); age < 30_000; age += 7 {
		got, want := p.Decay(age), math.Exp2(-float64(age)/7200)
		if math.Abs(got-want) > 1e-14*want || got >= last {
			t.Fatalf("decay of age %d is %v, want %v and less than %v", age, got, want, last)
		}
		last = got
	}
	// The bits are part of the protocol.
	for age, bits := range map[uint64]uint64{1: 0x3fefff361db01b95, 1234: 0x3fec6a648d5cb9fb, 7199: 0x3fe00064f3a4d685} {
		if got := math.Float64bits(p.Decay(age)); got != bits {
			t.Errorf("decay of age %d has bits %#x, want %#x", age, got, bits)
		}
	}
}

func TestTimeliness(t *testing.T) {
	p := eval.Mainnet()
	const bytes = 100 << 20 // reference time 25 + 9
	for _, tc := range []struct {
		elapsed uint64
		want    float64
	}{{0, 1}, {34, 1}, {35, 1 - 1.0/7166}, {34 + 3583, 0.5}, {7200, 0}, {7201, 0}, {math.MaxUint64, 0}} {
		if got := p.Timeliness(tc.elapsed, bytes); math.Abs(got-tc.want) > 1e-15 {
			t.Errorf("timeliness after %d blocks is %v, want %v", tc.elapsed, got, tc.want)
		}
	}
	for bytes, want := range map[int64]uint64{0: 25, 1: 26, 12 << 20: 26, 12<<20 + 1: 27, 1 << 40: 25 + 87382} {
		if got := p.ReferenceTime(bytes); got != want {
			t.Errorf("reference time of %d bytes is %d, want %d", bytes, got, want)
		}
	}
	if got := p.Timeliness(7200, 1<<40); got != 1 {
		t.Errorf("a task whose reference time exceeds the deadline has timeliness %v at the deadline", got)
	}
	if got := eval.Devnet().ReferenceTime(1 << 40); got != 20 {
		t.Errorf("reference time of devnet is %d", got)
	}
}

func TestPay(t *testing.T) {
	p := eval.Mainnet()
	for _, tc := range []struct{ quality, timeliness, want float64 }{{1, 1, 1000}, {1, 0, 800}, {0.5, 1, 500}, {0, 1, 0}, {1, 0.5, 900}} {
		if got := p.Pay(1000, tc.quality, tc.timeliness); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("pay at quality %v, timeliness %v is %v, want %v", tc.quality, tc.timeliness, got, tc.want)
		}
	}
}

func TestAuditProbability(t *testing.T) {
	p := eval.Mainnet()
	for accepted, want := range map[int64]float64{-1: 1, 0: 1, 9: 1, 10: 1 / math.Sqrt(10), 16: 0.25, 100: 0.1, 1 << 40: 0.1} {
		if got := p.AuditProbability(accepted); got != want {
			t.Errorf("probability after %d accepted tasks is %v, want %v", accepted, got, want)
		}
	}
	if got := eval.Devnet().AuditProbability(1000); got != 1 {
		t.Errorf("devnet audits with probability %v", got)
	}
	var audited int
	for i := range 10_000 {
		if p.Audited(eval.Seed{byte(i), byte(i >> 8)}, 16) {
			audited++
		}
	}
	if audited < 2385 || audited > 2615 { // 99 % interval around 2,500
		t.Errorf("%d of 10,000 were audited with probability 1/4", audited)
	}
}

func TestScore(t *testing.T) {
	p := eval.Devnet()
	task := func(hotkey, task string, generation int64, block uint64, edits ...func(*eval.Submission)) eval.Submission {
		s := eval.Submission{Hotkey: hotkey, Task: task, Generation: generation, Block: block, Leased: block - 10, Work: 1000, Quality: 1, Outcome: eval.Accepted}
		for _, e := range edits {
			e(&s)
		}
		return s
	}
	fraud := func(s *eval.Submission) { s.Fraud, s.Outcome = true, eval.Rejected }
	late := func(s *eval.Submission) { s.Leased = s.Block - 70 } // timeliness ½
	for _, tc := range []struct {
		name     string
		in       []eval.Submission
		want     map[string]float64
		unearned float64
	}{
		{"nothing", nil, map[string]float64{}, 0},
		{"one task, one half-life old", []eval.Submission{task("a", "t1", 1, 120)}, map[string]float64{"a": 500}, 0},
		{"a late one", []eval.Submission{task("a", "t1", 1, 240, late)}, map[string]float64{"a": 900}, 100},
		{"a task pays once, to the highest generation",
			[]eval.Submission{task("a", "t1", 1, 240), task("b", "t1", 2, 240), task("c", "t1", 3, 240, func(s *eval.Submission) { s.Outcome = eval.Undecided })},
			map[string]float64{"b": 1000}, 0},
		{"one generation twice pays the earlier", []eval.Submission{task("b", "t1", 1, 240), task("a", "t1", 1, 239, func(s *eval.Submission) { s.Work = 500 })},
			map[string]float64{"a": 500 * p.Decay(1)}, 0},
		{"fraud takes the window's tasks, and the task goes to the next",
			[]eval.Submission{task("a", "t1", 2, 130), task("a", "t2", 1, 235, fraud), task("b", "t1", 1, 240), task("a", "t3", 1, 240)},
			map[string]float64{"a": 1000, "b": 1000}, 0},
		{"a proof by others counts whatever the own verdict", []eval.Submission{task("a", "t1", 1, 240, func(s *eval.Submission) { s.Fraud = true })}, map[string]float64{}, 0},
		{"quality below the floor pays nothing, and is burnt", []eval.Submission{task("a", "t1", 1, 240, func(s *eval.Submission) { s.Quality = 0 })}, map[string]float64{}, 1000},
		{"claims of the future do not grow", []eval.Submission{task("a", "t1", 1, 300)}, map[string]float64{"a": 1000}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := p.Score(240, tc.in)
			if len(got.Details) != len(tc.in) {
				t.Errorf("%d details for %d submissions", len(got.Details), len(tc.in))
			}
			if len(got.ByHotkey) != len(tc.want) || math.Abs(got.Unearned-tc.unearned) > 1e-9 {
				t.Errorf("scores %v, unearned %v; want %v, %v", got.ByHotkey, got.Unearned, tc.want, tc.unearned)
			}
			for hotkey, want := range tc.want {
				if math.Abs(got.ByHotkey[hotkey]-want) > 1e-9 {
					t.Errorf("score of %s is %v, want %v", hotkey, got.ByHotkey[hotkey], want)
				}
			}
			for _, d := range got.Details {
				if d.Pays == (d.Reason != "") {
					t.Errorf("%s of %s: pays %v, reason %q", d.Task, d.Hotkey, d.Pays, d.Reason)
				}
			}
		})
	}
}

func TestScoreDoesNotDependOnOrder(t *testing.T) {
	p := eval.Mainnet()
	rng := rand.New(rand.NewPCG(1, 1))
	var in []eval.Submission
	for i := range 200 {
		in = append(in, eval.Submission{
			Hotkey: string(rune('a' + i%7)), Task: string(rune('A' + i%60)), Generation: int64(i/60 + 1), Block: 10_000 + rng.Uint64N(20_000),
			Leased: 9_000, Work: rng.Int64N(1 << 40), Quality: rng.Float64(), Outcome: eval.Accepted, Fraud: i%50 == 49,
		})
	}
	want := p.Score(40_000, in)
	for range 20 {
		rng.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		if got := p.Score(40_000, in); !reflect.DeepEqual(got, want) {
			t.Fatal("scores depend on the order of submissions")
		}
	}
}

// TestSplittingGainsNothing: the same work under many hotkeys scores the same.
func TestSplittingGainsNothing(t *testing.T) {
	p := eval.Devnet()
	one, many := []eval.Submission{}, []eval.Submission{}
	for i := range 8 {
		s := eval.Submission{Task: string(rune('A' + i)), Generation: 1, Block: 230, Leased: 220, Work: 1 << 30, Quality: 1, Outcome: eval.Accepted, Hotkey: "a"}
		one = append(one, s)
		s.Hotkey = string(rune('a' + i))
		many = append(many, s)
	}
	var sum float64
	for _, v := range p.Score(240, many).ByHotkey {
		sum += v
	}
	if got := p.Score(240, one).ByHotkey["a"]; math.Abs(got-sum) > 1e-6 {
		t.Errorf("one hotkey scores %v, eight together %v", got, sum)
	}
}
