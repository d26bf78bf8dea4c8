package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"finest/chain"
	"finest/chain/subtensor"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/durable"
	"finest/internal/polite"
)

// filePrefix marks a folder where an address could stand.
const filePrefix = "file:"

// network is what a role reaches beyond its own folder.
type network struct {
	chain  *subtensor.Client
	netuid uint16
	hub    hub.Hub
	crawl  polite.Base
}

// openNetwork connects to nothing yet; whoever has the network closes it.
func openNetwork(c *invocation) (n network, err error) {
	if n.chain, n.netuid, err = openChain(c); err != nil {
		return n, err
	}
	if n.hub, err = openHub(c); err == nil {
		n.crawl, err = openCrawl(c)
	}
	if err != nil {
		n.close()
	}
	return n, err
}

func (n network) close() { _ = n.chain.Close() }

// openIdentity returns the hotkey a role works for and the folder of its state.
func openIdentity(c *invocation, role string, netuid uint16) (key *wallet.Hotkey, dir string, err error) {
	if key, err = loadHotkey(c); err != nil {
		return nil, "", err
	}
	dir, err = dataDir(c, role, netuid, key.Address())
	return key, dir, err
}

// judgement is what a verdict depends on beside the bytes.
func judgement(c *invocation) (eval.Protocol, []audit.ServerKey, error) {
	protocol, err := protocolOf(c)
	if err != nil {
		return protocol, nil, err
	}
	servers, err := serverKeys(c)
	return protocol, servers, err
}

func loadHotkey(c *invocation) (*wallet.Hotkey, error) {
	path := c.String("wallet.path")
	if _, err := wallet.Path(path, c.String("wallet.name"), c.String("wallet.hotkey")); err != nil {
		return nil, usageError("%w", err)
	}
	key, err := wallet.Load(path, c.String("wallet.name"), c.String("wallet.hotkey"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(usageError("%w", err), "--wallet.path, --wallet.name and --wallet.hotkey choose the key")
	}
	return key, err
}

// dataDir returns the folder of a role's state for one key on one subnet.
func dataDir(c *invocation, role string, netuid uint16, address string) (string, error) {
	if dir := c.String("data-dir"); dir != "" {
		return dir, nil
	}
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the state folder: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "finest", role, fmt.Sprintf("%d-%s", netuid, address)), nil
}

// locked decides what a second run does: cron should stay quiet.
func locked(c *invocation, dir string, err error) error {
	if !errors.Is(err, durable.ErrLocked) {
		return err
	}
	if c.Bool("fail-if-locked") {
		return withCode(ExitLocked, fmt.Errorf("data folder %s: %w", dir, err))
	}
	c.log.Debug().Str("dir", dir).Msg("another run holds the lock, nothing to do")
	return nil
}

func openCrawl(c *invocation) (polite.Base, error) {
	base, err := polite.OpenBase(c.String("warc.base"), polite.NewClient(userAgent(c)))
	if err != nil {
		return nil, usageError("--warc.base: %w", err)
	}
	return base, nil
}

// userAgent names the program and, if given, whom to write to.
func userAgent(c *invocation) string {
	agent := "finest/" + Version()
	if contact := c.String("contact"); contact != "" {
		agent += " (+" + contact + ")"
	}
	return agent
}

func protocolOf(c *invocation) (eval.Protocol, error) {
	switch name := c.String("protocol"); name {
	case "mainnet":
		return eval.Mainnet(), nil
	case "devnet":
		return eval.Devnet(), nil
	default:
		return eval.Protocol{}, usageError("--protocol %q is neither mainnet nor devnet", name)
	}
}

// serverKeys reads ADDRESS[:FIRST[-LAST]] entries.
func serverKeys(c *invocation) ([]audit.ServerKey, error) {
	var keys []audit.ServerKey
	for _, entry := range c.StringSlice("server-key") {
		address, blocks, _ := strings.Cut(entry, ":")
		first, last, _ := strings.Cut(blocks, "-")
		key := audit.ServerKey{Address: address}
		_, err := wallet.ParseAddress(address)
		for _, bound := range []struct {
			text string
			to   *uint64
		}{{first, &key.First}, {last, &key.Last}} {
			if err == nil && bound.text != "" {
				*bound.to, err = strconv.ParseUint(bound.text, 10, 64)
			}
		}
		if err != nil {
			return nil, usageError("--server-key %q is not ADDRESS[:FIRST[-LAST]]: %w", entry, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// optionalKey reads an SS58 address; without one it is the zero key.
func optionalKey(c *invocation, flag string) (chain.PublicKey, error) {
	address := c.String(flag)
	if address == "" {
		return chain.PublicKey{}, nil
	}
	key, err := wallet.ParseAddress(address)
	if err != nil {
		return key, usageError("--%s: %w", flag, err)
	}
	return key, nil
}
