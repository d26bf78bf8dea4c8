package commands

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/chain"
	"finest/chain/wallet"
)

// maxMessage bounds what is signed, which is held in memory.
const maxMessage = 64 << 20

func walletSignSpec() spec {
	return spec{
		name: "sign", args: "[MESSAGE]", summary: "sign a message",
		about: `
Signs MESSAGE, or the bytes of --file, with the hotkey, or with --coldkey, and
prints the signature in hex. It is sr25519 in the context "substrate" over the
bytes themselves, as the Python package bittensor-wallet signs.

The password of an encrypted key is asked for, unless --password-file or the
variable that finest wallet show names has it.`,
		example: "finest wallet sign --wallet.name default --wallet.hotkey default \"I own this\"",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags:   join(walletFlags(), messageFlags(), []cliFlag{passwordFileFlag()}),
		run:     runWalletSign,
	}
}

func walletVerifySpec() spec {
	return spec{
		name: "verify", args: "[MESSAGE]", summary: "check a signature",
		about: `
Tells whether --signature is that of --address for MESSAGE, or for the bytes of
--file; without --address, that of the hotkey, or of the coldkey with --coldkey.
What polkadot.js and browser wallets sign, which is the message between <Bytes>
and </Bytes>, is accepted too.`,
		example: "finest wallet verify --signature 0x726f… --address 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY finest",
		exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
		flags: join(walletFlags(), messageFlags(), []cliFlag{
			&cli.StringFlag{Name: "signature", Usage: "signature in `HEX`"},
			&cli.StringFlag{Name: "address", Usage: "`ADDRESS` of who is said to have signed"},
		}),
		run: runWalletVerify,
	}
}

func messageFlags() []cliFlag {
	return []cliFlag{
		plainFlag("coldkey", "the coldkey instead of the hotkey"),
		&cli.StringFlag{Name: "file", Usage: "`FILE` whose bytes are the message, - for standard input"},
	}
}

// signatureResult is what wallet sign --json prints.
type signatureResult struct {
	Address   string `json:"address"`
	PublicKey string `json:"public_key"`
	Signature string `json:"signature"`
}

// verificationResult is what wallet verify --json prints. Wrapped says that the
// message stood between <Bytes> and </Bytes>.
type verificationResult struct {
	Address string `json:"address"`
	Valid   bool   `json:"valid"`
	Wrapped bool   `json:"wrapped"`
}

// message returns the bytes to sign or verify: the argument or --file.
func message(c *invocation) ([]byte, error) {
	file := c.String("file")
	if file == "" {
		text, err := oneArgument(c.Context, "MESSAGE")
		return []byte(text), err
	}
	if c.NArg() > 0 {
		return nil, usageError("%s: MESSAGE and --file exclude each other", commandPath(c.Context))
	}
	in := os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usageError("%s: %w", commandPath(c.Context), err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	return readAll(c.Context.Context, in, maxMessage)
}

// keyFlag returns which key --coldkey chooses.
func keyFlag(c *invocation) string {
	if c.Bool("coldkey") {
		return coldkey
	}
	return hotkey
}

func runWalletSign(c *invocation) error {
	text, err := message(c)
	if err != nil {
		return err
	}
	p, err := placeOf(c, keyFlag(c))
	if err != nil {
		return err
	}
	s, err := loadSecret(c, p)
	if err != nil {
		return err
	}
	sig, err := s.Key().Sign(text)
	if err != nil {
		return err
	}
	public := s.Key().PublicKey()
	result := signatureResult{s.Key().Address(), fmt.Sprintf("%#x", public[:]), fmt.Sprintf("%#x", sig[:])}
	return c.out.result(result, func(w io.Writer) { fmt.Fprintln(w, result.Signature) })
}

func runWalletVerify(c *invocation) error {
	text, err := message(c)
	if err != nil {
		return err
	}
	stated, err := required(c.Context, "signature")
	if err != nil {
		return err
	}
	var sig [64]byte
	raw, err := hex.DecodeString(strings.TrimPrefix(stated, "0x"))
	if err != nil || len(raw) != len(sig) {
		return usageError("--signature: not the hex of %d bytes", len(sig))
	}
	copy(sig[:], raw)
	signer, err := signerOf(c)
	if err != nil {
		return err
	}
	result := verificationResult{Address: wallet.Address(signer), Valid: wallet.Verify(signer, text, sig)}
	if !result.Valid {
		result.Wrapped = wallet.Verify(signer, fmt.Appendf(nil, "<Bytes>%s</Bytes>", text), sig)
		result.Valid = result.Wrapped
	}
	if !result.Valid {
		err := withCode(ExitVerification, fmt.Errorf("wallet verify: not a signature of this message by %s", result.Address))
		if c.out.json {
			err = errors.Join(c.out.result(result, nil), err)
		}
		return err
	}
	return c.out.result(result, func(w io.Writer) {
		if result.Wrapped {
			fmt.Fprintf(w, "signed by %s, between <Bytes> and </Bytes>\n", result.Address)
			return
		}
		fmt.Fprintf(w, "signed by %s\n", result.Address)
	})
}

// signerOf returns whose signature is meant: --address or the wallet's key.
func signerOf(c *invocation) (signer chain.PublicKey, err error) {
	if address := c.String("address"); address != "" {
		if signer, err = wallet.ParseAddress(address); err != nil {
			return signer, usageError("--address: %w", err)
		}
		return signer, nil
	}
	p, err := placeOf(c, keyFlag(c))
	if err != nil {
		return signer, err
	}
	i, err := p.Inspect()
	if err != nil {
		return signer, absentKey(err)
	}
	if i.Address == "" {
		err := fmt.Errorf("%s: its address is not known without its secret", p.File)
		return signer, withHint(err, "--address names who is said to have signed")
	}
	return wallet.ParseAddress(i.Address)
}
