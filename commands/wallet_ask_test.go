package commands

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"finest/chain/wallet"
)

// A password in the environment, as Bittensor's tools put it there, is found.
func TestPasswordFromEnvironment(t *testing.T) {
	p, err := wallet.ColdkeyPlace("/home/alice/.bittensor/wallets", "default")
	if err != nil {
		t.Fatal(err)
	}
	set := flag.NewFlagSet("sign", flag.ContinueOnError)
	set.String("password-file", "", "")
	c := &invocation{Context: cli.NewContext(nil, set, nil)}
	t.Setenv(p.PasswordVariable(), "Npf2IyN/Lz9v")
	word, source, err := password(c, p, "password")
	if err != nil || string(word) != "tést pw " || source != p.PasswordVariable() {
		t.Errorf("password %q from %q, %v", word, source, err)
	}
	t.Setenv(p.PasswordVariable(), "hunter2!")
	if _, _, err := password(c, p, "password"); err == nil || !strings.Contains(err.Error(), p.PasswordVariable()) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("not base64: %v", err)
	}
}

// A signal ends a question that nobody answers.
func TestAwaitEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	block := make(chan struct{})
	defer close(block)
	if _, err := await(ctx, func() ([]byte, error) { <-block; return nil, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if got, err := await(t.Context(), func() ([]byte, error) { return []byte("x"), nil }); err != nil || !bytes.Equal(got, []byte("x")) {
		t.Errorf("read %q, %v", got, err)
	}
}
