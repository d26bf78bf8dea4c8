package torch_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"finest/eval/lm"
	"finest/eval/lm/torch"
)

// fakeVariable makes the test binary a program that trains: its value says how
// it behaves.
const fakeVariable = "FAKE_TRAINER"

func TestMain(m *testing.M) {
	if how := os.Getenv(fakeVariable); how != "" {
		os.Exit(fake(how))
	}
	os.Exit(m.Run())
}

// command runs this test binary as a program that behaves as how says.
func command(how string) []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{"env", fakeVariable + "=" + how, self}
}

// fakeJob is the job as doc.go describes it.
type fakeJob struct {
	Protocol int     `json:"protocol"`
	Spec     lm.Spec `json:"spec"`
	Steps    int     `json:"steps"`
	Folder   string  `json:"folder"`
	Tensors  []struct {
		Name  string `json:"name"`
		Shape []int  `json:"shape"`
	} `json:"tensors"`
	Shards []struct {
		File  string `json:"file"`
		Steps int    `json:"steps"`
	} `json:"shards"`
	Examples int `json:"examples"`
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// hello is the first line of every fake.
const hello = `{"type":"hello","protocol":1,"torch":"9.9","device":"cpu","dtype":"float32","mode":"eager"}`

// fake is a program that speaks the protocol, or does not.
func fake(how string) int {
	probing := slices.Contains(os.Args, "--probe")
	if f, ok := deafFakes[how]; ok {
		return f(probing)
	}
	if probing {
		say(hello)
		return 0
	}
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return 3
	}
	var j fakeJob
	if err := json.Unmarshal(line, &j); err != nil {
		return 3
	}
	if how == "orphan" {
		return orphan(input, j)
	}
	say(hello)
	if f, ok := lies[how]; ok {
		return f(j)
	}
	if err := honest(j); err != nil {
		say(`{"type":"error","message":%q}`, err)
		return 1
	}
	return 0
}

// honest trains with the native trainer what the files say.
func honest(j fakeJob) error {
	job, err := readJob(j)
	if err != nil {
		return err
	}
	step := 0
	job.Progress = func(p lm.Progress) {
		if p.Step > step {
			step = p.Step
			say(`{"type":"step","step":%d,"loss":%v}`, p.Step, p.Loss)
		}
		if p.Example > 0 {
			say(`{"type":"scored","example":%d}`, p.Example)
		}
	}
	r, err := (&lm.Native{Workers: 1}).Train(context.Background(), job)
	if err != nil && strings.Contains(err.Error(), lm.ErrDiverged.Error()) {
		say(`{"type":"diverged","step":%d}`, step+1)
		return nil
	}
	if err != nil {
		return err
	}
	if err := writeScores(j, r.Scores); err != nil {
		return err
	}
	say(`{"type":"done","train_seconds":%v,"eval_seconds":%v}`, r.TrainSeconds, r.EvalSeconds)
	return nil
}

func writeScores(j fakeJob, scores []lm.Score) error {
	var raw []byte
	for _, s := range scores {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(s.NLL))
		raw = binary.LittleEndian.AppendUint32(raw, uint32(s.Correct))
	}
	return os.WriteFile(filepath.Join(j.Folder, "scores.bin"), raw, 0o600)
}

// readJob reads a job's files. The native trainer draws its weights itself, so
// those in the file must be these.
func readJob(j fakeJob) (lm.Job, error) {
	if j.Protocol != 1 {
		return lm.Job{}, fmt.Errorf("protocol %d", j.Protocol)
	}
	var weights []byte
	for i, t := range j.Spec.Init() {
		if j.Tensors[i].Name != t.Name || !slices.Equal(j.Tensors[i].Shape, t.Shape[:]) {
			return lm.Job{}, fmt.Errorf("tensor %d is %v, want %s %v", i, j.Tensors[i], t.Name, t.Shape)
		}
		for _, v := range t.Data {
			weights = binary.LittleEndian.AppendUint32(weights, math.Float32bits(v))
		}
	}
	given, err := os.ReadFile(filepath.Join(j.Folder, "init.f32"))
	if err != nil || !bytes.Equal(given, weights) {
		return lm.Job{}, fmt.Errorf("initial weights of %d bytes are not those of the spec: %w", len(given), err)
	}
	data := fakeData{size: j.Spec.Batch * (j.Spec.Config.Context + 1)}
	for _, s := range j.Shards {
		tokens, err := readTokens(filepath.Join(j.Folder, s.File))
		if err != nil || len(tokens) != s.Steps*data.size {
			return lm.Job{}, fmt.Errorf("shard %s of %d steps has %d tokens: %w", s.File, s.Steps, len(tokens), err)
		}
		data.tokens = append(data.tokens, tokens...)
	}
	if data.Steps() != j.Steps {
		return lm.Job{}, fmt.Errorf("%d steps, want %d", data.Steps(), j.Steps)
	}
	examples, err := readExamples(j)
	return lm.Job{Spec: j.Spec, Data: data, Examples: examples}, err
}

func readExamples(j fakeJob) ([]lm.Example, error) {
	tokens, err := readTokens(filepath.Join(j.Folder, "examples.u16"))
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(j.Folder, "examples.u32"))
	if err != nil || len(raw) != 8*j.Examples {
		return nil, fmt.Errorf("%d bytes for %d examples: %w", len(raw), j.Examples, err)
	}
	examples := make([]lm.Example, j.Examples)
	for i := range examples {
		length, from := binary.LittleEndian.Uint32(raw[8*i:]), binary.LittleEndian.Uint32(raw[8*i+4:])
		examples[i] = lm.Example{Tokens: tokens[:length], From: int(from)}
		tokens = tokens[length:]
	}
	if len(tokens) > 0 {
		return nil, fmt.Errorf("%d tokens are of no example", len(tokens))
	}
	return examples, nil
}

func readTokens(path string) ([]uint16, error) {
	raw, err := os.ReadFile(path)
	tokens := make([]uint16, len(raw)/2)
	for i := range tokens {
		tokens[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return tokens, err
}

// fakeData is the steps of all shards.
type fakeData struct {
	tokens []uint16
	size   int
}

func (d fakeData) Steps() int { return len(d.tokens) / d.size }

func (d fakeData) Batch(step int, dst []uint16) { copy(dst, d.tokens[step*d.size:]) }

// hang waits until somebody ends it.
func hang() int {
	time.Sleep(time.Hour)
	return 0
}

// deafFakes read no job. They are told whether they are asked what they run on.
var deafFakes = map[string]func(probing bool) int{
	"silent": func(bool) int { return hang() },
	"missing torch": func(bool) int {
		fmt.Fprintln(os.Stderr, "Traceback (most recent call last):\nModuleNotFoundError: No module named 'torch'")
		return 1
	},
	"says nothing": func(bool) int { return 0 },
	"chatty":       func(bool) int { say("Loading PyTorch, please wait"); return hang() },
	"later": func(bool) int {
		say(`{"type":"hello","protocol":2,"torch":"9.9","device":"cpu","dtype":"float32","mode":"eager"}`)
		return 0
	},
	"nameless": func(bool) int {
		say(`{"type":"hello","protocol":1,"torch":"9.9","device":"../../etc","dtype":"float32","mode":"eager"}`)
		return 0
	},
	"unable": func(bool) int {
		say(`{"type":"error","message":"RuntimeError: there is no CUDA device"}`)
		return 1
	},
	"other": func(probing bool) int {
		if probing {
			say(hello)
			return 0
		}
		say(strings.Replace(hello, "9.9", "8.8", 1))
		return hang()
	},
	"endless line": func(probing bool) int {
		if probing {
			say(hello)
			return 0
		}
		for {
			if _, err := os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return 1
			}
		}
	},
}

// steps tells of every step of a job.
func steps(j fakeJob) {
	for i := range j.Steps {
		say(`{"type":"step","step":%d,"loss":2.5}`, i+1)
	}
}

// scored goes through a run to its end, with scores of its own making.
func scored(j fakeJob, score lm.Score) int {
	steps(j)
	scores := make([]lm.Score, j.Examples)
	for i := range scores {
		scores[i] = lm.Score{NLL: 1}
	}
	scores[len(scores)/2] = score
	if err := writeScores(j, scores); err != nil {
		return 1
	}
	say(`{"type":"scored","example":%d}`, j.Examples)
	say(`{"type":"done","train_seconds":1,"eval_seconds":1}`)
	return 0
}

// resized is a run whose file of scores has another size.
func resized(j fakeJob, by int) int {
	scored(fakeJob{Folder: j.Folder, Steps: j.Steps, Examples: j.Examples}, lm.Score{NLL: 1})
	path := filepath.Join(j.Folder, "scores.bin")
	if err := os.Truncate(path, int64(12*j.Examples+by)); err != nil {
		return 1
	}
	return 0
}

// lies are programs that know the protocol and break it.
var lies = map[string]func(j fakeJob) int{
	"stops": func(fakeJob) int {
		say(`{"type":"step","step":1,"loss":2.5}`)
		return hang()
	},
	"crashes": func(fakeJob) int {
		say(`{"type":"step","step":1,"loss":2.5}`)
		fmt.Fprintln(os.Stderr, strings.Repeat("noise\n", 10_000)+"torch.OutOfMemoryError: CUDA out of memory")
		return 139
	},
	"leaves":       func(fakeJob) int { return 0 },
	"mumbles":      func(fakeJob) int { say("step 1: loss 2.5"); return hang() },
	"invents":      func(fakeJob) int { say(`{"type":"checkpoint"}`); return hang() },
	"skips":        func(fakeJob) int { say(`{"type":"step","step":2,"loss":2.5}`); return hang() },
	"lossless":     func(fakeJob) int { say(`{"type":"step","step":1}`); return hang() },
	"not a number": func(fakeJob) int { say(`{"type":"step","step":1,"loss":NaN}`); return hang() },
	"goes on":      func(j fakeJob) int { steps(j); say(`{"type":"step","step":%d,"loss":2.5}`, j.Steps+1); return hang() },
	"hurries": func(fakeJob) int {
		say(`{"type":"done","train_seconds":1,"eval_seconds":1}`)
		return 0
	},
	"scores early": func(fakeJob) int { say(`{"type":"scored","example":1}`); return hang() },
	"scores twice": func(j fakeJob) int {
		steps(j)
		say(`{"type":"scored","example":1}`)
		say(`{"type":"scored","example":1}`)
		return hang()
	},
	"scores more": func(j fakeJob) int { steps(j); say(`{"type":"scored","example":%d}`, j.Examples+1); return hang() },
	"timeless": func(j fakeJob) int {
		steps(j)
		say(`{"type":"scored","example":%d}`, j.Examples)
		say(`{"type":"done","train_seconds":-1,"eval_seconds":1}`)
		return 0
	},
	"diverges":    func(fakeJob) int { say(`{"type":"diverged","step":1}`); return 0 },
	"gives up":    func(fakeJob) int { say(`{"type":"error","message":"OutOfMemoryError: 80 GiB"}`); return 1 },
	"nan score":   func(j fakeJob) int { return scored(j, lm.Score{NLL: math.NaN()}) },
	"negative":    func(j fakeJob) int { return scored(j, lm.Score{NLL: -1}) },
	"all-knowing": func(j fakeJob) int { return scored(j, lm.Score{NLL: 1, Correct: 1000}) },
	"short":       func(j fakeJob) int { return resized(j, -1) },
	"long":        func(j fakeJob) int { return resized(j, 1) },
	"unwritten": func(j fakeJob) int {
		scored(j, lm.Score{NLL: 1})
		return map[bool]int{true: 0, false: 1}[os.Remove(filepath.Join(j.Folder, "scores.bin")) == nil]
	},
	"fails after": func(j fakeJob) int { scored(j, lm.Score{NLL: 1}); return 7 },
	"stubborn":    stubborn,
	"careless": func(j fakeJob) int {
		c := exec.Command("sleep", "1000")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			return 1
		}
		return scored(j, lm.Score{NLL: 1})
	},
}

// stubborn starts another process, which holds the pipe alive open, and neither
// ends when it is asked to.
func stubborn(j fakeJob) int {
	signal.Ignore(syscall.SIGTERM)
	const script = `trap "" TERM; exec 3>"$1"; echo '{"type":"step","step":1,"loss":2.5}'; sleep 1000`
	c := exec.Command("sh", "-c", script, "sh", filepath.Join(filepath.Dir(j.Folder), "alive"))
	c.Stdout = os.Stdout
	_ = c.Run()
	return hang()
}

// orphan holds the pipe alive open until its input ends.
func orphan(input *bufio.Reader, j fakeJob) int {
	alive, err := os.OpenFile(filepath.Join(filepath.Dir(j.Folder), "alive"), os.O_WRONLY, 0)
	if err != nil {
		return 1
	}
	say(hello)
	_, _ = input.ReadByte()
	_ = alive.Close()
	return 0
}

func newTrainer(t testing.TB, how string) *torch.Trainer {
	t.Helper()
	trainer, err := torch.New(t.Context(), torch.Options{Command: command(how), Dir: t.TempDir(), Silence: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return trainer
}
