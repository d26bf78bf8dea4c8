package commands

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/lm/torch"
	"finest/eval/stats"
	"finest/internal/durable"
)

// tierNames lists the tiers, cheapest first.
func tierNames() string {
	var names []string
	for _, t := range compare.Tiers() {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

func trainerFlag() cliFlag {
	return stringFlag("trainer", "", "`COMMAND` that runs Python with PyTorch, such as python3, to train with (default: this program; for tier gpu: python3)")
}

func calibrationFlag() cliFlag {
	return &cli.StringFlag{Name: "calibration", Usage: "`FILE` that \"finest eval calibrate --into\" wrote", DefaultText: "those in the program"}
}

// trainingWorkersFlag is workersFlag for what trains instead of reading pages.
func trainingWorkersFlag() cliFlag {
	return &cli.IntFlag{
		Name: "workers", Aliases: []string{"j"}, EnvVars: env("workers"),
		Value: runtime.NumCPU(), DefaultText: "one per processor", Usage: "`NUMBER` of processors to train on; no result depends on it",
	}
}

// trainerOf returns what the tier was made for, unless a command is given. dir is
// for the files of one that is another program.
func trainerOf(c *invocation, tier compare.Tier, dir string) (lm.Trainer, error) {
	command := strings.Fields(c.String("trainer"))
	if len(command) == 0 && tier.Trainer == compare.TrainerNative {
		workers, err := number(c.Context, "workers", 1, 1<<16)
		return &lm.Native{Workers: workers}, err
	}
	if len(command) == 0 {
		command = []string{"python3"}
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	t, err := torch.New(c.Context.Context, torch.Options{Command: command, Dir: dir})
	if err != nil {
		return nil, withHint(fmt.Errorf("start the trainer %q: %w", strings.Join(command, " "), err), "--trainer names a Python with PyTorch")
	}
	return t, nil
}

// calibrationsIn reads the file that a flag names; none where it names none.
func calibrationsIn(c *invocation, flag string) ([]stats.Calibration, error) {
	file := c.String(flag)
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usageError("--%s: %w", flag, err)
	}
	defer func() { _ = f.Close() }()
	all, err := stats.Read(f)
	if err != nil {
		return nil, usageError("--%s %s: %w", flag, file, err)
	}
	return all, nil
}
