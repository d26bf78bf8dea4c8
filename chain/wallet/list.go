package wallet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Info is what can be known of a key without a password.
type Info struct {
	Place
	// Address is the SS58 address, "" if no file tells it.
	Address string
	// Encryption is that of the key file, "" where there is only the public part.
	Encryption Encryption
	// Problem says what is wrong with the files, nil if nothing is.
	Problem error
}

// Inspect looks at a key without opening what is encrypted. The error is
// fs.ErrNotExist if there is neither the key nor its public part.
func (p Place) Inspect() (Info, error) {
	i := Info{Place: p}
	raw, keyErr := readKeyFile(p.File)
	public, publicErr := readPublic(p.PublicFile)
	if errors.Is(keyErr, fs.ErrNotExist) && errors.Is(publicErr, fs.ErrNotExist) {
		return i, fmt.Errorf("%s: %w", p.what(), keyErr)
	}
	i.Address = public
	switch {
	case errors.Is(keyErr, fs.ErrNotExist):
	case keyErr != nil:
		i.Problem = keyErr
	default:
		i.Encryption = EncryptionOf(raw)
		i.Problem = i.check(raw)
	}
	if i.Problem == nil && publicErr != nil && !errors.Is(publicErr, fs.ErrNotExist) {
		i.Problem = fmt.Errorf("%s: %w", p.PublicFile, publicErr)
	}
	return i, nil
}

// check compares the key file with the public part and looks at its mode.
func (i *Info) check(raw []byte) error {
	if i.Encryption == Plain {
		s, err := parseKeyFile(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", i.File, err)
		}
		if i.Address != "" && i.Address != s.key.address {
			return fmt.Errorf("%s is the public part of another key, %s", i.PublicFile, i.Address)
		}
		i.Address = s.key.address
	}
	if advice := i.Encryption.Advice(); advice != "" {
		return fmt.Errorf("encrypted with %s, which is not opened; %s", i.Encryption.name(), advice)
	}
	info, err := os.Stat(i.File)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others may open it, mode %#o; chmod 600 %s", mode, i.File)
	}
	return nil
}

// List inspects all keys of all wallets in the folder path, wallets and hotkeys
// by name, a coldkey before the hotkeys. A leading ~/ in path is the home folder.
func List(path string) ([]Info, error) {
	dir, err := expandHome(path)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list wallets: %w", err)
	}
	var infos []Info
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		infos = append(infos, inspectWallet(path, e.Name())...)
	}
	return infos, nil
}

// inspectWallet inspects the coldkey and all hotkeys of a wallet. What cannot be
// read is a problem of the coldkey's.
func inspectWallet(path, name string) (infos []Info) {
	cold, err := ColdkeyPlace(path, name)
	if err != nil {
		return nil
	}
	names, hotErr := hotkeyNames(filepath.Join(filepath.Dir(cold.File), hotkeyFolder))
	i, err := cold.Inspect()
	if i.Problem == nil {
		i.Problem = hotErr
	}
	if err == nil || hotErr != nil {
		infos = append(infos, i)
	}
	for _, n := range names {
		p, err := HotkeyPlace(path, name, n)
		if err != nil {
			continue
		}
		if i, err := p.Inspect(); err == nil {
			infos = append(infos, i)
		}
	}
	return infos
}

// hotkeyNames returns the names of the hotkeys in a folder, also of those with
// nothing but a public part, sorted.
func hotkeyNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), publicSuffix); name != "" && !strings.HasPrefix(name, ".") && !e.IsDir() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
