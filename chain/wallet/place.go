package wallet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"finest/internal/durable"
)

// Names of files and folders in a wallet. The public part of a key lies beside
// it, as <key>pub.txt.
const (
	coldkeyName  = "coldkey"
	hotkeyFolder = "hotkeys"
	publicSuffix = "pub.txt"
)

// keyMode is the mode of both parts of a key: btwallet keeps the public part
// from others too.
const keyMode = 0o600

// Place is where a key of a wallet lies.
type Place struct {
	// Wallet is the name of the wallet, Hotkey that of the hotkey; "" for the
	// coldkey.
	Wallet, Hotkey string
	// File holds the key, PublicFile its public part.
	File, PublicFile string

	variable string
}

// ColdkeyPlace returns where the coldkey of a wallet lies: path/name/coldkey. A
// leading ~/ in path is the home folder. Names are single path elements.
func ColdkeyPlace(path, name string) (Place, error) {
	return placeAt(path, name, coldkeyName, Place{Wallet: name})
}

// HotkeyPlace returns where a hotkey of a wallet lies: path/name/hotkeys/hotkey.
// A leading ~/ in path is the home folder. Names are single path elements.
func HotkeyPlace(path, name, hotkey string) (Place, error) {
	if err := plainName("hotkey", hotkey); err != nil {
		return Place{}, err
	}
	return placeAt(path, name, hotkeyFolder+"/"+hotkey, Place{Wallet: name, Hotkey: hotkey})
}

func placeAt(path, name, within string, p Place) (Place, error) {
	if err := plainName("wallet", name); err != nil {
		return Place{}, err
	}
	path, err := expandHome(path)
	if err != nil {
		return Place{}, err
	}
	p.File = filepath.Join(path, name, within)
	p.PublicFile = p.File + publicSuffix
	// btwallet makes the variable from the path as it was given, not cleaned.
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	p.variable = passwordVariable(path + name + "/" + within)
	return p, nil
}

func plainName(what, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`+"\x00") {
		return fmt.Errorf("%s name %q is not a plain name", what, name)
	}
	return nil
}

// expandHome replaces a leading ~ by the home folder.
func expandHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok && path != "~" {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find wallet folder %s: %w", path, err)
	}
	if !ok {
		return home, nil
	}
	return strings.TrimSuffix(home, "/") + "/" + rest, nil
}

// what names the key in messages.
func (p Place) what() string {
	if p.Hotkey == "" {
		return "coldkey"
	}
	return "hotkey"
}

// Load reads the key. The secret in the file may be a phrase, a seed or an
// expanded private key; the first of them, in that order, that makes the public
// key the file states is taken. password is called only for an encrypted file;
// nil stands for a caller who has none and gets ErrEncrypted. Errors show no part
// of the file.
func (p Place) Load(password func() ([]byte, error)) (*Secret, error) {
	raw, err := readKeyFile(p.File)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.what(), err)
	}
	s, err := openKeyFile(raw, password)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", p.what(), p.File, err)
	}
	return s, nil
}

func openKeyFile(raw []byte, password func() ([]byte, error)) (*Secret, error) {
	plain, err := decrypt(raw, password)
	if err != nil {
		return nil, err
	}
	return parseKeyFile(plain)
}

// readKeyFile reads a whole key file, however it is encrypted.
func readKeyFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(raw) > maxKeyFile {
		err = fmt.Errorf("%s: more than %d bytes, so no key file", file, maxKeyFile)
	}
	return raw, err
}

// Vacant returns nil if a key can be stored: there is none, and no public part of
// another key than address; "" stands for a key that is still to be made.
// Otherwise the error is ErrExists.
func (p Place) Vacant(address string) error {
	if _, err := os.Lstat(p.File); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, p.File)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	public, err := readPublic(p.PublicFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read public part of %s: %w", p.what(), err)
	case public == address:
		return nil
	}
	return fmt.Errorf("%w: %s is the public part of %s", ErrExists, p.PublicFile, public)
}

// Store writes the key and its public part as Bittensor wallets do, with mode
// 0600: JSON, encrypted where password is not empty. It replaces no key: see
// Vacant.
func (p Place) Store(s *Secret, password []byte) error {
	if err := p.Vacant(s.key.address); err != nil {
		return fmt.Errorf("store %s: %w", p.what(), err)
	}
	secret, public, err := s.encode()
	if err != nil {
		return fmt.Errorf("store %s: %w", p.what(), err)
	}
	if len(password) > 0 {
		key := passwordKey(password)
		secret, err = sealNaCl(secret, key)
		clear(key[:])
		if err != nil {
			return fmt.Errorf("store %s: %w", p.what(), err)
		}
	}
	if err := writeNew(p.File, secret); err != nil {
		return fmt.Errorf("store %s: %w", p.what(), err)
	}
	if err := durable.WriteBytes(p.PublicFile, keyMode, public); err != nil {
		return fmt.Errorf("store public part of %s: %w", p.what(), err)
	}
	return nil
}

// writeNew writes file whole, and only if there is none: a link, unlike a
// rename, replaces nothing.
func writeNew(file string, content []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+filepath.Base(file)+".new-"+rand.Text())
	if err := durable.WriteBytes(tmp, keyMode, content); err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := os.Link(tmp, file); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, file)
	} else if err != nil {
		return err
	}
	return durable.SyncDir(dir)
}
