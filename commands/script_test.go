package commands_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"finest/commands"
	"finest/roles/taskserver/sqlstore/postgrestest"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "finest" {
		forgetSettings()
	}
	testscript.Main(m, map[string]func(){"finest": program})
}

// forgetSettings keeps what the developer has set for the program from the
// tests that run it in this process.
func forgetSettings() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{"FINEST_", "BT_", "HF_"} {
			if strings.HasPrefix(name, prefix) && name != "FINEST_TESTDATA" && name != postgrestest.Variable {
				_ = os.Unsetenv(name)
			}
		}
	}
}

// program does what main.go does.
func program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := commands.Run(ctx, os.Args, commands.Streams{Out: os.Stdout, Err: os.Stderr})
	code := commands.ExitCode(err)
	if ctx.Err() != nil && code != commands.ExitOK {
		code = commands.ExitSignal
	}
	os.Exit(code)
}

// TestScripts runs the program as people and cron do: as processes, one scenario
// per file of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Condition: func(condition string) (bool, error) {
			if condition == "postgres" {
				return os.Getenv(postgrestest.Variable) != "", nil
			}
			return false, fmt.Errorf("unknown condition %s", condition)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"warc": makeWARC, "zeros": makeZeros, "tamper": tamper, "damage": damage, "postgres": postgres, "publish": publish,
			"exits": exits, "until": until, "start": start, "await": await, "signal": sendSignal, "finish": finish, "lock": lock,
			"serve": serve, "stall": stall, "get": get, "corpus": corpus,
			"sametree": sameTree, "jsonkeys": jsonKeys, "nosecrets": noSecrets,
		},
	})
}

// setUp gives a script folders of its own for everything the program finds
// through the environment.
func setUp(env *testscript.Env) error {
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
	env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, ".data"))
	// Known from the start, so that programs in the background get them too.
	for _, name := range []string{"FINEST_CONFIG", "FINEST_DB", "FINEST_TASK_SERVER", "HF_TOKEN"} {
		env.Setenv(name, "")
	}
	env.Values[processesKey{}] = make(map[string]*process)
	env.Values[siteKey{}] = new(site)
	var names []string
	for _, variable := range env.Vars {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	env.Values[variablesKey{}] = names
	return nil
}
