package commands

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"finest/roles/miner"
)

// An outdated miner is a mistake of its operator, with a way out of it.
func TestOutdatedMiner(t *testing.T) {
	err := outdatedIsUsage(fmt.Errorf("lease a task: %w", miner.ErrOutdated))
	if ExitCode(err) != ExitUsage || !strings.Contains(hintOf(err), "newer version") {
		t.Errorf("exit code %d, hint %q", ExitCode(err), hintOf(err))
	}
	other := errors.New("boom")
	if ExitCode(outdatedIsUsage(other)) != ExitFailed || outdatedIsUsage(nil) != nil {
		t.Error("other ends of a miner are changed")
	}
}

func TestPrintOutcome(t *testing.T) {
	for want, o := range map[string]miner.Outcome{
		"no task is available now\n":                                 {Status: miner.NoTask},
		"no task for this hotkey now: 1 lease is open\n":             {Status: miner.NoTask, Reason: "1 lease is open", RetryAfter: time.Hour},
		"abandoned task T-000001 generation 2: too late\n":           {Status: miner.Abandoned, Task: "T-000001", Generation: 2, Reason: "too late"},
		"submitted task T-000001 generation 1 in block 7 as a/b@c\n": {Status: miner.Submitted, Task: "T-000001", Generation: 1, Block: 7, Claim: "a/b@c"},
	} {
		var text strings.Builder
		if printOutcome(&text, o); text.String() != want {
			t.Errorf("got %q, want %q", text.String(), want)
		}
	}
}
