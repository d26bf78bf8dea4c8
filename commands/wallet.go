package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/chain/wallet"
)

// Keys of a wallet, as arguments and results name them.
const (
	coldkey = "coldkey"
	hotkey  = "hotkey"
)

func walletSpec() spec {
	return spec{
		name: "wallet", summary: "make and use the keys of Bittensor wallets",
		about: `
Keys as Bittensor's own tools store them: a wallet is a folder --wallet.path/NAME
with one coldkey, which owns funds and is encrypted, and hotkeys, which sign for
miners and validators and are not. Secrets are typed, or read from a file or
standard input; none is taken from the command line, and none is ever printed but
the phrase of a new key.`,
		subspecs: []spec{walletNewSpec(), walletListSpec(), walletShowSpec(), walletSignSpec(), walletVerifySpec(), walletRegenSpec()},
	}
}

func walletListSpec() spec {
	return spec{
		name: "list", summary: "show all wallets and keys",
		about: `
Shows the coldkey and the hotkeys of every wallet in --wallet.path, with address,
encryption, and what is wrong with the files. Asks for no password.`,
		example: "finest wallet list --wallet.path ~/.bittensor/wallets",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags:   walletFlags()[2:],
		run:     runWalletList,
	}
}

func walletShowSpec() spec {
	return spec{
		name: "show", summary: "show the keys of one wallet in detail",
		about: `
Shows address, public key, files and password variable of the coldkey and the
hotkey that --wallet.name and --wallet.hotkey name. Asks for no password and
shows no secret.`,
		example: "finest wallet show --wallet.name default --wallet.hotkey default",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags:   walletFlags(),
		run:     runWalletShow,
	}
}

// walletResult is what the wallet commands print with --json: one object a key.
type walletResult struct {
	Wallet string `json:"wallet"`
	// Key is coldkey or hotkey, Hotkey the name of the hotkey.
	Key    string `json:"key"`
	Hotkey string `json:"hotkey,omitempty"`
	// Address and PublicKey are empty if no file tells them.
	Address   string `json:"address"`
	PublicKey string `json:"public_key"`
	File      string `json:"file"`
	// Encryption is empty where there is only the public part.
	Encryption string `json:"encryption"`
	Problem    string `json:"problem,omitempty"`
}

func newWalletResult(i wallet.Info) walletResult {
	r := walletResult{
		Wallet: i.Wallet, Key: keyOf(i.Place), Hotkey: i.Hotkey, Address: i.Address,
		File: i.File, Encryption: string(i.Encryption),
	}
	if public, err := wallet.ParseAddress(i.Address); err == nil {
		r.PublicKey = fmt.Sprintf("%#x", public[:])
	}
	if i.Problem != nil {
		r.Problem = i.Problem.Error()
	}
	return r
}

func keyOf(p wallet.Place) string {
	if p.Hotkey == "" {
		return coldkey
	}
	return hotkey
}

// storage says in words how the key is kept.
func storage(i wallet.Info) string {
	switch i.Encryption {
	case "":
		return "public part only"
	case wallet.Plain:
		return "not encrypted"
	}
	return "encrypted"
}

// placeOf returns where the coldkey or hotkey lies that the flags name.
func placeOf(c *invocation, key string) (p wallet.Place, err error) {
	path, name := c.String("wallet.path"), c.String("wallet.name")
	if key == coldkey {
		p, err = wallet.ColdkeyPlace(path, name)
	} else {
		p, err = wallet.HotkeyPlace(path, name, c.String("wallet.hotkey"))
	}
	if err != nil {
		err = usageError("%w", err)
	}
	return p, err
}

// keysNamed returns which keys the arguments name, each once; all without
// arguments. What was typed is not repeated: it may be a secret.
func keysNamed(c *invocation) ([]string, error) {
	all := []string{coldkey, hotkey}
	if c.NArg() == 0 {
		return all, nil
	}
	for _, word := range c.Args().Slice() {
		if !slices.Contains(all, word) {
			return nil, withHint(usageError("%s: an argument is neither coldkey nor hotkey", commandPath(c.Context)),
				"a secret is never an argument: shells remember it and others see it")
		}
	}
	return slices.DeleteFunc(all, func(key string) bool { return !slices.Contains(c.Args().Slice(), key) }), nil
}

// absentKey adds what to do about a key that is not there.
func absentKey(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return withHint(usageError("%w", err), "--wallet.path, --wallet.name and --wallet.hotkey choose the key; finest wallet list shows all")
}

func runWalletList(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	infos, err := wallet.List(c.String("wallet.path"))
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(usageError("%w", err), "--wallet.path is the folder of the wallets; finest wallet new makes one")
	}
	if err != nil {
		return err
	}
	if c.out.json {
		for _, i := range infos {
			if err := c.out.result(newWalletResult(i), nil); err != nil {
				return err
			}
		}
		return nil
	}
	return c.out.result(nil, func(w io.Writer) { printWallets(w, c.String("wallet.path"), infos) })
}

// printWallets prints a tree: wallets, and their keys below.
func printWallets(w io.Writer, path string, infos []wallet.Info) {
	if len(infos) == 0 {
		fmt.Fprintf(w, "no wallets in %s\n", path)
		return
	}
	fmt.Fprintf(w, "wallets in %s\n", path)
	var rows [][]string
	var last string
	for _, i := range infos {
		if i.Wallet != last {
			rows, last = append(rows, []string{i.Wallet, "", "", ""}), i.Wallet
		}
		name := "  " + coldkey
		if i.Hotkey != "" {
			name = "    " + i.Hotkey
		}
		problem := ""
		if i.Problem != nil {
			problem = i.Problem.Error()
		}
		rows = append(rows, []string{name, i.Address, storage(i), problem})
	}
	printTable(w, make([]bool, 4), rows)
}

func runWalletShow(c *invocation) error {
	keys, err := keysNamed(c)
	if err != nil {
		return err
	}
	var absent error
	shown := 0
	for _, key := range keys {
		p, err := placeOf(c, key)
		if err != nil {
			return err
		}
		i, err := p.Inspect()
		if errors.Is(err, fs.ErrNotExist) {
			absent = err
			continue
		}
		if err != nil {
			return err
		}
		if err := c.out.result(newWalletResult(i), func(w io.Writer) { printKey(w, i) }); err != nil {
			return err
		}
		shown++
	}
	if shown == 0 {
		return absentKey(absent)
	}
	return nil
}

func printKey(w io.Writer, i wallet.Info) {
	r := newWalletResult(i)
	fmt.Fprintln(w, strings.TrimSpace(r.Key+" "+r.Hotkey))
	rows := [][]string{{"  address", r.Address}, {"  public key", r.PublicKey}}
	if i.Encryption != "" {
		rows = append(rows, []string{"  file", r.File + ", " + storage(i)})
	}
	rows = append(rows, []string{"  public part", i.PublicFile})
	if i.Encryption == wallet.NaCl {
		rows = append(rows, []string{"  password variable", i.PasswordVariable()})
	}
	if r.Problem != "" {
		rows = append(rows, []string{"  problem", r.Problem})
	}
	printTable(w, make([]bool, 2), rows)
}

// plainFlag is a switch that makes sense for one call alone.
func plainFlag(name, usage string) cliFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}
