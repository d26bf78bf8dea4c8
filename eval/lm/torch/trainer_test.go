package torch_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"finest/eval/lm"
	"finest/eval/lm/lmtest"
	"finest/eval/lm/torch"
)

func TestSuite(t *testing.T) {
	lmtest.Suite(t, func(t *testing.T) lm.Trainer { return newTrainer(t, "honest") })
}

// A program is given the whole job, in however many shards, and its results come
// back bit for bit: the native trainer behind the protocol is the native trainer.
func TestNothingIsLost(t *testing.T) {
	const steps = 20
	j := lmtest.Job(t, "lost", steps, 60, false)
	perStep := 2 * int64(j.Spec.Batch*(j.Spec.Config.Context+1))
	want, err := (&lm.Native{}).Train(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	for name, shard := range map[string]int64{
		"one shard": torch.MaxShard, "a shard a step": perStep - 1, "a last shard that is shorter": 3*perStep + 1,
	} {
		t.Run(name, func(t *testing.T) {
			trainer := newTrainer(t, "honest")
			trainer.SetShard(shard)
			got, err := trainer.Train(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Losses, want.Losses) || !slices.Equal(got.Scores, want.Scores) || got.Tokens != want.Tokens {
				t.Error("losses, scores or tokens are not those of the native trainer")
			}
			if got.Kernel != "torch/9.9/cpu/float32/eager" || got.CPUSeconds <= 0 {
				t.Errorf("kernel %q, %v s of the processor", got.Kernel, got.CPUSeconds)
			}
		})
	}
}

func TestUnusablePrograms(t *testing.T) {
	for _, c := range []struct{ how, want string }{
		{"missing torch", "No module named 'torch'"},
		{"says nothing", "ended before its work was done"},
		{"chatty", `wrote "Loading PyTorch, please wait", which is no message`},
		{"silent", "said nothing for 100ms"},
		{"later", "speaks protocol 2, not 1"},
		{"nameless", `device "../../etc"`},
		{"unable", "there is no CUDA device"},
	} {
		t.Run(c.how, func(t *testing.T) {
			dir := t.TempDir()
			o := torch.Options{Command: command(c.how), Dir: dir, Silence: time.Minute}
			if c.how == "silent" {
				o.Silence = 100 * time.Millisecond
			}
			_, err := torch.New(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			noRuns(t, dir)
		})
	}
	for name, o := range map[string]torch.Options{
		"no command": {Dir: t.TempDir()},
		"no folder":  {Command: command("honest")},
		"no program": {Command: []string{filepath.Join(t.TempDir(), "python3")}, Dir: t.TempDir()},
	} {
		if _, err := torch.New(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// noRuns asserts that no run left files.
func noRuns(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "run-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLyingPrograms(t *testing.T) {
	for _, c := range []struct{ how, want string }{
		{"stops", "said nothing for"},
		{"crashes", "exit status 139; it wrote:"},
		{"crashes", "CUDA out of memory"},
		{"leaves", "ended before its work was done"},
		{"mumbles", "which is no message"},
		{"invents", `a message "checkpoint"`},
		{"skips", "step 2 after step 0"},
		{"lossless", "no loss of step 1"},
		{"not a number", "which is no message"},
		{"goes on", "step 6 after step 5 of 5"},
		{"hurries", "ended at step 0 of 5"},
		{"scores early", "example 1 of 8 after 0, and of step 0 of 5"},
		{"scores twice", "example 1 of 8 after 1"},
		{"scores more", "example 9 of 8"},
		{"timeless", "took -1 and 1 seconds"},
		{"gives up", "OutOfMemoryError: 80 GiB"},
		{"negative", "example 4: -1 nats"},
		{"all-knowing", "1000 of"},
		{"short", "not 12 bytes for each of 8 examples"},
		{"long", "not 12 bytes for each of 8 examples"},
		{"unwritten", "read scores"},
		{"fails after", "exit status 7"},
		{"other", "runs on torch/8.8/cpu/float32/eager, but said that it would on torch/9.9"},
		{"endless line", "a line of more than 65536 bytes"},
	} {
		t.Run(c.how, func(t *testing.T) {
			o := torch.Options{Command: command(c.how), Dir: t.TempDir(), Silence: time.Minute}
			if c.how == "stops" {
				o.Silence = time.Second
			}
			trainer, err := torch.New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = trainer.Train(t.Context(), lmtest.Job(t, "lies", 5, 8, false))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if errors.Is(err, lm.ErrDiverged) {
				t.Errorf("error %v says that training diverged", err)
			}
			if err != nil && len(err.Error()) > 8<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			noRuns(t, o.Dir)
		})
	}
}

func TestDivergence(t *testing.T) {
	for _, how := range []string{"diverges", "nan score"} {
		_, err := newTrainer(t, how).Train(t.Context(), lmtest.Job(t, "lies", 5, 8, false))
		if !errors.Is(err, lm.ErrDiverged) {
			t.Errorf("%s: error %v, want ErrDiverged", how, err)
		}
	}
}

// lifeline makes the named pipe alive in dir. held is closed when a process opens
// it, gone waits until none has it open any more.
func lifeline(t *testing.T, dir string) (held chan struct{}, gone func()) {
	t.Helper()
	path := filepath.Join(dir, "alive")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes: %v", err)
	}
	held = make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		f, err := os.Open(path)
		close(held)
		if err == nil {
			_, err = io.Copy(io.Discard, f)
		}
		ended <- err
	}()
	return held, func() {
		t.Helper()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A program that does not end when it is asked to is killed, with all that it
// started.
func TestKillsWhatTheProgramStarted(t *testing.T) {
	trainer := newTrainer(t, "stubborn")
	trainer.SetGrace(50 * time.Millisecond)
	_, gone := lifeline(t, trainer.Dir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := lmtest.Job(t, "stubborn", 5, 8, false)
	j.Progress = func(lm.Progress) { cancel() }
	if _, err := trainer.Train(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	gone()
	noRuns(t, trainer.Dir())
}

// What a program leaves behind, with its outputs open, holds nobody up.
func TestProgramThatLeavesAnotherBehind(t *testing.T) {
	r, err := newTrainer(t, "careless").Train(t.Context(), lmtest.Job(t, "careless", 5, 8, false))
	if err != nil || len(r.Scores) != 8 {
		t.Errorf("%d scores, error %v", len(r.Scores), err)
	}
}

// driverVariable makes TestKilledDriver the process to be killed, whose runs keep
// their files in the folder that it names.
const driverVariable = "TEST_DRIVER"

// The program notices when whoever asked for it is killed.
func TestKilledDriver(t *testing.T) {
	if dir := os.Getenv(driverVariable); dir != "" {
		trainer, err := torch.New(t.Context(), torch.Options{Command: command("orphan"), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_, err = trainer.Train(t.Context(), lmtest.Job(t, "driver", 5, 8, false))
		t.Fatal(err)
	}
	dir := t.TempDir()
	held, gone := lifeline(t, dir)
	c := exec.Command(os.Args[0], "-test.run", "^TestKilledDriver$")
	c.Env = append(os.Environ(), driverVariable+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(out)
		ended <- string(text)
	}()
	select {
	case <-held:
	case text := <-ended:
		t.Fatalf("the driver ended: %s", text)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	gone()
}

// A run whose process was killed leaves a folder, which the next one removes;
// that of a run which goes on stays.
func TestSweepsKilledRuns(t *testing.T) {
	dir := t.TempDir()
	killed := filepath.Join(dir, "run-killed")
	if err := os.MkdirAll(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "tokens-00000.u16"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	o := torch.Options{Command: command("honest"), Dir: dir, Silence: time.Minute}
	trainer, err := torch.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	noRuns(t, dir)
	j := lmtest.Job(t, "sweeps", 5, 8, false)
	j.Progress = func(p lm.Progress) {
		if p.Step != 1 {
			return
		}
		if _, err := torch.New(t.Context(), o); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "run-*")); len(left) != 1 {
			t.Errorf("%d folders while one run goes on", len(left))
		}
	}
	if _, err := trainer.Train(t.Context(), j); err != nil {
		t.Error(err)
	}
	noRuns(t, dir)
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	o := torch.Options{Command: command("honest"), Dir: dir, Silence: time.Minute}
	trainer, err := torch.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// No file of this process may have more bytes: as a full disk has it.
	restore := limitFiles(t, 4<<20)
	_, err = trainer.Train(t.Context(), lmtest.Job(t, "disk", 20_000, 8, false))
	restore()
	if err == nil || !strings.Contains(err.Error(), "write token shards") {
		t.Errorf("error %v, want one of writing token shards", err)
	}
	noRuns(t, dir)
}

// The program sees no variable that may hold a secret.
func TestEnvironment(t *testing.T) {
	got := torch.Environment([]string{
		"PATH=/bin", "HF_TOKEN=hf_secret", "CUDA_VISIBLE_DEVICES=1", "AWS_SECRET_ACCESS_KEY=x", "FINEST_WALLET_PASSWORD=x",
		"BT_WALLET_NAME=x", "PYTHONPATH=/lib", "LC_ALL=C", "PATHOLOGY=x", "malformed",
	})
	if want := []string{"PATH=/bin", "CUDA_VISIBLE_DEVICES=1", "PYTHONPATH=/lib", "LC_ALL=C"}; !slices.Equal(got, want) {
		t.Errorf("given %q, want %q", got, want)
	}
}

// Any lines are an error or a run in order, and never more results than there
// are steps and examples.
func FuzzLines(f *testing.F) {
	f.Add([]byte(hello + "\n" + `{"type":"step","step":1,"loss":2.5}` + "\n" + `{"type":"scored","example":3}`))
	f.Add([]byte(hello + "\n" + `{"type":"done","train_seconds":1e999}`))
	f.Add([]byte(hello + "\n" + `{"type":"step","step":-1,"loss":null}`))
	f.Add([]byte(`{"type":"error","message":"\ud800"}`))
	j := lmtest.Job(f, "fuzz", 2, 3, false)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := torch.Hear(j, "torch/9.9/cpu/float32/eager", raw)
		if len(r.Losses) > 2 || (err == nil && len(r.Losses) != 2) {
			t.Errorf("%d losses of 2 steps, error %v", len(r.Losses), err)
		}
	})
}
