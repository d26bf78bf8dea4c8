package commands

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/chain/wallet"
)

func walletNewSpec() spec {
	return spec{
		name: "new", args: "[coldkey] [hotkey]", summary: "make a coldkey, a hotkey, or both",
		about: `
Makes new keys from a random phrase each, and stores them as Bittensor's tools do,
with mode 0600. No key is ever replaced. The coldkey is encrypted with a password,
which takes some seconds and 512 MiB of memory; the hotkey is not, as roles that
run unattended have nobody to ask.

The phrases are printed once, to be written down: whoever has one has the key.
With --json or --quiet they are not; the key file keeps its phrase, too.`,
		example: "finest wallet new --wallet.name default --wallet.hotkey default",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: join(walletFlags(), passwordFlags(), []cliFlag{
			&cli.IntFlag{Name: "words", Value: 12, Usage: "`NUMBER` of words of a phrase: 12, 15, 18, 21 or 24"},
		}),
		run: runWalletNew,
	}
}

// Forms of secrets that regen reads.
const (
	fromMnemonic   = "mnemonic"
	fromSeed       = "seed"
	fromPrivateKey = "private-key"
	fromJSON       = "json"
	fromURI        = "uri"
)

var secretForms = []string{fromMnemonic, fromSeed, fromPrivateKey, fromJSON, fromURI}

func walletRegenSpec() spec {
	return spec{
		name: "regen", args: "coldkey|hotkey", summary: "store a key again from its phrase, seed or export",
		about: `
Stores a key that exists elsewhere. The secret is asked for, or read from
--secret-file or from standard input where that is no terminal; --from says what
it is: a mnemonic (the phrase), a seed of 32 bytes or a private-key of 64 bytes in
hex, the json that polkadot.js and browser wallets export, or a secret uri such as
//Alice. No key is ever replaced.`,
		example: "finest wallet regen hotkey --wallet.name default --wallet.hotkey default",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: join(walletFlags(), passwordFlags(), []cliFlag{
			&cli.StringFlag{Name: "from", Value: fromMnemonic, Usage: "`FORM` of the secret: " + strings.Join(secretForms, ", ")},
			&cli.StringFlag{Name: "secret-file", Usage: "`FILE` with the secret"},
			&cli.StringFlag{Name: "export-password-file", Usage: "`FILE` whose text is the password of the exported json"},
		}),
		run: runWalletRegen,
	}
}

func passwordFlags() []cliFlag {
	return []cliFlag{
		plainFlag("no-password", "store the coldkey without encrypting it"),
		passwordFileFlag(),
	}
}

func passwordFileFlag() cliFlag {
	return &cli.StringFlag{Name: "password-file", Usage: "`FILE` whose text is the password of the coldkey"}
}

func runWalletNew(c *invocation) error {
	keys, err := keysNamed(c)
	if err != nil {
		return err
	}
	words := c.Int("words")
	if !slices.Contains([]int{12, 15, 18, 21, 24}, words) {
		return usageError("--words %d: 12, 15, 18, 21 or 24 are possible", words)
	}
	var places []wallet.Place
	for _, key := range keys {
		p, err := placeOf(c, key)
		if err == nil {
			err = p.Vacant("")
		}
		if err != nil {
			return existingKey(fmt.Errorf("wallet new: %w", err))
		}
		places = append(places, p)
	}
	var made []*wallet.Secret
	for _, p := range places {
		s, err := wallet.NewSecret(words, rand.Reader)
		if err == nil {
			err = storeKey(c, p, s)
		}
		if err != nil {
			return err
		}
		made = append(made, s)
	}
	return c.out.phrases(places, made)
}

// phrases prints the phrases of new keys for their owner to write down.
func (p *printer) phrases(places []wallet.Place, made []*wallet.Secret) error {
	if p.json {
		return nil
	}
	return p.result(nil, func(w io.Writer) {
		fmt.Fprintf(w, "\nWrite down and keep where no computer can read it; it is not shown again. Whoever has the phrase has the key.\n")
		for i, s := range made {
			fmt.Fprintf(w, "%s %s: %s\n", places[i].Wallet, strings.TrimSpace(keyOf(places[i])+" "+places[i].Hotkey), s.Phrase())
		}
	})
}

// storeKey stores a key, encrypted if it is a coldkey, and prints it.
func storeKey(c *invocation, p wallet.Place, s *wallet.Secret) error {
	var password []byte
	if keyOf(p) == coldkey && !c.Bool("no-password") {
		var err error
		if password, err = newPassword(c, p); err != nil {
			return err
		}
		c.out.note("encrypting the coldkey, which takes some seconds")
	}
	err := p.Store(s, password)
	clear(password)
	if err != nil {
		return existingKey(err)
	}
	i, err := p.Inspect()
	if err != nil {
		return err
	}
	return c.out.result(newWalletResult(i), func(w io.Writer) {
		fmt.Fprintf(w, "%s %s: %s (%s)\n", strings.TrimSpace(keyOf(p)+" "+p.Hotkey), i.Address, i.File, storage(i))
	})
}

// existingKey adds what to do about a key that would have to be replaced.
func existingKey(err error) error {
	if !errors.Is(err, wallet.ErrExists) {
		return err
	}
	return withHint(usageError("%w", err), "no key is replaced: choose another --wallet.name or --wallet.hotkey, or move the files away")
}

func runWalletRegen(c *invocation) error {
	keys, err := keysNamed(c)
	if err != nil {
		return err
	}
	if c.NArg() != 1 {
		return usageError("wallet regen: one key expected: coldkey or hotkey")
	}
	p, err := placeOf(c, keys[0])
	if err != nil {
		return err
	}
	form := c.String("from")
	if !slices.Contains(secretForms, form) {
		return usageError("--from: %s are possible", strings.Join(secretForms, ", "))
	}
	raw, err := readSecret(c, form)
	if err != nil {
		return err
	}
	s, err := makeSecret(c, form, raw)
	clear(raw)
	if err != nil {
		return fmt.Errorf("wallet regen: %w", err)
	}
	// Before a password is asked for that would be of no use.
	if err := p.Vacant(s.Key().Address()); err != nil {
		return existingKey(fmt.Errorf("wallet regen: %w", err))
	}
	return storeKey(c, p, s)
}

// makeSecret makes the key that raw, of the given form, stands for.
func makeSecret(c *invocation, form string, raw []byte) (*wallet.Secret, error) {
	text := strings.TrimSpace(string(raw))
	switch form {
	case fromMnemonic:
		return wallet.SecretFromPhrase(text)
	case fromURI:
		return wallet.SecretFromURI(text)
	case fromJSON:
		return wallet.SecretFromExport(raw, func() ([]byte, error) { return exportPassword(c) })
	}
	key, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		// The library's error shows a part of the secret.
		return nil, fmt.Errorf("the %s is not hex", form)
	}
	if form == fromSeed {
		return wallet.SecretFromSeed(key)
	}
	return wallet.SecretFromPrivateKey(key)
}
