package commands_test

import (
	"strings"
	"testing"

	"finest/commands"
	"finest/pipeline/recipes"
)

const devnetHint = "finest devnet --no-actors runs a chain on loopback and prints its endpoint"

// TestUsage makes mistakes: each ends with exit code 2, says what is wrong in
// the words that were typed, and what to do about it.
func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args string // split at spaces, _ stands for one
		want string
		hint string
	}{
		{"unknown command", "refin", `unknown command "refin"`, "did you mean finest refine?"},
		{"unknown command, nothing near", "sell", `unknown command "sell"`, "finest --help lists the commands"},
		{"unknown subcommand", "task-server start", `task-server: unknown command "start"`, "finest task-server --help lists the commands"},
		{"help for an unknown command", "help refin", `unknown command "refin"`, "did you mean finest refine?"},
		{"unknown flag", "mine --onse", "mine: unknown flag --onse", "did you mean --once?"},
		{"unknown flag, nothing near", "validate --frobnicate=3", "validate: unknown flag --frobnicate", "finest validate --help lists the flags"},
		{"flag before the command", "--quiet refine", "unknown flag --quiet", "the flags of a command stand behind its name"},

		{"a dataset that is no command", "eval calibrat --seeds 1", "eval: --against is missing", ""},
		{"no tier", "eval a --against b --tier huge", `--tier: no tier "huge"; there are tiny, quick, cpu, cpu-long, gpu`, ""},
		{"no number", "refine --workers many", `refine: --workers: "many" is not a whole number`, ""},
		{"no time", "devnet --block-time 4", `devnet: --block-time: "4" is not a time such as 250ms or 2s`, ""},
		{"no switch", "mine --once=maybe", `mine: --once: "maybe" is neither true nor false`, ""},
		{"no value", "refine --out", "refine: --out needs a value", ""},
		{"no worker", "refine --workers 0 --recipe fineweb-nolists --out out a.warc.gz", "--workers 0: at least one is needed", ""},
		{"no log level", "refine --log-level loud --out out a.warc.gz", `--log-level "loud" is none of trace, debug, info, warn, error`, ""},
		{"no dump", "refine --dump a_b --out out a.warc.gz", `refine: --dump "a b": letters, digits, dots, dashes and underscores only`, ""},
		{"no recipe", "refine --recipe nope --out out a.warc.gz", `recipe "nope" is neither a file nor one of ` + strings.Join(recipes.Names(), ", "), ""},
		{"no protocol", "validate --protocol testnet", `--protocol "testnet" is neither mainnet nor devnet`, ""},
		{"no repository", "mine --repo alice", `--repo: invalid: repository "alice" is not owner/name`, ""},
		{"no tier to judge at", "validate --netuid 1 --tier huge", `--tier: no tier "huge"; there are tiny, quick, cpu, cpu-long, gpu`, ""},
		{"no subnet", "validate", "--netuid 0: a number from 1 to 65535 is needed", ""},
		{"no such subnet", "validate --netuid 70000", "--netuid 70000: a number from 1 to 65535 is needed", ""},
		{"no such chain", "validate --netuid 1 --subtensor.network nakamoto", `--subtensor.network "nakamoto" is none of archive, finney, latent-lite, local, test, and no ws:// or wss:// URL`, devnetHint},
		{"a network without a scheme", "validate --netuid 1 --subtensor.network node.example/v1/secret", "--subtensor.network is none of archive, finney, latent-lite, local, test, and no ws:// or wss:// URL", devnetHint},
		{"a folder for a chain", "validate --netuid 1 --subtensor.chain-endpoint file:chain", "--subtensor.chain_endpoint: a chain is no folder any more: a ws:// or wss:// URL is needed", devnetHint},
		{"a web address for a chain", "validate --netuid 1 --subtensor.chain-endpoint ws://a,https://node.example/v1/secret", `--subtensor.chain_endpoint: "node.example" is reached by ws:// or wss://, not https://`, devnetHint},
		{"a chain by no address", "validate --netuid 1 --subtensor.archive-endpoint node/secret", "--subtensor.archive_endpoint holds what is no ws:// or wss:// URL", devnetHint},
		{"a network by no address", "validate --netuid 1 --subtensor.network https://user:secret@node.example", `--subtensor.network: "node.example" is reached by ws:// or wss://, not https://`, devnetHint},
		{"no round", "devnet --every-blocks 0", "--every-blocks 0: at least 1 is needed", ""},
		{"no such round", "validate --netuid 1 --every-blocks -5", "--every-blocks -5: at least 0 is needed", ""},
		{"no such block", "validate --netuid 1 --start-block -7", "--start-block -7: at least -1 is needed", ""},
		{"no slot", "mine --repo a/b --task-server http://127.0.0.1:1 --slot 0", "--slot 0: at least 1 is needed", ""},
		{"no slots", "task-server serve --netuid 1 --slots 0", "--slots 0: at least 1 is needed", ""},
		{"too many attempts", "task-server serve --netuid 1 --max-attempts 1000", "invalid: 1000 attempts, not 1 to 100", ""},
		{"no block for a recipe", "task-server serve --netuid 1 --recipes fineweb@soon", `--recipes "fineweb@soon" is not NAME[@BLOCK]`, ""},
		{"recipe that none can check", "task-server serve --netuid 1 --recipes nope@7", `recipe "nope" is neither a file nor one of ` + strings.Join(recipes.Names(), ", "), ""},
		{"no connections", "task-server serve --netuid 1 --max-connections 0", "--max-connections 0: at least 1 is needed", ""},
		{"no audit head", "task-server check --db tasks.db --audit-head 7", `--audit-head "7" is not SEQ:HASH`, ""},
		{"nowhere to back up to", "task-server backup --db tasks.db", "task-server backup: --out is missing", ""},
		{"no task to requeue", "task-server admin requeue --db tasks.db", "task-server admin requeue: TASK is missing", ""},
		{"a ban without a reason", "task-server admin ban --db tasks.db x", "task-server admin ban: --reason is missing", ""},
		{"a ban of nobody", "task-server admin ban --db tasks.db --reason r x", `task-server admin ban: "x" is no SS58 address`, ""},
		{"an unknown work of an operator", "task-server admin delete", `task-server admin: unknown command "delete"`, "finest task-server admin --help lists the commands"},
		{"no address", "mine --repo a/b --task-server foo", `--task-server "foo" is no http or https URL`, ""},
		{"nowhere to listen", "task-server serve --netuid 1 --addr nonsense", `--addr "nonsense" is not HOST:PORT`, ""},
		{"no tasks to look into", "inspect-commit 1 --tasks -1", "--tasks -1: at least 1 is needed", ""},
		{"files in no task", "task-server import TEST --db t.db --from x --files-per-task 0", "--files-per-task 0: at least 1 is needed", ""},
		{"block time too short", "devnet --block-time 1ms", "--block-time 1ms: at least 10ms are needed", ""},
		{"nowhere for the chain to listen", "devnet --chain-addr nonsense", `--chain-addr "nonsense" is not HOST:PORT`, ""},
		{"a chain for everybody", "devnet --chain-addr 0.0.0.0:9944", `--chain-addr "0.0.0.0:9944" is not on loopback: everybody who reaches the chain may change it`, ""},
		{"nowhere for the hub to listen", "devnet --hub-addr nonsense", `--hub-addr "nonsense" is not HOST:PORT`, ""},
		{"a devnet's hub for everybody", "devnet --hub-addr 0.0.0.0:8734", `--hub-addr "0.0.0.0:8734" is not on loopback: every token may write to the hub`, ""},
		{"a hub for everybody", "hub serve dir --addr :8734", `--addr ":8734" is not on loopback: every token may write to the hub`, ""},
		{"a hub of nothing", "hub serve", "hub serve: DIR is missing", ""},
		{"a copy of nothing", "hub pull", "hub pull: OWNER/NAME[@REVISION] is missing", ""},
		{"a copy of no repository", "hub pull alice --out out", `hub pull: invalid: repository "alice" is not owner/name`, ""},
		{"a copy of no revision", "hub pull alice/finest@ --out out", `hub pull: "alice/finest@" names no revision behind the @`, ""},
		{"a copy to nowhere", "hub pull alice/finest", "hub pull: --out is missing", ""},
		{"no hub", "hub pull a/b --out out --hub hub.example/secret", "--hub holds what is neither an http or https URL nor file:DIR", "leave it out for https://huggingface.co"},
		{"a hub with a password", "hub pull a/b --out out --hub https://me:secret@hub.example", "--hub holds what is neither an http or https URL nor file:DIR", "leave it out for https://huggingface.co"},
		{"a hub by no way", "hub pull a/b --out out --hub s3://bucket/secret", `--hub: "bucket" is reached by http:// or https://, not s3://`, ""},
		{"a hub in no folder", "hub pull a/b --out out --hub file:", "--hub file: names no folder", ""},
		{"a round of nobody", "devnet --once --no-actors", "devnet: without actors there is no round to end after: --once or --no-actors", ""},

		{"refine without output", "refine a.warc.gz", "refine: --out is missing", ""},
		{"refine without input", "refine --out out", "refine: no WARC file given", "try: finest refine --recipe fineweb-nolists --out out -j 2 sample/"},
		{"no such asset", "assets pull domain", `assets pull: unknown asset "domain"`, "finest assets list shows them"},
		{"verify without shard", "verify", "verify: SHARD[:ROW] is missing", ""},
		{"verify with two", "verify a b", "verify: one SHARD[:ROW] expected, 2 given", ""},
		{"inspect without claim", "inspect-commit", "inspect-commit: UID, HOTKEY or CLAIM is missing", ""},
		{"mine without repository", "mine", "mine: --repo is missing", ""},
		{"mine without server", "mine --repo a/b", "mine: --task-server is missing", ""},
		{"mine with a word", "mine now", `mine: unexpected argument "now"`, ""},
		{"validate without chain", "validate --netuid 1", "validate: neither --subtensor.network nor --subtensor.chain_endpoint is given", devnetHint},
		{"import without crawl", "task-server import", "task-server import: CRAWL is missing", ""},
		{"import without store", "task-server import TEST", "task-server import: --db is missing", ""},
		{"import without list", "task-server import TEST --db tasks.db", "task-server import: --from says where the WARC files of TEST are listed", ""},
		{"import with no name", "task-server import a_b", `task-server import: crawl "a b": letters, digits, dots, dashes and underscores only`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := strings.Fields(tt.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "_", " ")
			}
			want := "finest: " + tt.want + "\n"
			if tt.hint != "" {
				want += "finest: hint: " + tt.hint + "\n"
			}
			code, stdout, stderr := inProcess(args...)
			if code != commands.ExitUsage || stdout != "" || stderr != want {
				t.Errorf("finest %s: exit code %d, stdout %q, stderr\n%s\nwant\n%s", tt.args, code, stdout, stderr, want)
			}
		})
	}
}

// TestUsageAsJSON tells programs the same.
func TestUsageAsJSON(t *testing.T) {
	code, stdout, stderr := inProcess("mine", "--json", "--onse")
	const want = `{"error":"mine: unknown flag --onse","hint":"did you mean --once?","exit":2}` + "\n"
	if code != commands.ExitUsage || stdout != "" || stderr != want {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}
