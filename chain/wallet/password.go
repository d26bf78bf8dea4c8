package wallet

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// PasswordVariable is the environment variable that Bittensor's tools look for
// the password of the key file in: BT_PW_ and the path of the file in upper
// case, with _ for / and for the dot.
func (p Place) PasswordVariable() string { return p.variable }

func passwordVariable(file string) string {
	return "BT_PW_" + strings.ToUpper(strings.NewReplacer("/", "_", ".", "_").Replace(file))
}

// EncodePassword returns the value of PasswordVariable for a password: base64 of
// the password, each byte xor-ed with the variable's name, over and over. That
// hides it from a glance and from nobody else.
func (p Place) EncodePassword(password []byte) string {
	return base64.StdEncoding.EncodeToString(p.mask(password))
}

// DecodePassword returns the password that the value of PasswordVariable stands
// for. Its error does not show the value.
func (p Place) DecodePassword(value string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("environment variable %s: not base64 of a hidden password, as Bittensor's tools store it", p.variable)
	}
	return p.mask(raw), nil
}

func (p Place) mask(text []byte) []byte {
	masked := make([]byte, len(text))
	for i, b := range text {
		masked[i] = b ^ p.variable[i%len(p.variable)]
	}
	return masked
}
