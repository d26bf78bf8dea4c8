package commands

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// env returns the environment variable of a flag, after those that the
// ecosystem knows.
func env(name string, known ...string) []string {
	return append(known, "FINEST_"+strings.ToUpper(strings.ReplaceAll(canonicalFlag(name), "-", "_")))
}

func stringFlag(name, value, usage string, knownEnv ...string) *cli.StringFlag {
	return &cli.StringFlag{Name: name, Value: value, Usage: usage, EnvVars: env(name, knownEnv...)}
}

func intFlag(name string, value int, usage string) *cli.IntFlag {
	return &cli.IntFlag{Name: name, Value: value, Usage: usage, EnvVars: env(name)}
}

// boolFlag is a switch; that it is off by default goes without saying.
func boolFlag(name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, EnvVars: env(name), DisableDefaultText: true}
}

func durationFlag(name string, value time.Duration, usage string) *cli.DurationFlag {
	return &cli.DurationFlag{Name: name, Value: value, Usage: usage, EnvVars: env(name)}
}

func commonFlags(logLevel string) []cli.Flag {
	return []cli.Flag{
		stringFlag("config", "", "configuration `FILE` (default: ./config.toml where it exists)"),
		boolFlag("json", "print one JSON object per line"),
		boolFlag("quiet", "print errors only, and with --json the objects"),
		stringFlag("log-level", logLevel, "least `LEVEL` of log lines: trace, debug, info, warn, error", "BT_LOGGING_LEVEL"),
	}
}

func workersFlag() cli.Flag {
	return &cli.IntFlag{
		Name: "workers", Aliases: []string{"j"}, EnvVars: env("workers"),
		Value: runtime.NumCPU(), DefaultText: "one per processor", Usage: "`NUMBER` of pages worked on at once",
	}
}

func warcBaseFlag() cli.Flag {
	return stringFlag("warc.base", "https://data.commoncrawl.org/", "`DIR|URL` that WARC paths are relative to")
}

func assetsFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "assets", Value: defaultAssets(), DefaultText: "$XDG_DATA_HOME/finest/assets", EnvVars: env("assets"),
		Usage: "`FOLDER` with the models and lists that recipes pin",
	}
}

func defaultAssets() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "finest", "assets")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "assets"
	}
	return filepath.Join(home, ".local", "share", "finest", "assets")
}

func roleFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("data-dir", "", "`FOLDER` of the role's state (default: $XDG_STATE_HOME/finest/ROLE/NETUID-HOTKEY)"),
		boolFlag("fail-if-locked", "exit 10 instead of 0 when another run holds the data folder"),
	}
}

func onceFlag() cli.Flag { return boolFlag("once", "catch up, do one unit of work, exit") }

func walletFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("wallet.name", "default", "`NAME` of the wallet", "BT_WALLET_NAME"),
		stringFlag("wallet.hotkey", "default", "`NAME` of the hotkey", "BT_WALLET_HOTKEY"),
		stringFlag("wallet.path", "~/.bittensor/wallets", "`FOLDER` of the wallets", "BT_WALLET_PATH"),
	}
}

func contactFlag() cli.Flag {
	return stringFlag("contact", "", "`ADDRESS` that servers find in the User-Agent, to write to")
}

// judgeFlags are what a verdict depends on beside the bytes.
func judgeFlags() []cli.Flag {
	return []cli.Flag{
		protocolFlag(),
		serverKeyFlag(),
		warcBaseFlag(), contactFlag(), workersFlag(), assetsFlag(),
	}
}

func protocolFlag() cli.Flag {
	return stringFlag("protocol", "mainnet", "`SET` of protocol constants: mainnet or devnet")
}

func join(groups ...[]cli.Flag) []cli.Flag {
	var all []cli.Flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func serverKeyFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name: "server-key", EnvVars: env("server-key"),
		Usage: "`ADDRESS[:FIRST[-LAST]]` of a task server and the blocks its receipts are valid at (default: the subnet owner's hotkey)",
	}
}
