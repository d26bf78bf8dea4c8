package contract_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
)

const (
	signerAddress   = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	receiverAddress = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
	requestUUID     = "01234567-89ab-4cde-8f01-23456789abcd"
)

func signedHeaders(t testing.TB, body string) (contract.SignedHeaders, http.Header) {
	t.Helper()
	var signed string
	h, err := contract.SignRequest([]byte(body), time.UnixMilli(1_700_000_000_123), requestUUID, signerAddress, receiverAddress,
		func(message []byte) ([64]byte, error) {
			signed = string(message)
			return [64]byte{0: 0xab, 63: 0x81}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	// SHA-256 of "{}".
	const want = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a." + requestUUID + ".1700000000123." + receiverAddress
	if body == "{}" && signed != want {
		t.Fatalf("signed %q, want %q", signed, want)
	}
	header := make(http.Header)
	for name, value := range h.Values() {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("header name %s is not canonical", name)
		}
		header.Set(name, value)
	}
	return h, header
}

func TestSignedHeaders(t *testing.T) {
	want, header := signedHeaders(t, "{}")
	got, err := contract.ParseSignedHeaders(header)
	if err != nil || got != want {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
	if got := header.Get("Epistula-Request-Signature"); got != "0xab"+strings.Repeat("0", 124)+"81" {
		t.Errorf("signature header %s", got)
	}
	if !want.Time().Equal(time.UnixMilli(1_700_000_000_123)) {
		t.Errorf("time %s", want.Time())
	}
}

func TestSignRequestFails(t *testing.T) {
	failure := errors.New("no key")
	_, err := contract.SignRequest(nil, time.Now(), requestUUID, signerAddress, receiverAddress,
		func([]byte) ([64]byte, error) { return [64]byte{}, failure })
	if !errors.Is(err, failure) {
		t.Errorf("got error %v", err)
	}
}

func TestParseSignedHeadersRefuses(t *testing.T) {
	_, good := signedHeaders(t, "{}")
	for name := range good {
		for what, values := range map[string][]string{
			"missing":  nil,
			"twice":    {good.Get(name), good.Get(name)},
			"empty":    {""},
			"spaced":   {" " + good.Get(name)},
			"suffixed": {good.Get(name) + "\n"},
			"long":     {strings.Repeat("1", 300)},
		} {
			header := good.Clone()
			header[name] = values
			if _, err := contract.ParseSignedHeaders(header); !errors.Is(err, contract.ErrInvalid) {
				t.Errorf("%s %s: got error %v", name, what, err)
			}
		}
	}
}

// TestWhatIsWrongWithSignedHeaders: the ways in which a signature is none are
// told apart.
func TestWhatIsWrongWithSignedHeaders(t *testing.T) {
	_, good := signedHeaders(t, "{}")
	signature := good.Get(contract.HeaderSignature)
	kinds := []error{contract.ErrUnsigned, contract.ErrTruncated, contract.ErrScheme}
	for _, c := range []struct {
		name, header string
		values       []string
		want         error // nil: an ill-formed header
	}{
		{"no signature", contract.HeaderSignature, nil, contract.ErrUnsigned},
		{"no version", contract.HeaderVersion, nil, contract.ErrUnsigned},
		{"no receiver", contract.HeaderSignedFor, nil, contract.ErrUnsigned},
		{"one digit missing", contract.HeaderSignature, []string{signature[:129]}, contract.ErrTruncated},
		{"half a signature", contract.HeaderSignature, []string{signature[:66]}, contract.ErrTruncated},
		{"without the mark, as of ed25519", contract.HeaderSignature, []string{signature[:128] + "01"}, contract.ErrScheme},
		{"65 bytes, as of ECDSA", contract.HeaderSignature, []string{signature + "1b"}, contract.ErrScheme},
		{"66 bytes", contract.HeaderSignature, []string{signature + "1b1b"}, nil},
		{"without 0x", contract.HeaderSignature, []string{signature[2:]}, nil},
		{"upper case", contract.HeaderSignature, []string{"0x" + strings.ToUpper(signature[2:])}, nil},
		{"empty", contract.HeaderSignature, []string{""}, nil},
		{"twice", contract.HeaderSignature, []string{signature, signature}, nil},
		{"version 1", contract.HeaderVersion, []string{"1"}, nil},
	} {
		header := good.Clone()
		header[c.header] = c.values
		_, err := contract.ParseSignedHeaders(header)
		if !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", c.name, err)
		}
		for _, kind := range kinds {
			if errors.Is(err, kind) != (kind == c.want) { //nolint:errorlint // which of them is meant
				t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
			}
		}
	}
}

func FuzzParseSignedHeaders(f *testing.F) {
	_, good := signedHeaders(f, "{}")
	f.Add(good.Get(contract.HeaderTimestamp), good.Get(contract.HeaderUUID), good.Get(contract.HeaderSignedBy),
		good.Get(contract.HeaderSignedFor), good.Get(contract.HeaderSignature))
	f.Add("0", "", "x", "'", "0x")
	f.Fuzz(func(t *testing.T, stamp, uuid, by, to, signature string) {
		header := map[string]string{contract.HeaderVersion: "2", contract.HeaderTimestamp: stamp, contract.HeaderUUID: uuid,
			contract.HeaderSignedBy: by, contract.HeaderSignedFor: to, contract.HeaderSignature: signature}
		lists := make(map[string][]string)
		for name, value := range header {
			lists[name] = []string{value}
		}
		h, err := contract.ParseSignedHeaders(lists)
		if err != nil {
			return
		}
		for name, value := range h.Values() { // one spelling for each value
			if header[name] != value {
				t.Errorf("%s %q reads as %q", name, header[name], value)
			}
		}
	})
}
