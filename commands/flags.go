package commands

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

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

func boolFlag(name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, EnvVars: env(name)}
}

func commonFlags(logLevel string) []cli.Flag {
	return []cli.Flag{
		stringFlag("config", "", "configuration `FILE` (default: ./config.toml where it exists)"),
		boolFlag("json", "print one JSON object per line"),
		boolFlag("quiet", "print errors only"),
		stringFlag("log-level", logLevel, "least `LEVEL` of log lines: trace, debug, info, warn, error", "BT_LOGGING_LEVEL"),
	}
}

func workersFlag() cli.Flag {
	return &cli.IntFlag{Name: "workers", Aliases: []string{"j"}, Value: runtime.NumCPU(), Usage: "pages worked on at once", EnvVars: env("workers")}
}

func warcBaseFlag() cli.Flag {
	return stringFlag("warc.base", "https://data.commoncrawl.org/", "folder or `URL` that WARC paths are relative to")
}

func assetsFlag() cli.Flag {
	return stringFlag("assets", defaultAssets(), "`FOLDER` with the models and lists that recipes pin")
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
		boolFlag("once", "catch up, do one unit of work, exit"),
		boolFlag("fail-if-locked", "exit 10 instead of 0 when another run holds the data folder"),
	}
}

func chainFlags() []cli.Flag {
	return []cli.Flag{
		intFlag("netuid", 0, "`NUMBER` of the subnet"),
		stringFlag("subtensor.network", "", "`NAME` of the chain: finney, test, archive, local", "BT_SUBTENSOR_NETWORK"),
		stringFlag("subtensor.chain_endpoint", "", "chain `ENDPOINT`: file:DIR", "BT_SUBTENSOR_CHAIN_ENDPOINT"),
	}
}

func walletFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("wallet.name", "default", "`NAME` of the wallet", "BT_WALLET_NAME"),
		stringFlag("wallet.hotkey", "default", "`NAME` of the hotkey", "BT_WALLET_HOTKEY"),
		stringFlag("wallet.path", "~/.bittensor/wallets", "`FOLDER` of the wallets", "BT_WALLET_PATH"),
	}
}

func hubFlags() []cli.Flag {
	return []cli.Flag{stringFlag("hub", "", "hub `LOCATION`: file:DIR", "HF_ENDPOINT")}
}

func contactFlag() cli.Flag {
	return stringFlag("contact", "", "`ADDRESS` that servers find in the User-Agent, to write to")
}

// judgeFlags are what a verdict depends on beside the bytes.
func judgeFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("protocol", "mainnet", "protocol constants: mainnet or devnet"),
		&cli.StringSliceFlag{
			Name: "server-key", EnvVars: env("server-key"),
			Usage: "`ADDRESS[:FIRST[-LAST]]` of a task server and the blocks its receipts are valid at (default: the subnet owner's hotkey)",
		},
		warcBaseFlag(), contactFlag(), workersFlag(), assetsFlag(),
	}
}

func join(groups ...[]cli.Flag) []cli.Flag {
	var all []cli.Flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}
