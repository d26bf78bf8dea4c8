package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"finest/chain/wallet"
)

// minPassword is the least number of bytes of a new password; opening a key takes
// any.
const minPassword = 8

// maxSecret bounds what is read as a secret.
const maxSecret = 64 << 10

var errNoTerminal = errors.New("there is no terminal to ask on")

// askTerminal asks on the terminal of the process, not on standard input, which
// may carry something else. What is typed is not shown.
func askTerminal(ctx context.Context, prompt string) (answer []byte, err error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	defer func() { _ = tty.Close() }()
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, errNoTerminal
	}
	fmt.Fprintf(tty, "%s: ", prompt)
	answer, err = await(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(tty)
	if err != nil {
		// A signal came while the terminal showed nothing.
		return nil, errors.Join(fmt.Errorf("ask for %s: %w", prompt, err), term.Restore(fd, before))
	}
	return bytes.TrimSpace(answer), nil
}

// await calls read, which cannot be interrupted, and leaves it behind when ctx
// ends: the process ends, too.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		content, err := read()
		done <- result{content, err}
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readAll reads at most limit bytes.
func readAll(ctx context.Context, f *os.File, limit int64) ([]byte, error) {
	content, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(f, limit+1)) })
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("read %s: more than %d bytes", f.Name(), limit)
	}
	return content, nil
}

// readFile reads a file with a secret that the flag names; "" without one.
func readFile(c *invocation, flag string) ([]byte, error) {
	name := c.String(flag)
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError("--%s: %w", flag, err)
	}
	defer func() { _ = f.Close() }()
	content, err := readAll(c.Context.Context, f, maxSecret)
	if err == nil && len(bytes.TrimSpace(content)) == 0 {
		err = usageError("--%s: %s is empty", flag, name)
	}
	return content, err
}

// readSecret reads what a key is made of: from --secret-file, standard input
// where that is no terminal, or the terminal.
func readSecret(c *invocation, form string) ([]byte, error) {
	if raw, err := readFile(c, "secret-file"); raw != nil || err != nil {
		return raw, err
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		raw, err := readAll(c.Context.Context, os.Stdin, maxSecret)
		if err == nil && len(bytes.TrimSpace(raw)) == 0 {
			err = withHint(usageError("wallet regen: standard input is empty"), "type the secret on a terminal, or use --secret-file FILE")
		}
		return raw, err
	}
	if form == fromJSON {
		return nil, usageError("wallet regen: --secret-file is missing, the file of the export")
	}
	return askTerminal(c.Context.Context, form)
}

// password looks for a password in the file that the flag names, in the
// environment variable of the place, and on the terminal. source says where it
// was found.
func password(c *invocation, p wallet.Place, prompt string) (word []byte, source string, err error) {
	if word, err = readFile(c, "password-file"); word != nil || err != nil {
		return bytes.TrimSpace(word), c.String("password-file"), err
	}
	if value := os.Getenv(p.PasswordVariable()); value != "" {
		word, err = p.DecodePassword(value)
		return word, p.PasswordVariable(), err
	}
	word, err = askTerminal(c.Context.Context, prompt)
	if errors.Is(err, errNoTerminal) {
		err = withHint(usageError("%s of %s: %w", prompt, p.File, err), "--password-file FILE or the variable %s can have it", p.PasswordVariable())
	}
	return word, "", err
}

// newPassword returns the password to encrypt a new key with. One that is typed
// is asked for twice.
func newPassword(c *invocation, p wallet.Place) ([]byte, error) {
	word, source, err := password(c, p, "new password")
	if errors.Is(err, errNoTerminal) {
		err = withHint(err, "%s; --no-password stores the key without one", hintOf(err))
	}
	if err != nil {
		return nil, err
	}
	if len(word) < minPassword {
		return nil, withHint(usageError("password of %s: at least %d characters are needed", p.File, minPassword), "--no-password stores the key without one")
	}
	if source != "" {
		return word, nil
	}
	again, err := askTerminal(c.Context.Context, "the same again")
	if err == nil && !bytes.Equal(word, again) {
		err = usageError("password of %s: what was typed differs", p.File)
	}
	clear(again)
	return word, err
}

// exportPassword returns the password of an export.
func exportPassword(c *invocation) ([]byte, error) {
	if word, err := readFile(c, "export-password-file"); word != nil || err != nil {
		return bytes.TrimSpace(word), err
	}
	word, err := askTerminal(c.Context.Context, "password of the export")
	if errors.Is(err, errNoTerminal) {
		err = withHint(usageError("password of the export: %w", err), "--export-password-file FILE can have it")
	}
	return word, err
}

// loadSecret opens the key at p, with a password if it needs one.
func loadSecret(c *invocation, p wallet.Place) (*wallet.Secret, error) {
	var source string
	s, err := p.Load(func() (word []byte, err error) {
		word, source, err = password(c, p, "password")
		if err == nil {
			c.out.note("decrypting the %s, which takes some seconds", keyOf(p))
		}
		return word, err
	})
	if errors.Is(err, wallet.ErrPassword) && source != "" {
		return nil, withHint(err, "the password is from %s", source)
	}
	return s, absentKey(err)
}
